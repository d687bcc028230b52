"""`lockbox show`: one request with stages, decisions, grant and history."""

from collections.abc import Iterator

from lockbox.cli.arguments import RequestId
from lockbox.cli.open_decision import changes_in_words, commands, objection, stage, subject, terms
from lockbox.cli.output import Json, cell, head, say, show_fields, show_json, show_part
from lockbox.cli.session import Document, read
from lockbox.cli.stages import show_decisions, show_stages
from lockbox.values.scope import named

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
    ("Reasons", "why"),
    ("Break-glass", "break_glass_rule"),
)
IF_THERE = ("only", "policy_version", "rule", "why", "break_glass_rule")
NOTES = (("TIME", "at"), ("WHAT", "kind"), ("BY", "by"), ("TEXT", "text"))
BREAK_GLASS = (("TIME", "time"), ("WHAT", "what"), ("BY", "by"), ("COMMENT", "comment"))
HISTORY = (("TIME", "time"), ("EVENT", "type"), ("BY", "actor"), ("COMMENT", "said"))
SAID = ("comment", "question", "answer")
TERMS = ("duration", "resources", "actions", "starts_at")
OPENED_BY = {"policy": ", opened by the policy itself", "break_glass": ", opened by break-glass"}


def show(request_id: RequestId, as_json: Json = False) -> None:
    """Show one request: stages, decisions, questions, grant, history, and the commands that you may use now."""
    found = read(f"/requests/{request_id}")
    if as_json:
        show_json(found)
        return
    _show_facts(found)
    if found["stages"]:
        head("Stages")
        show_stages(found["stages"], _open_on(found, None), found["you"]["missing"])
    show_decisions(found)
    show_part("Questions and answers", found["notes"], NOTES)
    _show_access(found)
    show_part("History", [entry | {"said": _said(entry)} for entry in found["history"]], HISTORY)
    if found.get("history_cut"):
        say("The history is cut; the audit trail has all events.")
    if names := commands(found):
        head("Commands that you may use now")
        say(", ".join(names))
    if found["open"]:
        _show_open(found)


def _show_facts(found: Document) -> None:
    left = found["terms"] or found
    only = changes_in_words({name: left[name] for name in TERMS if left[name] != found[name]})
    allowed = found["break_glass_allowed"] and not found["break_glass"]
    shown = {
        **found,
        "resources": list(map(named, found["resources"])),
        "only": only,
        "break_glass_rule": "the policy allows it" if allowed else None,
    }
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
        show_stages(extension["stages"], _open_on(found, extension["number"]), found["you"]["missing"])
    show_decisions(extension)


def _break_glass(used: Document | None) -> Iterator[Document]:
    if used is None:
        return
    yield {"time": used["asked_at"], "what": "asked for", "by": used["asked_by"], "comment": used["comment"]}
    if used["opened_at"]:
        yield {"time": used["opened_at"], "what": "opened", "by": used["opened_by"]}
        known = "acknowledged" if used["acknowledged_at"] else "not acknowledged yet"
        said = {"by": used["acknowledged_by"], "comment": used["acknowledgement"]}
        yield {"time": used["acknowledged_at"], "what": known, **said}


def _said(entry: Document) -> str | None:
    return next((entry["data"][name] for name in SAID if entry["data"].get(name)), None)


def _open_on(found: Document, extension: int | None) -> Document | None:
    """Return the open decision if it is the one on this extension, or on the request itself."""
    decision: Document | None = found["open"]
    return decision if decision and decision["extension"] == extension else None


def _show_open(found: Document) -> None:
    decision, why_not = found["open"], objection(found, "decide")
    head("Open")
    say(
        f"{subject(decision).capitalize()}, in stage {stage(decision)}, until {cell(decision['ends_at'])}: "
        f"{terms(decision)}."
    )
    say(f"Digest: {decision['digest']}")
    if why_not:
        say(f"You can't decide: {why_not}.")
    else:
        say(f"You may decide; your approval counts for {cell(found['you']['counts_for'])}.")
        if effect := decision.get("effect"):
            say(f"When the stage is approved: {_effect(effect)}.")


def _effect(effect: Document) -> str:
    """Return the effect that the approval of the open stage would have now."""
    if effect["outcome"] == "access":
        return f"access from {cell(effect['starts_at'])} to {cell(effect['ends_at'])}"
    why = f" ({'; '.join(effect['why'])})" if effect["why"] else ""
    if effect["outcome"] == "stage":
        return f"no access yet, the stage {effect['next']['name']!r} decides{why}"
    return f"no access, the policy denies{why}" if effect["outcome"] == "denial" else f"refused, {effect['message']}"
