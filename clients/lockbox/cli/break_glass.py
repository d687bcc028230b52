"""`lockbox break-glass`: access that is opened at once, without the customer, who has to acknowledge it."""

from typing import Annotated, Any

import typer

from lockbox.cli.output import Comment, Json, cell, say, show_json, show_texts
from lockbox.cli.request import RequestId
from lockbox.cli.session import Document, post, read

app = typer.Typer(
    help="In an emergency, and where the tenant's policy allows it: open a short access without the customer.",
    no_args_is_help=True,
)
COLUMNS = (
    ("REQUEST ID", "request_id"),
    ("SERVICE REQUEST", "service_request"),
    ("ENGINEER", "requester"),
    ("OPENED", "opened_at"),
    ("BY", "by"),
    ("ACKNOWLEDGED", "acknowledged_at"),
    ("BY", "acknowledged_by"),
    ("WHY", "comment"),
)


@app.command("use")
def use(
    request_id: RequestId,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why it can't wait.")],
    as_json: Json = False,
) -> None:
    """Want access opened at once; the second of the vendor's approvers who does opens it."""
    outcome = post(f"/requests/{request_id}/break-glass", {"comment": comment})
    if as_json:
        show_json(outcome)
        return
    if grant := outcome["grant"]:
        say(f"Grant {grant['id']} is {grant['state']} until {cell(grant['ends_at'])}.")
        say("The customer has to acknowledge it.")
    else:
        say(f"Nothing is open yet: another of the vendor's approvers has to want it, too, for {request_id}.")


@app.command("acknowledge")
def acknowledge(request_id: RequestId, comment: Comment = "", as_json: Json = False) -> None:
    """Take note of access that was opened without your approval."""
    outcome = post(f"/requests/{request_id}/break-glass/acknowledge", {"comment": comment})
    if as_json:
        show_json(outcome)
    else:
        say(f"Acknowledged: the access of {outcome['requester']} for {outcome['terms']['service_request']}.")


@app.command("list")
def list_used(
    tenant: Annotated[str, typer.Argument(help="The tenant.")],
    acknowledged: Annotated[
        bool | None,
        typer.Option("--acknowledged/--unacknowledged", help="Only what is, or is not, acknowledged yet."),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List access that was opened without the customer, newest first."""
    page = read(f"/tenants/{tenant}/break-glass", acknowledged=acknowledged, limit=limit)
    if as_json:
        show_json(page)
    else:
        show_texts([_row(opening) for opening in page["items"]], COLUMNS)


def _row(opening: Document) -> dict[str, Any]:
    used = opening["break_glass"]
    about = {"request_id": opening["request_id"], "service_request": opening["terms"]["service_request"]}
    return {**used, **about, "requester": opening["requester"], "by": [used["asked_by"], used["opened_by"]]}
