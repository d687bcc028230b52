"""`lockbox break-glass`: access without the customer's approval, which the customer acknowledges later."""

from typing import Annotated, Any

import typer

from lockbox.cli.app import App
from lockbox.cli.arguments import Every, Limit, RequestId, Tenant
from lockbox.cli.output import Comment, Json, cell, say, say_end, show_json, show_texts
from lockbox.cli.session import Document, post, read_list

app = App(
    help="In an emergency: open a short access without the customer's approval, if the tenant's policy allows it.",
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
    ("COMMENT", "comment"),
)


@app.command("use")
def use(
    request_id: RequestId,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why it can't wait.")],
    as_json: Json = False,
) -> None:
    """Ask for access at once; the second vendor approver to ask opens it."""
    outcome = post(f"/requests/{request_id}/break-glass", {"comment": comment})
    if as_json:
        show_json(outcome)
        return
    if grant := outcome["grant"]:
        say(f"Grant {grant['id']} is {grant['state']} until {cell(grant['ends_at'])}.")
        say("The customer has to acknowledge it.")
    else:
        say(f"Nothing is open yet: another of the vendor's approvers has to use break-glass for {request_id}, too.")


@app.command("acknowledge")
def acknowledge(request_id: RequestId, comment: Comment = "", as_json: Json = False) -> None:
    """Acknowledge an access that was opened without your approval."""
    outcome = post(f"/requests/{request_id}/break-glass/acknowledge", {"comment": comment})
    if as_json:
        show_json(outcome)
    else:
        say(f"Acknowledged: the access of {outcome['requester']} for {outcome['terms']['service_request']}.")


@app.command("list")
def list_used(
    tenant: Tenant,
    acknowledged: Annotated[
        bool | None,
        typer.Option("--acknowledged/--unacknowledged", help="Only accesses that are, or are not, acknowledged."),
    ] = None,
    limit: Limit = 50,
    every: Every = False,
    as_json: Json = False,
) -> None:
    """List the accesses that were opened by break-glass, newest first."""
    page = read_list(f"/tenants/{tenant}/break-glass", every=every, acknowledged=acknowledged, limit=limit)
    if as_json:
        show_json(page)
    else:
        show_texts([_row(opening) for opening in page["items"]], COLUMNS)
        say_end(page)


def _row(opening: Document) -> dict[str, Any]:
    used = opening["break_glass"]
    about = {"request_id": opening["request_id"], "service_request": opening["terms"]["service_request"]}
    return {**used, **about, "requester": opening["requester"], "by": [used["asked_by"], used["opened_by"]]}
