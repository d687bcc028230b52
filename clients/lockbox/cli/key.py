"""`lockbox key`: the own key of an engineer, to which grants are bound.

It is in a file beside the session file, or in a device.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from lockbox.cli.app import App
from lockbox.cli.device_key import KeyInDevice, load_device_key, make_device_key, save_device_key
from lockbox.cli.output import Json, say, show_json
from lockbox.cli.session import CommandError, require_private, session_file
from lockbox.crypto.keys import SigningKey, generate_signing_key, load_signing_key
from lockbox.errors import Invalid
from lockbox.ids import new_id

app = App(help="Your own key: grants are bound to it, and open nothing without it.", no_args_is_help=True)


def key_file() -> Path:
    """Return the key file: `key.pem` beside the session file."""
    return session_file().with_name("key.pem")


def device_file() -> Path:
    """Return the file that says which key of which device is the own one: `key.json` beside the session file."""
    return session_file().with_name("key.json")


def own_key() -> SigningKey | KeyInDevice:
    """Return the key in the device or the key file; a file is created when first needed.

    Raises `CommandError` if the file is unsafe or no key.
    """
    path = key_file()
    try:
        if device_file().exists():
            return load_device_key(device_file())
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
    """Show the thumbprint of your key, which the audit records name, and its file."""
    _show(own_key(), "Your key is", as_json)


@app.command("new")
def new(as_json: Json = False) -> None:
    """Replace your key, for instance when it was lost or copied.

    Signed grants for the old key have to be fetched again; `lockbox fetch` does so by itself.
    The old key with a signed grant works until the grant ends; `lockbox complete` ends it.
    """
    try:
        _make(key_file(), os.replace)
        device_file().unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(error) from error
    _show(own_key(), "Your key is now", as_json)


@app.command("device")
def device(
    module: Annotated[Path, typer.Argument(help="The device's PKCS#11 library, such as /usr/lib/libykcs11.so.")],
    token: Annotated[str, typer.Argument(help="The label of the token.")],
    as_json: Json = False,
) -> None:
    """Make your key in a security key, TPM or other PKCS#11 device, and use it from now on.

    The key (P-256) never leaves the device. Each proof needs its PIN: LOCKBOX_KEY_PIN, or you are asked for it.
    """
    try:
        save_device_key(make_device_key(str(module), token), device_file())
        key_file().unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(error) from error
    _show(own_key(), "Your key is now", as_json)


def _show(key: SigningKey | KeyInDevice, what: str, as_json: bool) -> None:
    if as_json and isinstance(key, KeyInDevice):
        show_json({"thumbprint": key.kid, "module": key.module, "token": key.token})
    elif as_json:
        show_json({"thumbprint": key.kid, "key_file": str(key_file())})
    else:
        place = f"token {key.token} ({key.module})" if isinstance(key, KeyInDevice) else key_file()
        say(f"{what} {key.kid}, in {place}.")


def _make(path: Path, put: Callable[[Path, Path], None]) -> None:
    """Create a key beside its place and move it there whole, so that no reader sees half of one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{new_id()}")
    try:
        generate_signing_key(draft)
        put(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _keep_the_first(draft: Path, path: Path) -> None:
    """Move the key to its place unless another command was quicker."""
    with suppress(FileExistsError):
        os.link(draft, path)


def _unusable(error: OSError) -> CommandError:
    return CommandError(f"can't keep a key in {key_file()}: {error.strerror or error}")
