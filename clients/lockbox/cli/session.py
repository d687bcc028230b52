"""The session file, and calls to the portal's API."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from lockbox.cli.given import given_as
from lockbox.ids import new_id

TIMEOUT_SECONDS = 30.0
MOST_AT_ONCE = 200
PATH = re.compile(r"(?:/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)+", re.ASCII)
"""A path of names and ids alone: none leads elsewhere, and none has to be escaped."""
Document = Mapping[str, Any]


class CommandError(Exception):
    """A command that failed: a message for people, and the code of the portal's error if there is one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class StoredSession:
    """The address of a portal, and a token for it."""

    url: str
    token: str


def session_file() -> Path:
    """Return the session file: `LOCKBOX_SESSION`, or `lockbox/session.json` in the user's configuration folder."""
    named = os.environ.get("LOCKBOX_SESSION")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "lockbox" / "session.json"


def save_session(session: StoredSession) -> Path:
    """Write a session to the session file."""
    path = session_file()
    write_private(path, asdict(session))
    return path


def write_private(path: Path, document: Document) -> None:
    """Write a file that its owner alone can read (mode 0600), and put it whole in the place of an earlier one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{new_id()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load_session() -> StoredSession:
    """Read the session file; raise `CommandError` if there is none, or if others can read it."""
    path = session_file()
    try:
        require_private(path)
        return StoredSession(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CommandError("you are not signed in; run `lockbox login`") from error


def require_private(path: Path) -> None:
    """Raise `CommandError` if others than its owner have rights to a file, OSError if it is not there."""
    if path.stat().st_mode & 0o077:
        raise CommandError(f"{path} can be read by others; run `chmod 600 {path}`")


def ask(session: StoredSession, method: str, path: str, **options: Any) -> Any:
    """Call the portal and return its answer as JSON, None for no content; raise `CommandError` for a problem."""
    headers = {"Authorization": f"Bearer {session.token}"} if session.token else {}
    headers |= options.pop("headers", {})
    answer = _send(session, method, path, headers=headers, **options)
    if answer.is_error:
        raise _refusal(answer)
    if answer.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        if answer.is_success:
            return answer.json()
    except ValueError:
        pass
    raise CommandError(f"{session.url} does not answer like a portal; is the address right?")


def _send(session: StoredSession, method: str, path: str, **options: Any) -> httpx.Response:
    if not PATH.fullmatch(path):
        raise CommandError(f"the portal has no address {path!r}")
    try:
        return httpx.request(method, f"{session.url}/api/v1{path}", timeout=TIMEOUT_SECONDS, **options)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(f"{session.url} does not answer: {error}") from error
    except UnicodeEncodeError as error:
        raise CommandError(f"expected text in UTF-8, got {error.object!r}") from error


def read(path: str, **params: Any) -> Any:
    """Read from the portal as the person signed in; a parameter that is None is left out."""
    given = {name: value for name, value in params.items() if value is not None}
    return ask(load_session(), "GET", path, params=given)


def read_list(path: str, *, every: bool = True, **params: Any) -> dict[str, Any]:
    """Read a list: its first page, or all pages in one."""
    page: dict[str, Any] = read(path, **params)
    while every and page["next_cursor"]:
        more = read(path, **params, cursor=page["next_cursor"])
        page = {**more, "items": [*page["items"], *more["items"]]}
    return page


def read_all(path: str, **params: Any) -> list[Any]:
    """Read all items of a list."""
    items: list[Any] = read_list(path, **params, limit=MOST_AT_ONCE)["items"]
    return items


def post(path: str, body: Document) -> Any:
    """Send a command under a new idempotency key, and return the answer."""
    return _command("POST", path, body)


def put(path: str, body: Document) -> Any:
    """Replace a document under a new idempotency key, and return the answer."""
    return _command("PUT", path, body)


def _command(method: str, path: str, body: Document) -> Any:
    return ask(load_session(), method, path, json=body, headers={"Idempotency-Key": new_id()})


def _refusal(answer: httpx.Response) -> CommandError:
    try:
        document = answer.json()
        code = str(document["code"])
        faults = document.get("errors", ())
        lines = [f"{_as_given(document['detail'], faults)} [{code}]"]
    except (ValueError, KeyError, TypeError):
        return CommandError(f"the portal answered {answer.status_code} {answer.reason_phrase}")
    if len(faults) > 1:
        lines += [f"  {_fault(fault)}" for fault in faults]
    return CommandError("\n".join(lines), code)


def _as_given(detail: str, faults: Sequence[Mapping[str, str]]) -> str:
    """Return the detail of a problem with its field as it was given on the command line."""
    field = faults[0]["field"] if faults else ""
    named = field and detail.startswith(f"{field}: ")
    return f"{given_as(field)}{detail.removeprefix(field)}" if named else detail


def _fault(fault: Mapping[str, str]) -> str:
    got = f", got {fault['received']!r}" if "received" in fault else ""
    return f"{given_as(fault['field'])}: expected {fault['expected']}{got}"
