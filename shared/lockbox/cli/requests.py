"""`lockbox request`, `list`, `show`, `approve`, `deny`, `cancel`."""

from typing import Annotated, Any

import typer

from lockbox.cli.output import Json, cell, say, show_fields, show_json, show_rows
from lockbox.cli.session import ask, load_session
from lockbox.ids import new_id

COLUMNS = (
    ("REQUEST ID", "id"),
    ("SERVICE REQUEST", "service_request"),
    ("TENANT", "tenant"),
    ("REQUESTED", "created_at"),
    ("STATUS", "state"),
    ("SEVERITY", "severity"),
    ("REASON", "reason_code"),
)
FIELDS = (
    ("Request ID", "id"),
    ("Service request", "service_request"),
    ("Status", "state"),
    ("Tenant", "tenant"),
    ("Requestor", "requester"),
    ("Reason", "reason_code"),
    ("Severity", "severity"),
    ("Justification", "justification"),
    ("Resources", "resources"),
    ("Actions", "actions"),
    ("Duration", "duration"),
    ("Starts", "starts_at"),
    ("Created", "created_at"),
    ("Expires", "expires_at"),
)
DECISIONS = (
    ("STAGE", "stage"),
    ("APPROVER", "approver"),
    ("DECISION", "decision"),
    ("TIME", "decided_at"),
    ("COMMENT", "comment"),
)
HISTORY = (("TIME", "time"), ("EVENT", "type"), ("BY", "actor"), ("COMMENT", "comment"))
RequestId = Annotated[str, typer.Argument(help="The request ID.")]
CommentOption = Annotated[str, typer.Option("--comment", "-m", help="What to say with it.")]


def request(
    tenant: Annotated[str, typer.Option(help="Whose content.")],
    service_request: Annotated[str, typer.Option(help="The support case, such as SR-359423.")],
    reason: Annotated[str, typer.Option(help="The reason code, such as CUSTOMER_INITIATED_SUPPORT.")],
    justification: Annotated[str, typer.Option(help="Why, for people to read.")],
    resource: Annotated[list[str], typer.Option(help="What, such as mailbox/alice; can be given again.")],
    action: Annotated[list[str], typer.Option(help="For which action, such as read; can be given again.")],
    duration: Annotated[str, typer.Option(help="How long, as ISO 8601.")] = "PT4H",
    starts_at: Annotated[str | None, typer.Option(help="From when, as RFC 3339; at once if left out.")] = None,
    severity: Annotated[str, typer.Option(help="LOW, NORMAL, HIGH or CRITICAL.")] = "NORMAL",
    as_json: Json = False,
) -> None:
    """Ask for access to a tenant's content."""
    body = {
        "tenant": tenant,
        "service_request": service_request,
        "reason_code": reason,
        "justification": justification,
        "resources": resource,
        "actions": action,
        "duration": duration,
        "starts_at": starts_at,
        "severity": severity,
    }
    made = _post("/requests", body)
    if as_json:
        show_json(made)
    else:
        say(f"Request {made['id']} is {made['state']}; it expires {cell(made['expires_at'])}.")


def list_requests(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, such as PENDING_CUSTOMER.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List the requests that you may see, newest first."""
    given = {"tenant": tenant, "state": state, "limit": limit}
    page = ask(load_session(), "GET", "/requests", params={k: v for k, v in given.items() if v is not None})
    if as_json:
        show_json(page)
    else:
        show_rows(page["items"], COLUMNS)


def show(request_id: RequestId, as_json: Json = False) -> None:
    """Show one request: decisions, grant and history included."""
    found = ask(load_session(), "GET", f"/requests/{request_id}")
    if as_json:
        show_json(found)
        return
    show_fields(found, FIELDS)
    if found["grant"]:
        grant = found["grant"]
        say(f"\nGrant {grant['id']} is {grant['state']}, from {cell(grant['starts_at'])} to {cell(grant['ends_at'])}.")
    if found["decisions"]:
        say("")
        show_rows(found["decisions"], DECISIONS)
    say("")
    show_rows([entry | {"comment": entry["data"].get("comment")} for entry in found["history"]], HISTORY)


def approve(request_id: RequestId, comment: CommentOption = "", as_json: Json = False) -> None:
    """Say yes, for the stage that is open."""
    _decide(request_id, "approve", comment, as_json)


def deny(request_id: RequestId, comment: CommentOption = "", as_json: Json = False) -> None:
    """Say no; a no is final."""
    _decide(request_id, "deny", comment, as_json)


def cancel(request_id: RequestId, comment: CommentOption = "", as_json: Json = False) -> None:
    """Take an own request back while it is pending."""
    _report(_post(f"/requests/{request_id}/cancel", {"comment": comment}), as_json)


def _decide(request_id: str, decision: str, comment: str, as_json: bool) -> None:
    _report(_post(f"/requests/{request_id}/decisions", {"decision": decision, "comment": comment}), as_json)


def _report(outcome: Any, as_json: bool) -> None:
    if as_json:
        show_json(outcome)
        return
    say(f"Request {outcome['request_id']} is {outcome['state']}.")
    if outcome["grant"]:
        say(f"Grant {outcome['grant']['id']} is {outcome['grant']['state']} until {cell(outcome['grant']['ends_at'])}.")


def _post(path: str, body: dict[str, Any]) -> Any:
    key = {"Idempotency-Key": new_id()}
    return ask(load_session(), "POST", path, json=body, headers=key)
