"""`lockbox grants`, `extend`, `revoke`, `complete`: grants and their end."""

from typing import Annotated

import typer

from lockbox.cli.arguments import Every, GrantId, Limit, OfTenant
from lockbox.cli.output import Comment, Json, cell, say, show_json, show_page
from lockbox.cli.session import post, read_list

COLUMNS = (
    ("GRANT ID", "id"),
    ("TENANT", "tenant"),
    ("STATE", "state"),
    ("UNTIL", "ends_at"),
    ("ENGINEER", "requester"),
    ("RESOURCES", "resources"),
    ("ACTIONS", "actions"),
    ("OPENED BY", "opened_by"),
)


def list_grants(
    tenant: OfTenant = None,
    state: Annotated[str | None, typer.Option(help="Only grants in this state, such as ACTIVE.")] = None,
    limit: Limit = 50,
    every: Every = False,
    as_json: Json = False,
) -> None:
    """List the grants that you may see, newest first."""
    page = read_list("/grants", every=every, tenant=tenant, state=state, limit=limit)
    show_page(page, COLUMNS, as_json=as_json)


def extend(
    grant_id: GrantId,
    duration: Annotated[str, typer.Option(help="The additional time, as ISO 8601.")],
    justification: Annotated[str, typer.Option(help="The reason in words, for the approvers.")],
    as_json: Json = False,
) -> None:
    """Request more time for your own active grant. The same stages decide; the access goes on meanwhile."""
    outcome = post(f"/grants/{grant_id}/extensions", {"duration": duration, "justification": justification})
    if as_json:
        show_json(outcome)
        return
    grant, extension = outcome["grant"], outcome["extensions"][-1]
    say(f"Extension {extension['number']}, {extension['duration']} more, is {extension['state']}.")
    say(f"Grant {grant['id']} is {grant['state']} until {cell(grant['ends_at'])}.")


def revoke(grant_id: GrantId, comment: Comment = "", as_json: Json = False) -> None:
    """Revoke a grant: its access ends now."""
    _end(grant_id, "revoke", comment, as_json=as_json)


def complete(grant_id: GrantId, comment: Comment = "", as_json: Json = False) -> None:
    """Complete your own grant: its access ends now."""
    _end(grant_id, "complete", comment, as_json=as_json)


def _end(grant_id: str, operation: str, comment: str, *, as_json: bool) -> None:
    grant = post(f"/grants/{grant_id}/{operation}", {"comment": comment})
    if as_json:
        show_json(grant)
    else:
        say(f"Grant {grant['id']} is {grant['state']} since {cell(grant['ended_at'])}.")
