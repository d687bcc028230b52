"""A guard that is ready, and an engineer with a grant; the portal alone is a stand-in."""

import itertools
import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.unit.keys import signing_key
from tests.unit.lockbox.guard.clocks import MovableClock
from tests.unit.lockbox.guard.stand_in import StandIn
from tests.waiting import eventually

from lockbox import clock
from lockbox.crypto.possession import Target, prove, prove_session
from lockbox.crypto.tokens import GRANT_TOKEN, sign
from lockbox.guard import Dpop, Guard, Options
from lockbox.guard.middleware import RequestGuard
from lockbox.guard.routes import Route, Routes

ORIGIN = "https://files.vendor.example"
REQUEST_ID = "566924bd-d58b-45eb-a91f-e689a1d37c43"
GRANT_ID = "7b1f4c5e-4f0e-4a53-9d0e-2f8a1d1c9a01"
ENGINEER = "erin@vendor.example"
ISSUER, HERS, HIS = signing_key(1), signing_key(2), signing_key(3)
ALICE = "/documents/contoso/mailbox/alice"
READS = {"GET": "read", "HEAD": "read", "PUT": "write", "WEBSOCKET": "follow"}
ROUTES = (
    Route("/documents/{tenant}/{resource...}", READS),
    Route("/healthz", open=True),
    Route("/static/{file...}", open=True),
)

Pairs = Iterable[tuple[str, str]]
USUAL = Options()
numbers = itertools.count()


def grant(**changes: Any) -> str:
    """A grant to read contoso's mailbox/alice, bound to her key; a claim that is None is left out."""
    now = clock.now().timestamp()
    claims = {
        "sub": ENGINEER,
        "jti": GRANT_ID,
        "request": REQUEST_ID,
        "tenant": "contoso",
        "resources": ["mailbox/alice"],
        "actions": ["read"],
        "nbf": now - 10,
        "exp": now + 600,
        "cnf": {"jkt": HERS.kid},
        **changes,
    }
    return sign(GRANT_TOKEN, {name: value for name, value in claims.items() if value is not None}, ISSUER)


def proof(token: str, path: str = ALICE, method: str = "GET", key: Any = HERS) -> str:
    """A proof for one request."""
    now = clock.now().timestamp()
    return prove(key, Target(method, ORIGIN + path), now, f"proof-{next(numbers)}", token)


def session(token: str, origin: str = ORIGIN) -> str:
    """A proof for some minutes, for a cookie."""
    return prove_session(HERS, origin, clock.now().timestamp(), f"session-{next(numbers)}", token)


def shown(token: str, path: str = ALICE, method: str = "GET") -> dict[str, str]:
    """The headers that a grant and its proof come in."""
    return {"Authorization": f"DPoP {token}", "DPoP": proof(token, path, method)}


def shown_with(token: str) -> Dpop:
    """What a guard is shown of a request to read."""
    return Dpop(proof(token), "GET", ORIGIN + ALICE)


def cookies(token: str) -> dict[str, str]:
    """The header that a browser sends."""
    return {"Cookie": f"theme=dark; lockbox_grant={token}; lockbox_proof={session(token)}"}


class Scene:
    """The portal, and a guard that hears from it."""

    def __init__(self, portal: StandIn, folder: Path, options: Options = USUAL) -> None:
        self.portal = portal
        self.clock = MovableClock()
        token_file = folder / "token"
        token_file.write_text("lbk_secret\n")
        self.guard = Guard(portal.url, token_file, options, self.clock)
        self.request_guard = RequestGuard(self.guard, Routes(ROUTES), ORIGIN, certificate_header="X-Client-Cert")

    def open(self) -> "Scene":
        """Returns when the guard is ready."""
        self.guard.start()
        eventually(lambda: self.guard.ready)
        return self

    def revoke(self) -> None:
        """Returns when the guard knows."""
        self.portal.revoked.append(GRANT_ID)
        token = grant()
        eventually(lambda: self.guard.check(token, "contoso", "x/y", "read").reason == "grant_revoked")

    def records_of(self, **about: str) -> list[tuple[bool, str, str]]:
        """What is on record about a resource: whether it was let in, the reason, the action."""
        wanted = about.items()
        found = [record for record in self.portal.records if wanted <= record.items()]
        return [(record["allowed"], record["reason"], record["action"]) for record in found]


@contextmanager
def on_waitress(application: Any) -> Iterator[int]:
    """A WSGI application on a real server; its port."""
    from waitress.server import create_server

    server = create_server(application, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.trigger.pull_trigger(lambda: server.asyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()


@dataclass(frozen=True)
class Answer:
    """Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Of a problem document."""
        return str(json.loads(self.body)["code"])


def ask(port: int, method: str, target: str, headers: Mapping[str, str] | Pairs = ()) -> Answer:
    """Send a request line as it is, letter by letter, and headers, each as often as it is given."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines = [f"{method} {target} HTTP/1.1", "Host: a.example", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in pairs]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return Answer(int(first.split()[1]), fields, body)


TRICKS = [
    "//documents/contoso/mailbox/alice", "/documents//contoso/mailbox/alice", "/documents/contoso/mailbox/alice/",
    "/documents/contoso/mailbox/x/../alice", "/documents/contoso/mailbox/%2e%2e/mailbox/alice",
    "/documents/contoso/mailbox/..%2fmailbox/alice", "/documents/contoso/mailbox%2Falice", "/static/../documents/x/y",
    "/documents/contoso/mailbox%252Falice", "/documents/contoso/mailbox\\alice", "/documents/contoso/mailbox/alice;x",
    "/documents/contoso/mailbox/alice%00", "/Documents/contoso/mailbox/alice", "/documents/contoso/mailbox/alice#x",
    "/documents/contoso/mailbox/%c0%aelice", "/static/..%2f..%2fdocuments/contoso/mailbox/alice", "*",
    "http://files.vendor.example/documents/contoso/mailbox/alice", "/static/..;/documents/contoso/mailbox/alice",
    "/documents/contoso/mailbox/%EF%BD%81lice", "/healthz/../documents/contoso/mailbox/alice", "/healthz;/../documents",
]  # fmt: skip


PLAIN = [
    (ALICE, ALICE),
    (f"{ALICE}?folder=../bob", ALICE),
    ("/documents/contoso/mailbox/%61lice", ALICE),
    ("/documents/contoso/mailbox/alice%40x.example", f"{ALICE}@x.example"),
    ("/documents/contoso/mailbox/alice@x.example", f"{ALICE}@x.example"),
    ("/static/a%20b/%C3%A9", "/static/a b/é"),
]


def require_refused_tricks(port: int) -> None:
    """A path that can be read in two ways never reaches the product, whatever the grant."""
    token = grant(resources=["mailbox/**", "documents/**"])
    headers = {"Authorization": f"DPoP {token}", "DPoP": session(token)}
    for target in TRICKS:
        answer = ask(port, "GET", target, headers)
        assert answer.status == 403, target
        assert answer.code in ("path_ambiguous", "no_route"), target


def require_served_plain(port: int) -> None:
    """A plain path reaches the product, which gets the very path that was judged."""
    token = grant(resources=["mailbox/alice", "mailbox/alice@x.example"])
    for target, path in PLAIN:
        answer = ask(port, "GET", target, shown(token, target.partition("?")[0]))
        assert (answer.status, answer.body.decode()) == (200, path), target
