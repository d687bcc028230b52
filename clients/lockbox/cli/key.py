"""`lockbox key`: an engineer's own key, in a file beside the token file, that grants are bound to."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import typer

from lockbox.cli.output import Json, say, show_json
from lockbox.cli.session import CommandError, require_private, session_file
from lockbox.crypto.keys import SigningKey, generate_signing_key, load_signing_key
from lockbox.errors import Invalid
from lockbox.ids import new_id

app = typer.Typer(help="Your own key: grants are bound to it, and open nothing without it.", no_args_is_help=True)


def key_file() -> Path:
    """The key file: `key.pem` beside the token file."""
    return session_file().with_name("key.pem")


def own_key() -> SigningKey:
    """The key in the key file, made when first needed; raises `CommandError` if others can read it, or it is none."""
    path = key_file()
    try:
        if not path.exists():
            _make(path, _keep_the_first)
        require_private(path)
        return load_signing_key(path)
    except Invalid as error:
        raise CommandError(f"{error.message}; `lockbox key new` makes another one") from error
    except OSError as error:
        raise _unusable(error) from error


@app.command("show")
def show(as_json: Json = False) -> None:
    """Show the thumbprint of your key, by which the record names it, and where it is."""
    _show(own_key(), "Your key is", as_json)


@app.command("new")
def new(as_json: Json = False) -> None:
    """Make another key in place of yours, for instance when it was lost or may be known to somebody.

    What was signed for the old one has to be fetched again, which `lockbox fetch` does by itself.
    Whoever has the old key and a signed grant can go on until the grant ends; `lockbox complete` ends it.
    """
    try:
        _make(key_file(), os.replace)
    except OSError as error:
        raise _unusable(error) from error
    _show(own_key(), "Your key is now", as_json)


def _show(key: SigningKey, what: str, as_json: bool) -> None:
    if as_json:
        show_json({"thumbprint": key.kid, "key_file": str(key_file())})
    else:
        say(f"{what} {key.kid}, in {key_file()}.")


def _make(path: Path, put: Callable[[Path, Path], None]) -> None:
    """Make a key beside its place and put it there whole, so that nobody ever reads half of one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{new_id()}")
    try:
        generate_signing_key(draft)
        put(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _keep_the_first(draft: Path, path: Path) -> None:
    """Put it there unless another command was quicker."""
    with suppress(FileExistsError):
        os.link(draft, path)


def _unusable(error: OSError) -> CommandError:
    return CommandError(f"can't keep a key in {key_file()}: {error.strerror or error}")
