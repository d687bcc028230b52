"""`lockbox request`, `list`, `answer`, `cancel`: the commands of engineers, and the list of requests."""

from typing import Annotated, Any

import typer

from lockbox.cli.arguments import Every, Limit, OfTenant, RequestId
from lockbox.cli.output import Comment, Json, cell, say, show_json, show_page
from lockbox.cli.session import post, read_list

COLUMNS = (
    ("REQUEST ID", "id"),
    ("SERVICE REQUEST", "service_request"),
    ("TENANT", "tenant"),
    ("REQUESTED", "created_at"),
    ("STATUS", "state"),
    ("SEVERITY", "severity"),
    ("REASON", "reason_code"),
)


def request(
    tenant: Annotated[str, typer.Option(help="The customer.")],
    service_request: Annotated[str, typer.Option(help="The support case, such as SR-359423.")],
    reason: Annotated[str, typer.Option(help="The reason code, such as CUSTOMER_INITIATED_SUPPORT.")],
    justification: Annotated[str, typer.Option(help="The reason in words, for the approvers.")],
    resource: Annotated[list[str], typer.Option(help="A resource, such as mailbox/alice; can be given again.")],
    action: Annotated[list[str], typer.Option(help="An action, such as read; can be given again.")],
    duration: Annotated[
        str | None, typer.Option(help="The duration, as ISO 8601; the default of the tenant's policy if left out.")
    ] = None,
    starts_at: Annotated[str | None, typer.Option(help="The start, as RFC 3339; at once if left out.")] = None,
    severity: Annotated[str, typer.Option(help="LOW, NORMAL, HIGH or CRITICAL.")] = "NORMAL",
    as_json: Json = False,
) -> None:
    """Request access to a tenant's content."""
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
    created = post("/requests", body)
    if as_json:
        show_json(created)
    else:
        state = f"Request {created['id']}, for {created['duration']}, is {created['state']}"
        say(f"{state}; it expires {cell(created['expires_at'])}.")


def list_requests(
    tenant: OfTenant = None,
    state: Annotated[str | None, typer.Option(help="Only requests in this state, such as PENDING_CUSTOMER.")] = None,
    limit: Limit = 50,
    every: Every = False,
    as_json: Json = False,
) -> None:
    """List the requests that you may see, newest first."""
    page = read_list("/requests", every=every, tenant=tenant, state=state, limit=limit)
    show_page(page, COLUMNS, as_json=as_json)


def answer(
    request_id: RequestId,
    text: Annotated[str, typer.Argument(metavar="ANSWER", help="The answer.")],
    as_json: Json = False,
) -> None:
    """Answer the approvers' question about your own request."""
    answered = post(f"/requests/{request_id}/info-answers", {"answer": text})
    if as_json:
        show_json(answered)
    else:
        say(f"Answered; request {answered['id']} goes on, and expires {cell(answered['expires_at'])}.")


def cancel(request_id: RequestId, comment: Comment = "", as_json: Json = False) -> None:
    """Cancel your own request while it is pending."""
    report(post(f"/requests/{request_id}/cancel", {"comment": comment}), as_json)


def report(outcome: Any, as_json: bool) -> None:
    """Print the state of a request, of its last extension and of its grant."""
    if as_json:
        show_json(outcome)
        return
    say(f"Request {outcome['request_id']} is {outcome['state']}.")
    for extension in outcome["extensions"][-1:]:
        say(f"Extension {extension['number']} is {extension['state']}.")
    if outcome["grant"]:
        say(f"Grant {outcome['grant']['id']} is {outcome['grant']['state']} until {cell(outcome['grant']['ends_at'])}.")
