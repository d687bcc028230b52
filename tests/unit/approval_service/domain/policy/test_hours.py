from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approval_service.domain.policy.hours import Span, covers, frozen, touches
from lockbox.contracts.policy.document import Freeze, Hours

HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> Span:
    return Span(at(start), at(end))


def office(**changes: Any) -> Hours:
    days = ("MO", "TU", "WE", "TH", "FR")
    return Hours(**{"since": "09:00", "until": "17:00", "time_zone": "Europe/Berlin", "days": days, **changes})


NIGHT = office(since="22:00", until="06:00")
ALWAYS = office(since="00:00", until="24:00", days=("MO", "TU", "WE", "TH", "FR", "SA", "SU"))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("2026-03-02T09:00", "2026-03-02T10:00"), ("2026-03-02T10:00", "2026-03-02T11:00"), False),
        (("2026-03-02T09:00", "2026-03-02T10:01"), ("2026-03-02T10:00", "2026-03-02T11:00"), True),
        (("2026-03-02T09:00", "2026-03-02T12:00"), ("2026-03-02T10:00", "2026-03-02T11:00"), True),
    ],
)
def test_spans_when_they_share_a_moment_touch(one: Any, other: Any, expected: bool) -> None:
    assert span(*one).touches(span(*other)) is expected
    assert span(*other).touches(span(*one)) is expected


def test_span_when_a_moment_is_its_end_does_not_hold_it() -> None:
    hour = span("2026-03-02T09:00", "2026-03-02T10:00")
    assert hour.start in hour
    assert hour.end not in hour


@pytest.mark.parametrize(
    ("start", "touched", "covered"),
    [
        ("2026-03-02T08:00", True, True),  # a Monday, 09:00 in Berlin
        ("2026-03-02T07:30", True, False),
        ("2026-03-02T15:00", True, True),
        ("2026-03-02T15:30", True, False),
        ("2026-03-02T16:00", False, False),
        ("2026-03-07T10:00", False, False),  # a Saturday
        ("2026-07-06T07:00", True, True),  # a Monday in summer, 09:00 in Berlin
        ("2026-07-06T06:00", False, False),
    ],
)
def test_hours_when_an_hour_begins_then(start: str, touched: bool, covered: bool) -> None:
    asked = Span(at(start), at(start) + HOUR)
    assert touches(office(), asked) is touched
    assert covers(office(), asked) is covered


@pytest.mark.parametrize(
    ("start", "hours", "covered"),
    [
        ("2026-03-02T21:00", 8, True),  # Monday 22:00 to Tuesday 06:00
        ("2026-03-02T21:00", 9, False),
        ("2026-03-06T21:00", 8, True),  # Friday night is Friday's, though it ends on a Saturday
        ("2026-03-07T21:00", 1, False),
    ],
)
def test_hours_when_they_cross_midnight_belong_to_the_day_they_begin_on(start: str, hours: int, covered: bool) -> None:
    assert covers(NIGHT, Span(at(start), at(start) + hours * HOUR)) is covered


def test_hours_when_they_are_all_of_every_day_cover_days_on_end() -> None:
    assert covers(ALWAYS, span("2026-03-27T12:00", "2026-03-31T12:00"))


def test_hours_when_a_clock_change_lies_within_are_as_long_as_the_day() -> None:
    assert covers(ALWAYS, span("2026-03-28T23:00", "2026-03-29T22:00"))


SPRING, AUTUMN = span("2026-03-28T00:00", "2026-03-30T12:00"), span("2026-10-24T00:00", "2026-10-26T12:00")
"""Around the nights of a Sunday in which the clocks of Berlin go from 02:00 to 03:00, and from 03:00 back to 02:00."""


def minutes(hours: Hours, within: Span) -> list[tuple[str, str]]:
    """The spans of the hours, found minute by minute."""
    found: list[list[datetime]] = []
    minute, moment = timedelta(minutes=1), within.start
    while moment < within.end:
        if touches(hours, Span(moment, moment + minute)):
            assert covers(hours, Span(moment, moment + minute))
            if found and found[-1][1] == moment:
                found[-1][1] = moment + minute
            else:
                found.append([moment, moment + minute])
        moment += minute
    return [(f"{start:%d %H:%M}", f"{end:%d %H:%M}") for start, end in found]


@pytest.mark.parametrize(
    ("since", "until", "around", "parts"),
    [
        ("02:30", "03:30", SPRING, [("29 01:00", "29 01:30")]),  # begins at the end of the hour that is skipped
        ("02:30", "04:00", SPRING, [("29 01:00", "29 02:00")]),
        ("01:00", "02:30", SPRING, [("29 00:00", "29 01:00")]),
        ("02:00", "03:00", SPRING, []),
        ("02:30", "02:45", SPRING, []),
        ("02:00", "03:00", AUTUMN, [("25 00:00", "25 02:00")]),  # comes twice, and is both
        ("02:30", "02:45", AUTUMN, [("25 00:30", "25 00:45"), ("25 01:30", "25 01:45")]),
        ("01:30", "02:30", AUTUMN, [("24 23:30", "25 00:30"), ("25 01:00", "25 01:30")]),
        ("02:30", "04:00", AUTUMN, [("25 00:30", "25 01:00"), ("25 01:30", "25 03:00")]),
        ("23:00", "02:30", AUTUMN, [("25 22:00", "26 01:30")]),
    ],
)
def test_hours_when_a_clock_change_lies_within_are_the_times_that_clocks_show(
    since: str, until: str, around: Span, parts: list[tuple[str, str]]
) -> None:
    assert minutes(office(days=("SU",), since=since, until=until), around) == parts


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        ("2026-03-29T02:30", "2026-03-29T05:00", ("2026-03-29T01:00", "2026-03-29T03:00")),
        ("2026-03-28T00:00", "2026-03-29T02:30", ("2026-03-27T23:00", "2026-03-29T01:00")),
        ("2026-10-25T02:30", "2026-10-25T05:00", ("2026-10-25T00:30", "2026-10-25T04:00")),
        ("2026-10-25T00:00", "2026-10-25T02:30", ("2026-10-24T22:00", "2026-10-25T01:30")),
        ("2026-10-25T02:00", "2026-10-25T03:00", ("2026-10-25T00:00", "2026-10-25T02:00")),
    ],
)
def test_freeze_when_a_clock_change_skips_or_repeats_its_end_is_the_longer_one(
    starts: str, ends: str, expected: tuple[str, str]
) -> None:
    freeze = Freeze(name="x", starts=starts, ends=ends, time_zone="Europe/Berlin", effect="no_access")
    assert frozen(freeze) == span(*expected)


def test_freeze_when_its_zone_is_known_is_in_utc() -> None:
    freeze = Freeze(
        name="Year's end",
        starts="2026-12-20T00:00",
        ends="2027-01-04T08:00",
        time_zone="America/New_York",
        effect="no_access",
    )
    assert frozen(freeze) == span("2026-12-20T05:00", "2027-01-04T13:00")


def test_freeze_when_its_zone_is_unknown_raises() -> None:
    freeze = Freeze(
        name="x", starts="2026-12-20T00:00", ends="2026-12-21T00:00", time_zone="Mars/Phobos", effect="no_access"
    )
    with pytest.raises(KeyError):
        frozen(freeze)
