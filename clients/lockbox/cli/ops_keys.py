"""`lockbox ops keys`: the keys that grants are signed with."""

from typing import Annotated, Any

import typer

from lockbox.cli.app import App
from lockbox.cli.arguments import KeyId
from lockbox.cli.output import Comment, Json, Row, say, show_json, show_texts
from lockbox.cli.session import post, read

app = App(help="The keys that grants are signed with.", no_args_is_help=True)

COLUMNS = (
    ("KEY ID", "kid"),
    ("STATE", "state"),
    ("SINCE", "since"),
    ("CREATED", "created_at"),
    ("PRIVATE HALF", "kept_in"),
    ("COMMENT", "comment"),
)
ENDS = "No grant that {kid} has signed will be valid any more, at once and everywhere; engineers fetch theirs again."


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List all keys there ever were, newest first; the vendor's audit records name the person of each change."""
    found = read("/ops/keys")
    if as_json:
        show_json(found)
    else:
        show_texts([_row(key) for key in found["items"]], COLUMNS)


@app.command("rotate")
def rotate(as_json: Json = False) -> None:
    """Sign with a new key from now on; grants that were signed before stay valid until they end."""
    before = _active(read("/ops/keys"))
    keys = post("/ops/keys/rotate", {})
    if as_json:
        show_json(keys)
        return
    say(f"Grants are signed with {_active(keys)} from now on; it is on record.")
    say(f"Grants that {before} has signed stay valid until they end.")


@app.command("revoke")
def revoke(
    kid: KeyId,
    comment: Comment = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Revoke a key: no grant that it has signed is valid any more. A new key takes the place of the active one."""
    if not yes:
        typer.echo(ENDS.format(kid=kid), err=True)
        typer.confirm("Revoke it?", abort=True, err=True)
    keys = post(f"/ops/keys/{kid}/revoke", {"comment": comment})
    if as_json:
        show_json(keys)
        return
    say(f"Revoked {kid}: no grant that it has signed is valid any more; it is on record.")
    say(f"Grants are signed with {_active(keys)}; engineers fetch theirs again.")


def _active(keys: Row) -> str:
    return next(str(key["kid"]) for key in keys["items"] if key["state"] == "ACTIVE")


def _row(key: Row) -> dict[str, Any]:
    return {**key, "since": key["revoked_at"] or key["retired_at"] or key["created_at"]}
