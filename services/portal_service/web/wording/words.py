"""Words for the codes of the services, and moments and durations as people read them."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from lockbox.contracts.events import VENDOR
from lockbox.contracts.fields import parse_duration
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.policy.document import Side
from lockbox.contracts.request.terms import ReasonCode, RequestState

STATES: Mapping[str, str] = {
    RequestState.PENDING_VENDOR: "Pending vendor",
    RequestState.PENDING_CUSTOMER: "Pending customer",
    RequestState.INFO_REQUESTED: "Information requested",
}
TONES: Mapping[str, str] = {
    RequestState.PENDING_VENDOR: "waiting",
    RequestState.PENDING_CUSTOMER: "waiting",
    RequestState.INFO_REQUESTED: "waiting",
    RequestState.APPROVED: "good",
    RequestState.DENIED: "bad",
    GrantState.SCHEDULED: "info",
    GrantState.ACTIVE: "good",
    GrantState.REVOKED: "bad",
    "PENDING": "waiting",
}
REASONS: Mapping[str, str] = {
    ReasonCode.CUSTOMER_INITIATED_SUPPORT: "Customer initiated support",
    ReasonCode.VENDOR_INITIATED_SERVICE: "Vendor initiated service",
    ReasonCode.VENDOR_INITIATED_REVIEW: "Vendor initiated review",
    ReasonCode.VENDOR_RESPONSE_TO_PRODUCTION_ALERT: "Vendor response to a production alert",
    ReasonCode.THIRD_PARTY_DATA_REQUEST: "Third-party data request",
}
SIDES: Mapping[str, str] = {Side.VENDOR: "vendor", Side.CUSTOMER: "customer"}
OPENED: Mapping[str, str] = {
    "approval": "By approval",
    "policy": "By the policy, without people",
    "break_glass": "By break-glass, without the customer",
}
LABELS: Mapping[str, str] = {
    "tenant": "Customer",
    "reason_code": "Reason",
    "starts_at": "Start",
    "four_eyes": "Four eyes",
    "break_glass": "Break-glass",
}
DURATION_IN_TEXT = re.compile(r"\bP(?=[0-9T])[0-9DTHMS.]*[DHMS]\b")
MOMENT_IN_TEXT = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)(?:\.\d+)?Z")
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def plain(code: str) -> str:
    """Return a code that has no words of its own in plain text, such as `grant_completed`: Grant completed."""
    return code.replace("_", " ").strip().capitalize()


def label(field: str) -> str:
    """Return the label of a field."""
    return LABELS.get(field) or plain(field)


def state(code: str) -> str:
    """Return the words for the state of a request, a grant or an extension."""
    return STATES.get(code) or plain(code)


def tone(code: str) -> str:
    """Return the tone of a state, which is its colour."""
    return TONES.get(code, "quiet")


def reason(code: str) -> str:
    """Return the words for a reason code."""
    return REASONS.get(code) or plain(code)


def side(code: str) -> str:
    """Return the words for a side: the vendor, or the customer."""
    return SIDES.get(code) or plain(code)


def opened(code: str) -> str:
    """Return the words for the way in which an access was opened."""
    return OPENED.get(code) or plain(code)


def organisation(name: str) -> str:
    """Return the name of an organisation: a tenant's name, or the vendor."""
    return "Vendor" if name == VENDOR else name


def member(name: str) -> str:
    """Return the words for a member of a group: a person's address, or everybody of a role."""
    return name if "@" in name else f"any {plain(name).lower()}"


def moment(at: datetime) -> str:
    """Return a moment to the second, without its time zone, which is UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def minute(at: datetime) -> str:
    """Return a moment to the minute, without its time zone, which is UTC."""
    return f"{at:%Y-%m-%d %H:%M}"


def spoken(duration: timedelta) -> str:
    """Return a duration in text, such as `4 hours` or `1 hour 30 minutes`."""
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in _parts(duration)]
    return " ".join(parts) or "0 seconds"


def compact(duration: timedelta) -> str:
    """Return a duration as people type it, such as `1h 30m`; `forms.as_duration` reads it."""
    return " ".join(f"{count}{unit[0]}" for count, unit in _parts(duration)) or "0s"


def remaining(until: datetime, now: datetime) -> str:
    """Return the time left in its two largest units; static/app.js counts it down in the same words."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "ended"
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds % 60:02} s" if minutes else f"{seconds} s"


def counted(count: int, noun: str) -> str:
    """Return a number of things, such as `1 approval` or `2 approvals`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return names in text, such as `read, list and export`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def spoken_within(text: str) -> str:
    """Return a text with its ISO 8601 durations and RFC 3339 moments spoken."""
    text = MOMENT_IN_TEXT.sub(r"\1 \2\3 UTC", text)
    return DURATION_IN_TEXT.sub(lambda found: _spoken_code(found[0]), text)


def _spoken_code(code: str) -> str:
    try:
        return spoken(parse_duration(code))
    except ValueError:
        return code


def _parts(duration: timedelta) -> list[tuple[int, str]]:
    left, parts = int(duration.total_seconds()), []
    for size, unit in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append((count, unit))
    return parts
