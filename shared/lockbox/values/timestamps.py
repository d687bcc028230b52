"""Timestamps as text: RFC 3339 in UTC with microseconds (`2026-01-31T09:30:00.000000Z`), so that they sort as text."""

import re
from datetime import UTC, datetime
from functools import lru_cache

RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.ASCII,
)
YEARS = range(1970, 9_999)
"""The years of moments that may be sent: with any time zone or duration added they stay in the calendar."""


@lru_cache(maxsize=4_096)
def format_timestamp(moment: datetime) -> str:
    """Return the moment as RFC 3339 in UTC, always 27 characters long."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")[:26] + "Z"


def parse_timestamp(text: str) -> datetime:
    """Read RFC 3339 with its offset; raise ValueError for anything else, a moment without offset included."""
    if not RFC_3339.fullmatch(text):
        raise ValueError(text)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error
