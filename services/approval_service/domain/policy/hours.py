"""Spans of time, half-open and in UTC: the hours and freezes of a policy.

A local time that a clock change skips or repeats is the first of the two readings (PEP 495, `fold=0`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from lockbox.contracts.policy.document import DAYS, Freeze, Hours

DAY = timedelta(days=1)
END_OF_DAY = "24:00"


@dataclass(frozen=True)
class Span:
    """From `start` until just before `end`."""

    start: datetime
    end: datetime

    def touches(self, other: "Span") -> bool:
        """Whether they have a moment in common."""
        return self.start < other.end and other.start < self.end

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def frozen(freeze: Freeze) -> Span:
    """Return the span of a freeze; raises `KeyError` for an unknown time zone."""
    zone = ZoneInfo(freeze.time_zone)
    start, end = (
        datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC) for local in (freeze.starts, freeze.ends)
    )
    return Span(start, end)


@lru_cache(maxsize=1_000)
def touches(hours: Hours, span: Span) -> bool:
    """Whether any moment of the span is in these hours."""
    return any(part.touches(span) for part in _parts(hours, span))


@lru_cache(maxsize=1_000)
def covers(hours: Hours, span: Span) -> bool:
    """Whether every moment of the span is in these hours."""
    reached = span.start
    for part in _parts(hours, span):
        if part.start > reached:
            break
        reached = max(reached, part.end)
    return reached >= span.end


def _parts(hours: Hours, around: Span) -> Iterator[Span]:
    """Return the hours of the days around a span, in their order."""
    zone = ZoneInfo(hours.time_zone)
    day, last = around.start.astimezone(zone).date() - DAY, around.end.astimezone(zone).date()
    while day <= last:
        if DAYS[day.weekday()] in hours.days:
            ends = day if hours.until > hours.since else day + DAY
            part = Span(_at(day, hours.since, zone), _at(ends, hours.until, zone))
            if part.start < part.end:  # a clock change can skip it
                yield part
        day += DAY


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    if clock == END_OF_DAY:
        day, clock = day + DAY, "00:00"
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)
