"""Spans of time, half-open and in UTC: the hours and freezes of a policy.

A moment is in the hours if the clocks of their time zone show a time in them then. So hours that begin at a time that a
clock change skips begin at its end, and those that come twice are both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from lockbox.contracts.policy.document import DAYS, Freeze, Hours

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
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
    starts, ends = datetime.fromisoformat(freeze.starts), datetime.fromisoformat(freeze.ends)
    start = min(span.start for span in _shown(zone, starts, starts + DAY))
    return Span(start, max(span.end for span in _shown(zone, ends - DAY, ends)))


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
            yield from _shown(zone, _local(day, hours.since), _local(ends, hours.until))
        day += DAY


def _local(day: date, clock: str) -> datetime:
    if clock == END_OF_DAY:
        day, clock = day + DAY, "00:00"
    return datetime.combine(day, time.fromisoformat(clock))


def _shown(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[Span]:
    """Return the spans in which the clocks of a zone show a local time from `since` until just before `until`."""
    around = Span(since.replace(tzinfo=UTC) - DAY, until.replace(tzinfo=UTC) + DAY)
    for stretch in _stretches(zone, around):
        offset = _offset(zone, stretch.start)
        start, end = since.replace(tzinfo=UTC) - offset, until.replace(tzinfo=UTC) - offset
        part = Span(max(start, stretch.start), min(end, stretch.end))
        if part.start < part.end:
            yield part


def _stretches(zone: ZoneInfo, span: Span) -> Iterator[Span]:
    """Divide a span of some days at its clock change, if there is one."""
    before, after, offset = span.start, span.end, _offset(zone, span.start)
    if offset == _offset(zone, after):
        yield span
        return
    while after - before > SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    yield Span(span.start, after)
    yield Span(after, span.end)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
