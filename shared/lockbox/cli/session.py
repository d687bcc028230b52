"""Where the command keeps who it is, and how it asks the portal."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

TIMEOUT_SECONDS = 30.0


class CommandError(Exception):
    """The command can't do what was asked; the message is for the person who typed it."""


@dataclass(frozen=True)
class Session:
    """Which portal, and the token for it."""

    url: str
    token: str


def session_file() -> Path:
    """The token file: `LOCKBOX_SESSION`, or `lockbox/session.json` in the user's configuration folder."""
    named = os.environ.get("LOCKBOX_SESSION")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "lockbox" / "session.json"


def save_session(session: Session) -> Path:
    """Keep a session in the token file, for its owner alone (mode 0600)."""
    path = session_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(session), file)
    return path


def load_session() -> Session:
    """The session in the token file; raises `CommandError` if there is none, or if others can read it."""
    path = session_file()
    try:
        if path.stat().st_mode & 0o077:
            raise CommandError(f"{path} can be read by others; run `chmod 600 {path}`")
        return Session(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CommandError("you are not signed in; run `lockbox login`") from error


def ask(session: Session, method: str, path: str, **options: Any) -> Any:
    """What the portal answers, as JSON (None for no content); raises `CommandError` with what a problem says."""
    headers = {"Authorization": f"Bearer {session.token}"} if session.token else {}
    headers |= options.pop("headers", {})
    url = f"{session.url}/api/v1{path}"
    try:
        answer = httpx.request(method, url, headers=headers, timeout=TIMEOUT_SECONDS, **options)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(f"{session.url} does not answer: {error}") from error
    if answer.is_error:
        raise CommandError(_said(answer))
    if answer.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        if answer.is_success:
            return answer.json()
    except ValueError:
        pass
    raise CommandError(f"{session.url} does not answer like a portal; is the address right?")


def _said(answer: httpx.Response) -> str:
    try:
        document = answer.json()
        lines = [f"{document['detail']} [{document['code']}]"]
        faults = document.get("errors", ())
    except (ValueError, KeyError, TypeError):
        return f"the portal answered {answer.status_code} {answer.reason_phrase}"
    if len(faults) > 1:
        lines += [f"  {fault['field']}: expected {fault['expected']}" for fault in faults]
    return "\n".join(lines)
