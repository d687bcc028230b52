"""Sending: each email once, several at once, and no domain, tenant or server that fails takes the places of others."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from tests.stores.approval_service import number
from tests.stores.notify_service import delivery
from tests.unit.builders import NOW
from tests.unit.notify_service.fakes import FakeDeliveries

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed
from lockbox.errors import Invalid, Unavailable
from notify_service.domain.delivery import RETRY_AFTER, Delivery
from notify_service.domain.places import AT_ONCE, OF_A_DOMAIN, OF_A_TENANT, Places
from notify_service.sending import RECIPIENT_UNANSWERED, SERVER_AWAY, Desk, send_due

ACT = Act(Cause("tests", number(9)), NOW)
AWAY = Unavailable(SERVER_AWAY, "connection refused")
SILENT = Unavailable(RECIPIENT_UNANSWERED, "not done within 25 s")
NOT_NOW = Unavailable("mail_not_taken", "450 Busy")
Answer = Callable[[Delivery], Exception | None]


@dataclass
class Post:
    """Deliveries, a mail server of the test's, and a clock; with `later`, a conversation lasts until it is called."""

    answer: Answer = lambda one: None
    later: bool = False
    now: datetime = NOW
    taken: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    open: list[Callable[[], None]] = field(default_factory=list)
    deliveries: FakeDeliveries = field(default_factory=FakeDeliveries)
    places: Places = field(default_factory=Places)

    def add(self, *added: Delivery) -> None:
        for one in added:
            self.deliveries.create(one.id, Changed(one), ACT)

    def send(self, one: Delivery, answered: Callable[[], None]) -> None:
        self.tried.append(one.recipient)
        error = self.answer(one)
        if error is not AWAY:
            answered()
        if error:
            raise error
        self.taken.append(one.recipient)

    def monotonic(self) -> float:
        return (self.now - NOW).total_seconds()

    def due(self, after: timedelta = timedelta(0)) -> None:
        """Time passes, and what is due is sent."""
        self.now += after
        start = self.open.append if self.later else lambda work: work()
        clock = SimpleClock(lambda: self.now, self.monotonic)
        send_due(Desk(self.deliveries, self, self.places, clock, start))


@dataclass(frozen=True)
class SimpleClock:
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


def to(index: int, domain: str = "contoso.example", tenant: str = "contoso") -> Delivery:
    return replace(delivery(index), recipient=f"person-{index}@{domain}", tenant=tenant)


def always(error: Exception) -> Answer:
    return lambda one: error


def test_send_due_when_the_server_takes_it_is_sent_once() -> None:
    post = Post()
    post.add(to(1), to(2))
    post.due()
    post.due(timedelta(hours=1))
    assert post.taken == ["person-1@contoso.example", "person-2@contoso.example"]
    assert post.deliveries.types == ["alert_sent", "alert_sent"]


def test_send_due_when_one_fails_sends_the_others() -> None:
    post = Post(lambda one: NOT_NOW if one.recipient.startswith("person-1") else None)
    post.add(to(1), to(2))
    post.due()
    assert post.taken == ["person-2@contoso.example"]
    assert post.deliveries.errors == ["mail_not_taken: 450 Busy"]


def test_send_due_when_it_failed_waits_before_it_tries_again() -> None:
    post = Post(always(NOT_NOW))
    post.add(to(1))
    post.due()
    post.due(RETRY_AFTER[0] - timedelta(microseconds=1))
    assert len(post.tried) == 1
    post.due(timedelta(microseconds=1))
    assert len(post.tried) == 2


@pytest.mark.parametrize("error", [NOT_NOW, SILENT])
def test_send_due_when_every_attempt_failed_gives_up_and_tells_so(error: Unavailable) -> None:
    post = Post(always(error))
    post.add(to(1))
    for wait in (timedelta(0), *RETRY_AFTER):
        assert post.deliveries.types == []
        post.due(max(wait, timedelta(minutes=1)))
    assert post.deliveries.types == ["alert_failed"]
    [fact] = post.deliveries.facts
    assert (fact.attempts, fact.error) == (7, str(error))  # type: ignore[attr-defined]
    post.due(timedelta(days=1))
    assert len(post.tried) == len(RETRY_AFTER) + 1


def test_send_due_when_the_recipient_is_refused_for_good_gives_up_at_once() -> None:
    post = Post(always(Invalid("recipient_refused", "550 No such user")))
    post.add(to(1))
    post.due()
    assert post.deliveries.types == ["alert_failed"]


def test_send_due_when_the_server_is_away_for_a_day_gives_nothing_up_and_sends_each_when_it_is_back() -> None:
    post = Post(always(AWAY))
    post.add(to(1), to(2), to(3))
    for _ in range(24 * 60):
        post.due(timedelta(minutes=1))
    assert post.deliveries.facts == []
    assert 24 * 60 <= len(post.tried) <= 24 * 60 + 2
    post.answer = lambda one: None
    post.due(timedelta(seconds=8))
    assert sorted(post.taken) == sorted(one.recipient for one in post.deliveries.states.values())


def test_send_due_when_a_domain_is_silent_leaves_places_to_the_others() -> None:
    post = Post(later=True)
    post.add(*(to(index, "silent.example", "silent") for index in range(1, 9)))
    post.add(*(to(index) for index in range(11, 14)))
    post.due()
    assert len(post.open) == OF_A_DOMAIN + 3


def test_send_due_when_one_tenant_has_many_leaves_places_to_the_others() -> None:
    post = Post(later=True)
    post.add(*(to(index, f"d{index}.example", "many") for index in range(1, 40)))
    post.add(to(50), to(51))
    post.due()
    assert len(post.open) == OF_A_TENANT + 2


def test_send_due_when_very_much_is_due_has_so_many_at_once() -> None:
    post = Post(later=True)
    post.add(*(to(index, f"d{index}.example", f"t{index}") for index in range(1, 40)))
    post.due()
    assert len(post.open) == AT_ONCE
    for conversation in list(post.open):
        conversation()
    assert len(post.taken) == 39


def test_send_due_when_its_lease_ends_while_it_is_sent_does_not_send_it_twice() -> None:
    post = Post(later=True)
    post.add(to(1))
    post.due()
    post.due(timedelta(hours=1))
    assert len(post.open) == 1


def test_send_due_when_nothing_is_due_does_nothing() -> None:
    post = Post()
    post.due()
    post.add(to(1))
    post.due(timedelta(seconds=-1))
    assert post.tried == []
