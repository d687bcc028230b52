"""`lockbox grants`, `token`, `revoke`, `complete`."""

from typing import Annotated

import typer

from lockbox.cli.output import Json, cell, say, show_json, show_rows
from lockbox.cli.session import ask, load_session

COLUMNS = (
    ("GRANT ID", "id"),
    ("TENANT", "tenant"),
    ("STATE", "state"),
    ("UNTIL", "ends_at"),
    ("ENGINEER", "requester"),
    ("RESOURCES", "resources"),
    ("ACTIONS", "actions"),
)
GrantId = Annotated[str, typer.Argument(help="The grant ID.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="What to say with it.")]


def list_grants(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, such as ACTIVE.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List the grants that you may see, newest first."""
    given = {"tenant": tenant, "state": state, "limit": limit}
    page = ask(load_session(), "GET", "/grants", params={k: v for k, v in given.items() if v is not None})
    if as_json:
        show_json(page)
    else:
        show_rows(page["items"], COLUMNS)


def token(grant_id: GrantId, as_json: Json = False) -> None:
    """Print your own signed grant, to show to the vendor's product."""
    signed = ask(load_session(), "GET", f"/grants/{grant_id}/token")
    if as_json:
        show_json(signed)
    else:
        typer.echo(signed["token"])


def revoke(grant_id: GrantId, comment: Comment = "", as_json: Json = False) -> None:
    """End a live grant now."""
    _end(grant_id, "revoke", comment, as_json=as_json)


def complete(grant_id: GrantId, comment: Comment = "", as_json: Json = False) -> None:
    """Close your own grant early, as soon as you are done."""
    _end(grant_id, "complete", comment, as_json=as_json)


def _end(grant_id: str, act: str, comment: str, *, as_json: bool) -> None:
    grant = ask(load_session(), "POST", f"/grants/{grant_id}/{act}", json={"comment": comment})
    if as_json:
        show_json(grant)
    else:
        say(f"Grant {grant['id']} is {grant['state']} since {cell(grant['ended_at'])}.")
