"""`lockbox show`: one request, whole."""

from collections.abc import Iterator

from lockbox.cli.open_decision import less, matter_of
from lockbox.cli.output import Json, cell, head, say, show_fields, show_json, show_part
from lockbox.cli.request import RequestId
from lockbox.cli.session import Document, read
from lockbox.cli.stages import show_decisions, show_stages

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
    ("Of that only", "only"),
    ("Created", "created_at"),
    ("Expires", "expires_at"),
    ("Policy version", "policy_version"),
    ("Rule", "rule"),
    ("What it says", "why"),
    ("Break-glass", "emergency"),
)
IF_THERE = ("only", "policy_version", "rule", "why", "emergency")
NOTES = (("TIME", "at"), ("WHAT", "kind"), ("BY", "by"), ("TEXT", "text"))
BREAK_GLASS = (("TIME", "time"), ("WHAT", "what"), ("BY", "by"), ("COMMENT", "comment"))
HISTORY = (("TIME", "time"), ("EVENT", "type"), ("BY", "actor"), ("COMMENT", "said"))
SAID = ("comment", "question", "answer")
TERMS = ("duration", "resources", "actions", "starts_at")
OPENED_BY = {"policy": ", opened by the policy itself", "break_glass": ", opened by break-glass"}


def show(request_id: RequestId, as_json: Json = False) -> None:
    """Show one request: stages, decisions, questions, grant, history, and what you may decide."""
    found = read(f"/requests/{request_id}")
    if as_json:
        show_json(found)
        return
    _show_facts(found)
    if found["stages"]:
        head("Stages")
        show_stages(found, found["you"]["missing"])
    show_decisions(found)
    show_part("Questions and answers", found["notes"], NOTES)
    _show_access(found)
    show_part("History", [entry | {"said": _said(entry)} for entry in found["history"]], HISTORY)
    _show_standing(found)


def _show_facts(found: Document) -> None:
    terms = found["terms"] or found
    only = less({name: terms[name] for name in TERMS if terms[name] != found[name]})
    allowed = found["break_glass_allowed"] and not found["break_glass"]
    shown = {**found, "only": only, "emergency": "the policy allows it" if allowed else None}
    show_fields(shown, [field for field in FIELDS if field[1] not in IF_THERE or shown[field[1]]])


def _show_access(found: Document) -> None:
    if grant := found["grant"]:
        head("Access")
        opened_by = OPENED_BY.get(grant["opened_by"], "")
        say(f"Grant {grant['id']} is {grant['state']}, {_time(grant)}{opened_by}.")
    for extension in found["extensions"]:
        _show_extension(extension, found)
    show_part("Break-glass", list(_break_glass(found["break_glass"])), BREAK_GLASS)


def _time(grant: Document) -> str:
    return f"from {cell(grant['starts_at'])} to {cell(grant['ended_at'] or grant['ends_at'])}"


def _show_extension(extension: Document, found: Document) -> None:
    head(f"Extension {extension['number']}")
    asked = f"{extension['duration']} more, asked for {cell(extension['asked_at'])}: {extension['justification']}"
    say(f"{extension['state']}: {asked}")
    if extension["state"] == "PENDING":
        show_stages(extension, found["you"]["missing"])
    show_decisions(extension)


def _break_glass(used: Document | None) -> Iterator[Document]:
    if used is None:
        return
    yield {"time": used["asked_at"], "what": "wanted", "by": used["asked_by"], "comment": used["comment"]}
    if used["opened_at"]:
        yield {"time": used["opened_at"], "what": "opened", "by": used["opened_by"]}
        known = "acknowledged" if used["acknowledged_at"] else "not acknowledged yet"
        said = {"by": used["acknowledged_by"], "comment": used["acknowledgement"]}
        yield {"time": used["acknowledged_at"], "what": known, **said}


def _said(entry: Document) -> str | None:
    return next((entry["data"][name] for name in SAID if entry["data"].get(name)), None)


def _show_standing(found: Document) -> None:
    matter = matter_of(found)
    if matter is None:
        return
    head("Open")
    say(f"{matter.what.capitalize()}, in stage {matter.stage}, until {cell(matter.ends_at)}: {matter.asked}.")
    say(f"Digest: {matter.digest}")
    for objection in found["you"]["forbidden"]:
        say(f"You can't decide: {objection['message']} [{objection['code']}].")
    if not found["you"]["forbidden"]:
        say(f"You may decide; your yes counts for {cell(found['you']['counts_for'])}.")
