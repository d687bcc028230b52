"""Attempts are counted before they are judged, and many of them make the next one wait."""

from datetime import timedelta

import pytest
from tests.unit.builders import NOW

from lockbox.errors import TooMany
from portal_service.domain.sign_in import (
    FORGOTTEN_AFTER,
    OF_SOURCE_AND_ADDRESS,
    Allowance,
    AttemptCount,
    Visitor,
    network_of,
)

FEW = Allowance(3, timedelta(seconds=5))


@pytest.mark.parametrize(("count", "seconds"), [(0, 0), (2, 0), (3, 1), (4, 2), (5, 4), (6, 5), (1_000_000, 5)])
def test_wait_when_attempts_go_on_doubles_up_to_the_longest(count: int, seconds: int) -> None:
    assert FEW.wait(count) == timedelta(seconds=seconds)


def test_attempt_when_it_comes_before_its_time_is_told_how_long_to_wait() -> None:
    count = AttemptCount.none(NOW)
    for _ in range(3):
        count = count.add(FEW, NOW)
    with pytest.raises(TooMany) as refused:
        count.add(FEW, NOW + timedelta(milliseconds=300))
    assert (refused.value.code, refused.value.params) == ("too_many_attempts", {"retry_after": 1})


def test_attempt_when_the_last_is_long_ago_is_the_first_again() -> None:
    count = AttemptCount(count=40, last=NOW, free_at=NOW)
    assert count.add(FEW, NOW + FORGOTTEN_AFTER).count == 1


def test_attempt_when_a_clock_an_hour_ahead_counted_the_last_is_judged_and_counts() -> None:
    count = AttemptCount.none(NOW)
    for _ in range(3):
        count = count.add(FEW, NOW + timedelta(hours=1))
    count = count.add(FEW, NOW)
    assert (count.count, count.last) == (4, NOW)
    with pytest.raises(TooMany):
        count.add(FEW, NOW)


def test_attempts_when_they_go_on_for_a_day_are_few() -> None:
    count, now, judged = AttemptCount.none(NOW), NOW, 0
    while now < NOW + timedelta(days=1):
        count = count.add(OF_SOURCE_AND_ADDRESS, now)
        now, judged = max(now, count.free_at), judged + 1
    assert judged < 200


def test_visitor_when_the_browser_is_known_shares_no_count_with_strangers() -> None:
    stranger = dict(Visitor("198.51.100.7").allowances("carol@contoso.example"))
    known = dict(Visitor("198.51.100.7", "b").allowances("carol@contoso.example"))
    assert not stranger.keys() & known.keys()


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        (None, "unknown"),
    ],
)
def test_network_of_a_source_is_that_of_one_subscriber(source: str | None, network: str) -> None:
    assert network_of(source) == network
