"""The decision that is open on a request or on an extension, and the operations that its reader may do now.

Both come with the request from the portal, as `open` and `you.may`; nothing is worked out here.
"""

from lockbox.cli.output import cell
from lockbox.cli.session import Document
from lockbox.values.scope import cautions, named

LEFT = (("duration", "duration"), ("resources", "resources"), ("actions", "actions"), ("from", "starts_at"))
COMMANDS = (
    ("decide", "approve, deny"),
    ("request_info", "ask"),
    ("provide_info", "answer"),
    ("cancel_request", "cancel"),
    ("use_break_glass", "break-glass use"),
    ("acknowledge_break_glass", "break-glass acknowledge"),
    ("get_grant_token", "fetch, proxy, token"),
    ("request_extension", "extend"),
    ("complete_grant", "complete"),
    ("revoke_grant", "revoke"),
)
"""Each operation of `you.may` with its commands."""
NOT_YET = "this request is not open for decisions yet; try again in a moment"


def subject(decision: Document) -> str:
    """Return the subject of a decision: `request`, or `extension 1`."""
    return f"extension {decision['extension']}" if decision["extension"] else "request"


def stage(decision: Document) -> str:
    """Return the stage of a decision, such as `2, Customer`."""
    return f"{decision['stage']}, {decision['name']}"


def terms(decision: Document) -> str:
    """Return the terms of a decision in words, such as `read on mailbox/alice for PT4H`."""
    left = decision["terms"]
    access = f"{cell(left['actions'])} on {', '.join(map(named, left['resources']))}"
    if decision["extension"]:
        return f"{left['duration']} more to {access}"
    start = f", from {cell(left['starts_at'])}" if left["starts_at"] else ""
    return f"{access} for {left['duration']}{start}"


def caution(decision: Document, changes: Document) -> str:
    """Return the access, less the changes, in words if it is wide or can change things; else nothing."""
    left = {**decision["terms"], **changes}
    return cautions(left["resources"], left["actions"])


def changes_in_words(changes: Document | None) -> str:
    """Return the terms that an approver left where something was taken away; empty if nothing was."""
    left = [(word, (changes or {}).get(field)) for word, field in LEFT]
    return "; ".join(f"{word} {cell(value)}" for word, value in left if value)


def objection(request: Document, operation: str) -> str | None:
    """Return the reason why the reader may not do an operation now, with its code; None if the reader may."""
    permission = request["you"]["may"].get(operation)
    if permission is None:
        return NOT_YET
    return None if permission["allowed"] else f"{permission['message']} [{permission['code']}]"


def commands(request: Document) -> list[str]:
    """Return the commands that the reader may use on a request now."""
    return [names for operation, names in COMMANDS if objection(request, operation) is None]
