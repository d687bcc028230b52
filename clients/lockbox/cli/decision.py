"""`lockbox queue`, `approve`, `deny`, `ask`: the commands of approvers."""

from typing import Annotated, Any

import typer

from lockbox.cli.arguments import RequestId
from lockbox.cli.open_decision import NOT_YET, caution, changes_in_words, objection, stage, subject, terms
from lockbox.cli.output import Comment, Json, cell, say, show_json, show_texts
from lockbox.cli.request import report
from lockbox.cli.session import CommandError, Document, post, read, read_all

COLUMNS = (
    ("REQUEST ID", "id"),
    ("SUBJECT", "subject"),
    ("STAGE", "stage"),
    ("ENDS", "ends_at"),
    ("SERVICE REQUEST", "service_request"),
    ("TENANT", "tenant"),
    ("SEVERITY", "severity"),
    ("ENGINEER", "requester"),
    ("ASKED FOR", "asked"),
)
DONE = {"approve": "Approved", "deny": "Denied"}
Digest = Annotated[
    str | None,
    typer.Option(help="The digest that `show` printed: decide only if it is still the open decision's."),
]


def queue(as_json: Json = False) -> None:
    """List the requests and extensions that wait for your decision; the one that ends first is at the top."""
    waiting = sorted((one for one in read_all("/queue") if one["open"]), key=lambda one: str(one["open"]["ends_at"]))
    if as_json:
        show_json({"items": waiting, "next_cursor": None})
    else:
        show_texts([_row(reading) for reading in waiting], COLUMNS)


def approve(
    request_id: RequestId,
    comment: Comment = "",
    digest: Digest = None,
    duration: Annotated[str | None, typer.Option(help="A shorter duration, as ISO 8601.")] = None,
    resource: Annotated[list[str] | None, typer.Option(help="Only this resource; can be given again.")] = None,
    action: Annotated[list[str] | None, typer.Option(help="Only this action; can be given again.")] = None,
    starts_at: Annotated[str | None, typer.Option(help="A later start, as RFC 3339.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Approve the open stage of a request or of an extension, in full or in part.

    An access with patterns, or with actions that can change something, has to be confirmed; not with --digest or --yes.
    """
    changes = {"duration": duration, "resources": resource, "actions": action, "starts_at": starts_at}
    given = {name: value for name, value in changes.items() if value is not None and value != []}
    body = {"decision": "approve", "comment": comment} | ({"changes": given} if given else {})
    _decide(request_id, body, digest, as_json, confirmed=yes or digest is not None)


def deny(request_id: RequestId, comment: Comment = "", digest: Digest = None, as_json: Json = False) -> None:
    """Deny a request or an extension in its open stage."""
    _decide(request_id, {"decision": "deny", "comment": comment}, digest, as_json, confirmed=True)


def ask(
    request_id: RequestId,
    question: Annotated[str, typer.Argument(help="The question.")],
    as_json: Json = False,
) -> None:
    """Ask the engineer a question before you decide. The time of the request goes on."""
    outcome = post(f"/requests/{request_id}/info-requests", {"question": question})
    if as_json:
        show_json(outcome)
    else:
        say(f"Asked {outcome['requester']}. Request {outcome['request_id']} is {outcome['state']}.")
        say(f"It expires {cell(outcome['expires_at'])} if nobody decides.")


def _decide(request_id: str, body: dict[str, Any], digest: str | None, as_json: bool, *, confirmed: bool) -> None:
    request = read(f"/requests/{request_id}")
    decision = request["open"]
    if decision is None:
        raise CommandError(objection(request, "decide") or NOT_YET)
    wide = "" if confirmed else caution(decision, body.get("changes", {}))
    if wide:
        typer.confirm(f"May {request['requester']} {wide}?", abort=True, err=True)
    shown = decision["digest"] if digest is None else digest
    outcome = post(f"/requests/{request_id}/decisions", body | {"request_digest": shown})
    if not as_json:
        say(_done(body, decision, request))
    report(outcome, as_json)


def _done(body: Document, decision: Document, request: Document) -> str:
    only = changes_in_words(body.get("changes"))
    return (
        f"{DONE[body['decision']]} in stage {stage(decision)}: {subject(decision)} of {request['requester']} for "
        f"{request['service_request']}, {terms(decision)}{f'; of that only {only}' if only else ''}."
    )


def _row(reading: Document) -> dict[str, Any]:
    decision = reading["open"]
    asked_back = ", asked back" if reading["state"] == "INFO_REQUESTED" else ""
    return {
        **reading["terms"],
        "id": reading["request_id"],
        "subject": subject(decision) + asked_back,
        "stage": stage(decision),
        "ends_at": decision["ends_at"],
        "requester": reading["requester"],
        "asked": terms(decision),
    }
