"""Places of emails on their way: shares, pauses of a server and of domains that fail, and when emails are stuck."""

from dataclasses import replace

import pytest
from tests.stores.notify_service import delivery

from notify_service.domain.delivery import Delivery
from notify_service.domain.places import (
    DOMAIN_PAUSES,
    DOMAINS_KNOWN,
    OF_A_DOMAIN,
    OF_SLOW_DOMAINS,
    SERVER_PAUSES,
    STUCK_SECONDS,
    Closed,
    Outcome,
    Places,
)


def to(index: int, domain: str = "contoso.example") -> Delivery:
    return replace(delivery(index), recipient=f"person-{index}@{domain}", tenant=domain)


def attempt(places: Places, outcome: Outcome, now: float, domain: str = "contoso.example") -> None:
    places.take(to(1, domain), now)
    if outcome is not Outcome.SERVER_AWAY:
        places.server_answered(now)
    places.leave(to(1, domain), outcome, now)


def is_open(places: Places, now: float, domain: str = "contoso.example") -> bool:
    closed = places.closed(now)
    return closed is not None and not closed.to(to(99, domain))


def test_places_when_a_domain_has_its_share_are_closed_to_it_alone() -> None:
    places = Places()
    for index in range(OF_A_DOMAIN):
        assert is_open(places, 0)
        places.take(to(index), 0)
    assert not is_open(places, 0)
    assert is_open(places, 0, "fabrikam.example")
    places.leave(to(0), Outcome.ANSWERED, 0)
    assert is_open(places, 0)


def test_places_when_the_server_is_away_are_for_one_after_a_pause_that_doubles() -> None:
    places, now = Places(), 100.0
    for pause in (1, 2, 4, 8, 8):
        attempt(places, Outcome.SERVER_AWAY, now)
        assert places.closed(now + pause - 0.1) is None
        now += pause
        assert places.closed(now) == Closed()
        places.take(to(2), now)
        assert places.closed(now) is None
        places.leave(to(2), Outcome.NOT_TRIED, now)
    attempt(places, Outcome.ANSWERED, now)
    assert is_open(places, now)
    assert SERVER_PAUSES == (1, 8)


def test_places_when_many_fail_at_the_same_moment_count_one_failure() -> None:
    places = Places()
    for _ in range(10):
        attempt(places, Outcome.SERVER_AWAY, 5.0)
    assert places.closed(6.0) == Closed()


def test_places_when_a_domain_is_silent_are_for_one_of_it_after_a_pause() -> None:
    places = Places()
    attempt(places, Outcome.DOMAIN_SILENT, 0)
    assert not is_open(places, DOMAIN_PAUSES[0] - 0.1)
    assert is_open(places, 0, "fabrikam.example")
    assert is_open(places, DOMAIN_PAUSES[0])
    places.take(to(2), 0)
    assert not is_open(places, DOMAIN_PAUSES[0])
    places.leave(to(2), Outcome.ANSWERED, DOMAIN_PAUSES[0])
    assert is_open(places, DOMAIN_PAUSES[0])
    assert places.failing == frozenset()


def test_places_when_many_domains_are_silent_have_places_left_for_others() -> None:
    places = Places()
    silent = [f"d{index}.example" for index in range(30)]
    for domain in silent:
        attempt(places, Outcome.DOMAIN_SILENT, 0, domain)
    later, taken = 2 * DOMAIN_PAUSES[0], 0
    for index, domain in enumerate(silent):
        if is_open(places, later, domain):
            places.take(to(index, domain), later)
            taken += 1
    assert taken == OF_SLOW_DOMAINS
    assert is_open(places, later)


def test_places_when_one_machine_of_the_server_fails_and_another_answers_stay_open() -> None:
    places = Places()
    places.take(to(2), 0)
    attempt(places, Outcome.ANSWERED, 5)
    places.leave(to(2), Outcome.SERVER_AWAY, 15)
    assert is_open(places, 15)
    assert places.failing == frozenset()


def test_places_when_the_server_answers_again_are_open_before_the_recipient_is_known() -> None:
    places = Places()
    attempt(places, Outcome.SERVER_AWAY, 0)
    places.take(to(1), 1)
    assert places.closed(1) is None
    places.server_answered(1)
    assert is_open(places, 1, "fabrikam.example")


def test_places_when_a_domain_is_silent_do_not_take_the_server_for_away() -> None:
    places = Places()
    attempt(places, Outcome.SERVER_AWAY, 0)
    attempt(places, Outcome.DOMAIN_SILENT, 1)
    assert places.failing == {"contoso.example"}


def test_places_when_ever_more_domains_are_silent_forget_the_first() -> None:
    places = Places()
    for index in range(DOMAINS_KNOWN + 5):
        attempt(places, Outcome.DOMAIN_SILENT, 0, f"d{index}.example")
    assert len(places.silent_domains) == DOMAINS_KNOWN
    assert "d4.example" not in places.silent_domains


@pytest.mark.parametrize(
    ("failed_at", "now", "stuck"),
    [
        ((0,), 1, False),
        ((0, STUCK_SECONDS - 1), STUCK_SECONDS, False),
        ((0, STUCK_SECONDS), STUCK_SECONDS, True),
        ((0, STUCK_SECONDS), 3 * STUCK_SECONDS, False),
        ((), 0, False),
    ],
)
def test_stuck_when_the_server_has_failed_for_a_while_and_still_does(
    failed_at: tuple[float, ...], now: float, stuck: bool
) -> None:
    places = Places()
    for moment in failed_at:
        attempt(places, Outcome.SERVER_AWAY, moment)
    assert places.stuck(now) is stuck
    attempt(places, Outcome.ANSWERED, now)
    assert not places.stuck(now)
