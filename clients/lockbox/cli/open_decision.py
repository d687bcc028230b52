"""What waits for a decision: a request, or the extension of its grant; and the words for what is asked."""

from dataclasses import dataclass

from lockbox.cli.output import cell
from lockbox.cli.session import Document

LEFT = (("duration", "duration"), ("resources", "resources"), ("actions", "actions"), ("from", "starts_at"))


@dataclass(frozen=True)
class Matter:
    """What people decide on now, in which stage and until when; a decision is bound to `digest`."""

    what: str
    asked: str
    stage: str
    ends_at: str
    digest: str


def matter_of(request: Document) -> Matter | None:
    """What of this request waits for a decision, if anything does."""
    if request["request_digest"]:
        return _matter("request", _words(request["terms"]), request, request["expires_at"])
    waiting = next((one for one in request["extensions"] if one["request_digest"]), None)
    if waiting is None:
        return None
    asked = f"{_left(waiting)} more to {_what(request['grant'])}"
    return _matter(f"extension {waiting['number']}", asked, waiting, request["grant"]["ends_at"])


def _words(terms: Document) -> str:
    """Terms in words, such as `read on mailbox/alice for PT4H`."""
    start = f", from {cell(terms['starts_at'])}" if terms["starts_at"] else ""
    return f"{_what(terms)} for {terms['duration']}{start}"


def less(changes: Document | None) -> str:
    """What is left of something where approvers took away, in words; empty if they took nothing."""
    left = [(word, (changes or {}).get(field)) for word, field in LEFT]
    return "; ".join(f"{word} {cell(value)}" for word, value in left if value)


def _left(extension: Document) -> str:
    """How much longer it still is: each approver who shortened it shortened what was left."""
    shortened = [one["changes"]["duration"] for one in extension["decisions"] if one["changes"]]
    return next((duration for duration in reversed(shortened) if duration), str(extension["duration"]))


def _what(terms: Document) -> str:
    return f"{cell(terms['actions'])} on {cell(terms['resources'])}"


def _matter(what: str, asked: str, deliberating: Document, ends_at: str) -> Matter:
    number, stage = next(
        (number, stage)
        for number, stage in enumerate(deliberating["stages"], start=1)
        if stage["opened_at"] and not stage["closed_at"]
    )
    return Matter(what, asked, f"{number}, {stage['name']}", ends_at, deliberating["request_digest"])
