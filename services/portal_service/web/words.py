"""Human words for what the services say in codes, and the moments and durations that people read."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from lockbox.contracts.approval import GrantState, StageName
from lockbox.contracts.events import VENDOR
from lockbox.contracts.fields import parse_duration
from lockbox.contracts.request import ReasonCode, RequestState

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
}
REASONS: Mapping[str, str] = {
    ReasonCode.CUSTOMER_INITIATED_SUPPORT: "Customer initiated support",
    ReasonCode.VENDOR_INITIATED_SERVICE: "Vendor initiated service",
    ReasonCode.VENDOR_INITIATED_REVIEW: "Vendor initiated review",
    ReasonCode.VENDOR_RESPONSE_TO_PRODUCTION_ALERT: "Vendor response to a production alert",
    ReasonCode.THIRD_PARTY_DATA_REQUEST: "Third-party data request",
}
STAGES: Mapping[str, str] = {StageName.VENDOR: "vendor", StageName.CUSTOMER: "customer"}
EXPECTED: Mapping[str, str] = {
    "an ISO 8601 duration such as PT4H": "a duration such as 4h, 1h 30m or PT4H",
    "an RFC 3339 timestamp such as 2026-01-31T09:30:00Z": "a date and time in UTC such as 2026-01-31 09:30",
}
DURATION_IN_TEXT = re.compile(r"\bP(?=[0-9T])[0-9DTHMS.]*[DHMS]\b")
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def plain(code: str) -> str:
    """A code that has no words of its own, such as `grant_completed`: Grant completed."""
    return code.replace("_", " ").strip().capitalize()


def state(code: str) -> str:
    """The state of a request or a grant."""
    return STATES.get(code) or plain(code)


def tone(code: str) -> str:
    """How a state is coloured."""
    return TONES.get(code, "quiet")


def reason(code: str) -> str:
    """A reason code."""
    return REASONS.get(code) or plain(code)


def organisation(name: str) -> str:
    """An organisation: a tenant by its name, or the vendor."""
    return "Vendor" if name == VENDOR else name


def moment(at: datetime) -> str:
    """A moment to the second; what shows it says that it is UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def minute(at: datetime) -> str:
    """A moment to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"


def spoken(duration: timedelta) -> str:
    """A duration in text, such as `4 hours` or `1 hour 30 minutes`."""
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in _parts(duration)]
    return " ".join(parts) or "0 seconds"


def compact(duration: timedelta) -> str:
    """A duration as people type it, such as `1h 30m`; `forms.as_duration` reads it."""
    return " ".join(f"{count}{unit[0]}" for count, unit in _parts(duration)) or "0s"


def remaining(until: datetime, now: datetime) -> str:
    """How long it is until then, in its two largest units; static/app.js counts it down in the same words."""
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
    """A number of things, such as `1 approval` or `2 approvals`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def with_article(noun: str) -> str:
    """A noun with its article, such as `an engineer`."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def expected(text: str) -> str:
    """What a service expected, for people who fill in a form: durations as they are spoken, not as they are coded."""
    return EXPECTED.get(text) or spoken_within(text)


def spoken_within(text: str) -> str:
    """A text with its ISO 8601 durations spoken."""
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
