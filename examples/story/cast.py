"""The people of the story: each uses the REST API, and the `lockbox` command as a person would."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from lockbox import clock
from lockbox.crypto.keys import load_signing_key
from lockbox.crypto.possession import Target, prove
from lockbox.ids import new_id

PATIENCE_SECONDS = 40.0
T = TypeVar("T")


class StoryError(Exception):
    """Something was not as it should be."""


def expect(truth: object, otherwise: str) -> None:
    """Raise `StoryError` unless it is so."""
    if not truth:
        raise StoryError(otherwise)


def eventually(look: Callable[[], T | None], what: str, within: float = PATIENCE_SECONDS) -> T:
    """Return the first true result of `look`; raises `StoryError` after a deadline."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        expect(time.monotonic() < deadline, f"{what}: not within {within:.0f} s")
        time.sleep(0.1)


class Person:
    """A person with an account, signed in over REST and at the command line."""

    def __init__(self, portal: str, account: dict[str, str], sessions: Path) -> None:
        self.email = account["email"]
        self._http = httpx.Client(base_url=f"{portal}/api/v1", timeout=30)
        self._session = sessions / self.email / "session.json"
        answer = self._http.post("/session", json=account)
        expect(answer.status_code == httpx.codes.OK, f"{self.email} can't sign in: {answer.text}")
        self._http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        self.command("login", "--url", portal, "--email", self.email, password=account["password"])

    def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> Any:
        """Read something over REST."""
        answer = self._http.get(path, params=params, headers=headers)
        expect(answer.is_success, f"{self.email}: GET {path} gave {answer.status_code} {answer.text}")
        return answer.json()

    def post(self, path: str, body: dict[str, Any], status: int) -> Any:
        """Do something over REST, which must give this status."""
        answer = self._http.post(path, json=body)
        expect(answer.status_code == status, f"{self.email}: POST {path} gave {answer.status_code} {answer.text}")
        return answer.json()

    def command(self, *arguments: str, password: str | None = None) -> Any:
        """Return the document that `lockbox <arguments> --json` prints."""
        return json.loads(self.run(*arguments, "--json", password=password))

    def run(self, *arguments: str, password: str | None = None) -> str:
        """Return the text that `lockbox <arguments>` prints."""
        environment = {**os.environ, "LOCKBOX_SESSION": str(self._session)}
        if password is not None:
            environment["LOCKBOX_PASSWORD"] = password
        lockbox = Path(sys.executable).with_name("lockbox")
        done = subprocess.run(  # noqa: S603 - our own command
            [str(lockbox), *arguments], capture_output=True, text=True, check=False, env=environment
        )
        expect(done.returncode == 0, f"{self.email}: lockbox {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def signed(self, grant_id: str) -> str:
        """The signed grant, bound to the key of the `lockbox` command."""
        path = f"/grants/{grant_id}/token"
        proof = self.proof("GET", str(self._http.base_url).rstrip("/") + path)
        return str(self.get(path, headers={"DPoP": proof})["token"])

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        """That a request is made by whoever has that key."""
        key = load_signing_key(self._session.with_name("key.pem"))
        return prove(key, Target(method, url), clock.now().timestamp(), new_id(), token)

    def trail(self, tenant: str, since: str) -> list[dict[str, Any]]:
        """All audit records of a tenant from a moment on."""
        return self.command("audit", tenant, "--from", since, "--all", "--oldest-first")["items"]  # type: ignore[no-any-return]


class Cast:
    """Everybody in the story, and the product that they meet at."""

    def __init__(self, accounts_file: Path) -> None:
        document = json.loads(accounts_file.read_text())
        self.portal: str = document["portal"]
        self._product: str = document["content"]
        self._folder = tempfile.TemporaryDirectory(prefix="lockbox-story-")
        self._accounts: dict[str, dict[str, str]] = document["accounts"]
        self._people: dict[str, Person] = {}

    def __getattr__(self, name: str) -> Person:
        """The person of this name, signed in when first needed."""
        if name.startswith("_") or name not in self._accounts:
            raise AttributeError(name)
        if name not in self._people:
            self._people[name] = Person(self.portal, self._accounts[name], Path(self._folder.name))
        return self._people[name]

    def address(self, path: str) -> str:
        """Of content in the product."""
        return f"{self._product}/documents/{path}"

    def use(self, token: str | None, path: str, method: str = "GET", by: Person | None = None) -> str:
        """Try to use content of the product, with the engineer's proof or another's: `granted`, or why not."""
        url = self.address(path)
        proven = {"DPoP": (by or self.engineer).proof(method, url, token)} if token else {}
        headers = {"Authorization": f"DPoP {token}", **proven} if token else {}
        answer = httpx.request(method, url, headers=headers, timeout=30)
        if answer.status_code == httpx.codes.OK:
            expect(answer.text.startswith("From: "), "the product served something that is not the document")
            return "granted"
        expect(answer.headers.get("Lockbox-Reason"), f"the product gave {answer.status_code} {answer.text}")
        return str(answer.headers["Lockbox-Reason"])
