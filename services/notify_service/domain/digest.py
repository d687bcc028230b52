"""Digests: one email with the alerts to a recipient that came in a short time beyond those sent one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lockbox.contracts.approval.facts import BreakGlassRequested, BreakGlassUsed, StageOpened
from lockbox.contracts.events import Fact
from lockbox.contracts.request.terms import Severity
from notify_service.domain.delivery import DIGEST, Delivery

MOST_LISTED = 100
SUBJECT = "Customer Lockbox: "
DECISIONS = frozenset({"approval_needed", "extension_needs_approval", "info_provided"})
OPENED = frozenset({"access_opened", "access_extended"})
DETAILS = frozenset({"Requestor", "Expires", "Access until"})
"""The labels of the lines that a digest repeats for each alert."""


def goes_at_once(fact: Fact) -> bool:
    """Tell whether the alert about a fact is an email of its own, however many came before it."""
    if isinstance(fact, BreakGlassRequested | BreakGlassUsed):
        return True
    return isinstance(fact, StageOpened) and fact.severity == Severity.CRITICAL


@dataclass(frozen=True)
class EmailPace:
    """The emails to one recipient that are sent one by one in a window of time; those beyond them wait for its end."""

    at_once: int
    window: timedelta


@dataclass(frozen=True)
class EmailCount:
    """The number of an email to one recipient, counted from 1 in each window, and the end of the window."""

    number: int
    window_ends_at: datetime

    def held_until(self, pace: EmailPace) -> datetime | None:
        """Return the end of the window for an email that waits for it; None for one that is sent at once."""
        return self.window_ends_at if self.number > pace.at_once else None


def digest_of(digest_id: str, held: Sequence[Delivery]) -> Delivery:
    """Return the digest of the held alerts to one recipient; it names each, and lists the first ones."""
    tenants = {one.tenant for one in held}
    return Delivery(
        id=digest_id,
        recipient=held[0].recipient,
        kind=DIGEST,
        tenant=tenants.pop() if len(tenants) == 1 else None,
        request_id=None,
        subject=f"{SUBJECT}{', '.join(_counts(held))}",
        introduction=_introduction(held),
        lines=tuple((_title(one), one.place) for one in held[:MOST_LISTED]),
        link_text="Open your queue",
        urgent=any(one.urgent for one in held),
        contents=tuple(one.id for one in held),
    )


def _introduction(held: Sequence[Delivery]) -> str:
    beyond = len(held) - MOST_LISTED
    cut = f" The first {MOST_LISTED} of {len(held)} are listed; Lockbox has the others." if beyond > 0 else ""
    return (
        "More alerts came in a short time than are sent one by one, so this email lists those that waited. Some may be "
        f"settled by now: your queue shows the requests that still wait for your decision.{cut}"
    )


def _counts(held: Sequence[Delivery]) -> Iterator[str]:
    """Yield the numbers of the alerts of each sort, in words; requests are counted once."""
    decisions = {one.request_id for one in held if one.kind in DECISIONS}
    opened = {one.request_id for one in held if one.kind in OPENED}
    others = [one for one in held if one.kind not in DECISIONS | OPENED]
    if decisions:
        yield f"{len(decisions)} more {_plural('request', decisions)} for your decision"
    if opened:
        yield f"{len(opened)} {_plural('access', opened, 'accesses')} opened or extended without your approvers"
    if others:
        yield f"{len(others)} more {_plural('message', others)}"


def _plural(word: str, counted: Sequence[object] | set[str | None], many: str = "") -> str:
    return word if len(counted) == 1 else many or f"{word}s"


def _title(one: Delivery) -> str:
    text = one.subject.removeprefix(SUBJECT)
    details = [f"{label}: {value}" for label, value in one.lines if label in DETAILS]
    return "; ".join([f"{text[:1].upper()}{text[1:]}", *details])
