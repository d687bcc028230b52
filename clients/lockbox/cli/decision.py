"""`lockbox queue`, `approve`, `deny`, `ask`: what an approver does."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from lockbox.cli.open_decision import Matter, less, matter_of
from lockbox.cli.output import Comment, Json, cell, say, show_json, show_texts
from lockbox.cli.request import RequestId, report
from lockbox.cli.session import CommandError, Document, post, read, read_all

COLUMNS = (
    ("REQUEST ID", "id"),
    ("WHAT", "what"),
    ("STAGE", "stage"),
    ("ENDS", "ends_at"),
    ("SERVICE REQUEST", "service_request"),
    ("TENANT", "tenant"),
    ("SEVERITY", "severity"),
    ("ENGINEER", "requester"),
    ("ASKED FOR", "asked"),
)
DID = {"approve": "Approved", "deny": "Denied"}
Digest = Annotated[
    str | None,
    typer.Option(help="Only if this is still what is open: the digest that `show` printed. If left out, what is now."),
]


def queue(as_json: Json = False) -> None:
    """List what waits for your decision, requests and extensions, what ends first at the top."""
    found = [(matter, reading) for reading in read_all("/queue") if (matter := matter_of(reading))]
    waiting = sorted(found, key=lambda one: one[0].ends_at)
    if as_json:
        show_json({"items": [reading for _, reading in waiting], "next_cursor": None})
    else:
        show_texts([_row(matter, reading) for matter, reading in waiting], COLUMNS)


def approve(
    request_id: RequestId,
    comment: Comment = "",
    digest: Digest = None,
    duration: Annotated[str | None, typer.Option(help="Only for so long, as ISO 8601.")] = None,
    resource: Annotated[list[str] | None, typer.Option(help="Only this of it; can be given again.")] = None,
    action: Annotated[list[str] | None, typer.Option(help="Only this action; can be given again.")] = None,
    starts_at: Annotated[str | None, typer.Option(help="Only from then on, as RFC 3339.")] = None,
    as_json: Json = False,
) -> None:
    """Say yes, to all or to less: to the request in the stage that is open, or to the extension of its grant."""
    changes = {"duration": duration, "resources": resource, "actions": action, "starts_at": starts_at}
    given = {name: value for name, value in changes.items() if value is not None and value != []}
    body = {"decision": "approve", "comment": comment} | ({"changes": given} if given else {})
    _decide(request_id, body, digest, as_json)


def deny(request_id: RequestId, comment: Comment = "", digest: Digest = None, as_json: Json = False) -> None:
    """Say no: to the request in the stage that is open, or to the extension of its grant."""
    _decide(request_id, {"decision": "deny", "comment": comment}, digest, as_json)


def ask_back(
    request_id: RequestId,
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    as_json: Json = False,
) -> None:
    """Ask the engineer for more before you decide; the request goes on expiring."""
    outcome = post(f"/requests/{request_id}/info-requests", {"question": question})
    if as_json:
        show_json(outcome)
    else:
        say(f"Asked {outcome['requester']}. Request {outcome['request_id']} is {outcome['state']}.")
        say(f"It goes on expiring, {cell(outcome['expires_at'])}.")


def _decide(request_id: str, body: dict[str, Any], digest: str | None, as_json: bool) -> None:
    shown = read(f"/requests/{request_id}")
    matter = matter_of(shown)
    if matter is None:
        raise CommandError(_closed(shown))
    insisted = matter.digest if digest is None else digest
    outcome = post(f"/requests/{request_id}/decisions", body | {"request_digest": insisted})
    if not as_json:
        say(_said(body, matter, shown))
    report(outcome, as_json)


def _said(body: Document, matter: Matter, shown: Document) -> str:
    only = less(body.get("changes"))
    return (
        f"{DID[body['decision']]} in stage {matter.stage}: {matter.what} of {shown['requester']} for "
        f"{shown['service_request']}, {matter.asked}{f'; of that only {only}' if only else ''}."
    )


def _closed(shown: Document) -> str:
    for objection in shown["you"]["forbidden"]:
        return f"{objection['message']} [{objection['code']}]"
    return "this request is not open for decisions yet; try again in a moment"


def _row(matter: Matter, reading: Document) -> dict[str, Any]:
    asked_back = ", asked back" if reading["state"] == "INFO_REQUESTED" else ""
    about = {"id": reading["request_id"], "requester": reading["requester"], "what": matter.what + asked_back}
    return {**reading["terms"], **asdict(matter), **about}
