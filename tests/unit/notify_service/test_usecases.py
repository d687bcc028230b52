from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import pytest
from tests.unit.builders import NOW, REQUEST_ID, created, event
from tests.unit.fakes import FakeAggregates, FakeClock
from tests.unit.notify_service.domain.test_alert import OPENED, REVOKED, granted

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed, Event, Fact
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.errors import NotFound, Unavailable
from notify_service import usecases
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import RETRY_AFTER, Delivery, DeliveryState


class FakeMembers:
    """Addresses by organisation and role."""

    def __init__(self, *known: tuple[str, str, str]) -> None:
        self.known = known
        self.learnt: list[tuple[str, str, tuple[str, ...], int]] = []

    def learn(self, email: str, organisation: str, roles: Iterable[str], event: Event) -> None:
        self.learnt.append((email, organisation, tuple(roles), event.sequence))

    def addresses(self, audience: Audience) -> Iterable[str]:
        if audience.organisation is None:
            return audience.emails
        there = [(email, role) for email, where, role in self.known if where == audience.organisation]
        return [email for email, role in there if role in audience.roles or email in audience.emails]


class FakeDeliveries(FakeAggregates[Delivery]):
    """Deliveries, with when each is tried next."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts: dict[str, int] = {}
        self.next_at: dict[str, datetime] = {}
        self.errors: list[str] = []

    def create(self, key: str, changed: Changed[Delivery], act: Act) -> Delivery:
        self.next_at.setdefault(key, act.now)
        return super().create(key, changed, act)

    def claim_due(self, now: datetime) -> Iterator[tuple[Delivery, int, Cause]]:
        for key, delivery in list(self.states.items()):
            if delivery.state == DeliveryState.PENDING and self.next_at[key] <= now:
                self.attempts[key] = self.attempts.get(key, 0) + 1
                yield delivery, self.attempts[key], Cause("notify_service", REQUEST_ID)

    def postpone(self, key: str, until: datetime, error: str) -> None:
        self.next_at[key] = until
        self.errors.append(error)


class FakeMailer:
    """Takes mail, except for whom it does not."""

    def __init__(self, refuses: Callable[[str], bool] = lambda recipient: False) -> None:
        self.refuses = refuses
        self.taken: list[str] = []
        self.tried: list[str] = []

    def send(self, delivery: Delivery) -> None:
        self.tried.append(delivery.recipient)
        if self.refuses(delivery.recipient):
            raise Unavailable("mail_server_unavailable", "connection refused")
        self.taken.append(delivery.recipient)


MEMBERS = FakeMembers(
    ("alice@contoso.example", "contoso", "customer_approver"),
    ("ann@contoso.example", "contoso", "customer_approver"),
    ("carol@contoso.example", "contoso", "customer_admin"),
    ("frank@fabrikam.example", "fabrikam", "customer_approver"),
    ("victor@vendor.example", "vendor", "vendor_approver"),
)


def alerted(fact: Fact = OPENED, members: FakeMembers = MEMBERS) -> FakeDeliveries:
    deliveries = FakeDeliveries()
    usecases.alert_people(deliveries, members, event(fact), fact, NOW)
    return deliveries


# --- members -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "learnt"),
    [
        (
            MemberAdded(tenant="contoso", email="a@b", roles=("customer_admin",)),
            ("a@b", "contoso", ("customer_admin",), 4),
        ),
        (MemberAdded(tenant=None, email="a@b", roles=("operator",)), ("a@b", "vendor", ("operator",), 4)),
        (MemberChanged(tenant="contoso", email="a@b", roles=()), ("a@b", "contoso", (), 4)),
        (MemberRemoved(tenant="contoso", email="a@b"), ("a@b", "contoso", (), 4)),
    ],
)
def test_learn_member_when_told_notes_who_has_which_roles(
    fact: MemberAdded | MemberChanged | MemberRemoved, learnt: object
) -> None:
    members = FakeMembers()
    usecases.learn_member(members, event(fact, sequence=4), fact)
    assert members.learnt == [learnt]


# --- alerting ------------------------------------------------------------------------------------------------------


def recipients(deliveries: FakeDeliveries) -> list[str]:
    return [delivery.recipient for delivery in deliveries.states.values()]


def test_alert_people_when_an_approval_is_needed_tells_each_approver_of_that_tenant() -> None:
    deliveries = alerted()
    assert recipients(deliveries) == ["alice@contoso.example", "ann@contoso.example"]
    assert {act.cause for act in deliveries.acts} == {event(OPENED).cause("notify_service")}
    assert deliveries.facts == []


def test_alert_people_when_access_opened_without_approval_tells_administrators_too() -> None:
    told = recipients(alerted(granted(require_approval=False)))
    assert told == ["alice@contoso.example", "ann@contoso.example", "carol@contoso.example"]


def test_alert_people_when_there_is_an_outcome_tells_the_requester_alone() -> None:
    assert recipients(alerted(REVOKED)) == ["erin@vendor.example"]


@pytest.mark.parametrize("fact", [created(), granted()])
def test_alert_people_when_it_concerns_nobody_tells_nobody(fact: Fact) -> None:
    assert recipients(alerted(fact, FakeMembers())) == []


def test_alert_people_when_nobody_is_known_yet_is_to_be_tried_again() -> None:
    deliveries = FakeDeliveries()
    with pytest.raises(NotFound) as failed:
        usecases.alert_people(deliveries, FakeMembers(), event(OPENED), OPENED, NOW)
    assert failed.value.code == "recipients_unknown"
    assert event(OPENED).id in failed.value.message
    assert deliveries.states == {}


def test_alert_people_when_the_event_comes_twice_tells_each_once() -> None:
    deliveries = alerted()
    usecases.alert_people(deliveries, MEMBERS, event(OPENED), OPENED, NOW + timedelta(minutes=1))
    assert len(deliveries.states) == 2


# --- sending -------------------------------------------------------------------------------------------------------


def send(deliveries: FakeDeliveries, mailer: FakeMailer, now: datetime = NOW) -> None:
    usecases.send_due(deliveries, mailer, FakeClock(now))


def test_send_due_when_the_server_takes_it_is_sent_once() -> None:
    deliveries, mailer = alerted(), FakeMailer()
    send(deliveries, mailer)
    send(deliveries, mailer, NOW + timedelta(hours=1))
    assert mailer.taken == ["alice@contoso.example", "ann@contoso.example"]
    assert deliveries.types == ["alert_sent", "alert_sent"]
    assert {act.cause.actor for act in deliveries.acts} == {"notify_service"}


def test_send_due_when_one_fails_sends_the_others() -> None:
    deliveries, mailer = alerted(), FakeMailer(lambda recipient: recipient.startswith("alice"))
    send(deliveries, mailer)
    assert mailer.taken == ["ann@contoso.example"]
    assert deliveries.errors == ["mail_server_unavailable: connection refused"]


def test_send_due_when_it_failed_waits_before_it_tries_again() -> None:
    deliveries, mailer = alerted(REVOKED), FakeMailer(lambda recipient: True)
    send(deliveries, mailer)
    send(deliveries, mailer, NOW + RETRY_AFTER[0] - timedelta(microseconds=1))
    assert len(mailer.tried) == 1
    send(deliveries, mailer, NOW + RETRY_AFTER[0])
    assert len(mailer.tried) == 2


def test_send_due_when_the_server_comes_back_sends_it_after_all() -> None:
    deliveries, mailer = alerted(REVOKED), FakeMailer(lambda recipient: len(mailer.tried) < 3)
    now = NOW
    for wait in (timedelta(0), *RETRY_AFTER):
        now += wait
        send(deliveries, mailer, now)
    assert mailer.taken == ["erin@vendor.example"]
    assert deliveries.types == ["alert_sent"]


def test_send_due_when_every_attempt_failed_gives_up_and_tells_so() -> None:
    deliveries, mailer = alerted(REVOKED), FakeMailer(lambda recipient: True)
    now = NOW
    for wait in (timedelta(0), *RETRY_AFTER):
        assert deliveries.types == []
        now += wait
        send(deliveries, mailer, now)
    assert deliveries.types == ["alert_failed"]
    [fact] = deliveries.facts
    assert (fact.attempts, fact.error) == (7, "mail_server_unavailable: connection refused")  # type: ignore[attr-defined]
    send(deliveries, mailer, now + timedelta(days=1))
    assert len(mailer.tried) == len(RETRY_AFTER) + 1


def test_send_due_when_nothing_is_due_does_nothing() -> None:
    mailer = FakeMailer()
    send(FakeDeliveries(), mailer)
    send(alerted(), mailer, NOW - timedelta(seconds=1))
    assert mailer.tried == []
