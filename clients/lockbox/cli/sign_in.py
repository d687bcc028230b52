"""`lockbox login`, `lockbox logout`: the session with a portal."""

import os
import sys
from typing import Annotated

import typer

from lockbox.cli.output import Json, say, show_json
from lockbox.cli.session import StoredSession, ask, load_session, save_session, session_file


def login(
    url: Annotated[str, typer.Option(help="The portal's address.", envvar="LOCKBOX_URL")],
    email: Annotated[str, typer.Option(help="Your email address.", envvar="LOCKBOX_EMAIL")],
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    as_json: Json = False,
) -> None:
    """Sign in. The password comes from a prompt or from LOCKBOX_PASSWORD; the token is kept in a file of mode 0600."""
    url = url.rstrip("/")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else os.environ.get("LOCKBOX_PASSWORD")
    if password is None:
        password = typer.prompt("Password", hide_input=True)
    token = ask(StoredSession(url, ""), "POST", "/session", json={"email": email, "password": password})["token"]
    path = save_session(StoredSession(url, token))
    profile = ask(StoredSession(url, token), "GET", "/session")
    if as_json:
        show_json({**profile, "url": url, "session_file": str(path)})
    else:
        say(f"Signed in at {url} as {profile['email']} ({profile['organisation']}: {', '.join(profile['roles'])}).")


def logout() -> None:
    """Sign out, and remove the session file."""
    session = load_session()
    session_file().unlink()
    ask(session, "DELETE", "/session")
    say("Signed out.")
