from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.unit.builders import NOW, created, event
from tests.unit.fakes import FakeClock
from tests.unit.notify_service.domain.test_alert import OPENED, REVOKED, granted
from tests.unit.notify_service.fakes import FakeDeliveries, FakeMembers

from lockbox.contracts.events import Fact
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.errors import NotFound, Unavailable
from notify_service import usecases
from notify_service.domain.delivery import RETRY_AFTER, Delivery


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
            ("contoso", ("customer_admin",), 4),
        ),
        (MemberAdded(tenant=None, email="a@b", roles=("operator",)), ("vendor", ("operator",), 4)),
        (MemberChanged(tenant="contoso", email="a@b", roles=()), ("contoso", (), 4)),
        (MemberRemoved(tenant="contoso", email="a@b"), ("contoso", (), 4)),
    ],
)
def test_learn_member_when_an_event_comes_stores_the_roles(
    fact: MemberAdded | MemberChanged | MemberRemoved, learnt: object
) -> None:
    members = FakeMembers()
    usecases.learn_member(members, event(fact, sequence=4), fact)
    assert members.known == {"a@b": learnt}


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
def test_alert_people_when_the_event_has_no_audience_creates_no_delivery(fact: Fact) -> None:
    assert recipients(alerted(fact, FakeMembers())) == []


def test_alert_people_when_no_recipient_is_known_yet_is_to_be_tried_again() -> None:
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
