from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.builders import NOW, created, event
from tests.unit.notify_service.domain.test_alert import OPENED, REVOKED, granted
from tests.unit.notify_service.fakes import FakeDeliveries, FakeEmailCounts, FakeMembers

from lockbox.contracts.acts import Act
from lockbox.contracts.approval.facts import BreakGlassRequested
from lockbox.contracts.events import Changed, Fact
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.contracts.request.terms import Severity
from lockbox.errors import NotFound, Unavailable
from notify_service import usecases
from notify_service.domain.delivery import RETRY_AFTER, Delivery
from notify_service.domain.digest import EmailPace, digest_of
from notify_service.domain.places import Places
from notify_service.sending import Desk, send_due
from notify_service.usecases import LOOK_AGAIN_AFTER, AlertStores

WINDOW = timedelta(minutes=10)
PACE = EmailPace(3, WINDOW)
MEMBERS = FakeMembers(
    ("alice@contoso.example", "contoso", "customer_approver"),
    ("ann@contoso.example", "contoso", "customer_approver"),
    ("carol@contoso.example", "contoso", "customer_admin"),
    ("frank@fabrikam.example", "fabrikam", "customer_approver"),
    ("victor@vendor.example", "vendor", "vendor_approver"),
)


def alerted(fact: Fact = OPENED, members: FakeMembers = MEMBERS) -> FakeDeliveries:
    deliveries = FakeDeliveries()
    usecases.alert_people(stores(deliveries, members), event(fact), fact, NOW)
    return deliveries


def stores(deliveries: FakeDeliveries, members: FakeMembers = MEMBERS) -> AlertStores:
    return AlertStores(deliveries, members, FakeEmailCounts(), PACE)


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
        usecases.alert_people(stores(deliveries, FakeMembers()), event(OPENED), OPENED, NOW)
    assert failed.value.code == "recipients_unknown"
    assert event(OPENED).id in failed.value.message
    assert deliveries.states == {}


def test_alert_people_when_the_event_comes_twice_tells_each_once() -> None:
    deliveries = alerted()
    usecases.alert_people(stores(deliveries), event(OPENED), OPENED, NOW + timedelta(minutes=1))
    assert len(deliveries.states) == 2


# --- digests -------------------------------------------------------------------------------------------------------

ALICE, ANN = "alice@contoso.example", "ann@contoso.example"


class Rush:
    """Many requests that ask the customer's approvers, and the mail that leaves."""

    def __init__(self) -> None:
        self.deliveries = FakeDeliveries()
        self.stores = stores(self.deliveries)
        self.mails: list[Delivery] = []
        self.fails = False
        self.places = Places()

    def ask(self, *numbers: int, now: datetime = NOW, severity: Severity = Severity.NORMAL) -> None:
        for number in numbers:
            fact = replace(OPENED, request_id=request_id(number), severity=severity)
            usecases.alert_people(self.stores, event(fact, number), fact, now)

    def send(self, delivery: Delivery, answered: Callable[[], None]) -> None:
        if self.fails:
            raise Unavailable("mail_not_taken", "450 Busy")
        self.mails.append(delivery)

    def pass_at(self, now: datetime) -> None:
        """Make digests, and send what is due."""
        usecases.make_digests(self.deliveries, now)
        clock = SimpleNamespace(now=lambda: now, monotonic=lambda: (now - NOW).total_seconds())
        send_due(Desk(self.deliveries, self, self.places, clock, lambda work: work()))

    def at(self, now: datetime) -> list[Delivery]:
        """Return the mails to Alice that leave by this time."""
        self.mails.clear()
        for later in (timedelta(0), LOOK_AGAIN_AFTER, 2 * LOOK_AGAIN_AFTER):
            self.pass_at(now + later)
        return [mail for mail in self.mails if mail.recipient == ALICE]

    def reported(self, recipient: str = ALICE) -> list[str | None]:
        """Return the requests of which an alert to the recipient is on record as sent, or failed."""
        facts: list[Any] = self.deliveries.facts
        return sorted(fact.request_id for fact in facts if fact.recipient == recipient and fact.request_id)


USED = BreakGlassRequested(
    tenant="contoso",
    request_id="00000000-0000-4000-8000-000000000013",
    requester="erin@vendor.example",
    service_request="SR-359423",
    approver="vince@vendor.example",
    comment="All is down.",
)


def request_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def test_alerts_when_forty_come_in_a_moment_are_a_few_emails_and_one_digest_that_names_the_others() -> None:
    rush = Rush()
    rush.ask(*range(1, 41))
    assert [mail.request_id for mail in rush.at(NOW)] == [request_id(number) for number in (1, 2, 3)]
    assert rush.at(NOW + WINDOW - timedelta(seconds=15)) == []
    [digest] = rush.at(NOW + WINDOW)
    assert digest.subject == "Customer Lockbox: 37 more requests for your decision"
    assert sorted(place for _, place in digest.lines) == [f"requests/{request_id(number)}" for number in range(4, 41)]
    assert digest.urgent
    assert rush.reported() == rush.reported(ANN) == [request_id(number) for number in range(1, 41)]
    assert rush.at(NOW + 3 * WINDOW) == []


def test_alerts_when_they_come_slowly_are_emails_of_their_own() -> None:
    rush = Rush()
    for number in range(1, 7):
        rush.ask(number, now=NOW + number * WINDOW / 3)
        assert len(rush.at(NOW + number * WINDOW / 3)) == 1


def test_alerts_when_a_window_is_over_begin_a_new_one() -> None:
    rush = Rush()
    rush.ask(*range(1, 6))
    rush.at(NOW)
    [_digest] = rush.at(NOW + WINDOW)
    rush.ask(*range(6, 11), now=NOW + WINDOW)
    assert len(rush.at(NOW + WINDOW)) == 3
    [digest] = rush.at(NOW + 2 * WINDOW)
    assert len(digest.lines) == 2


def test_alerts_when_critical_or_break_glass_are_sent_at_once_however_many_came() -> None:
    rush = Rush()
    rush.ask(*range(1, 11))
    rush.ask(11, 12, severity=Severity.CRITICAL)
    sent = [mail.request_id for mail in rush.at(NOW)]
    assert sent[3:] == [request_id(11), request_id(12)]
    for number in range(13, 18):
        usecases.alert_people(rush.stores, event(USED, number), USED, NOW)
    rush.at(NOW)
    assert [mail.kind for mail in rush.mails] == 5 * ["break_glass_requested"]


def test_alerts_when_the_event_comes_again_are_counted_once() -> None:
    rush = Rush()
    for _ in range(3):
        rush.ask(1, 2, 3)
    assert len(rush.at(NOW)) == 3


def test_digest_when_the_mail_server_is_away_is_tried_again_and_then_given_up_for_each_alert() -> None:
    rush = Rush()
    rush.ask(*range(1, 6))
    rush.at(NOW)
    rush.fails, now = True, NOW + WINDOW
    for wait in (timedelta(0), *RETRY_AFTER):
        now += wait + 3 * LOOK_AGAIN_AFTER
        assert rush.at(now) == []
    failed = [fact for fact in rush.deliveries.facts if fact.type == "alert_failed"]
    assert {fact.request_id for fact in failed} == {None, request_id(4), request_id(5)}  # type: ignore[attr-defined]
    assert rush.at(now + timedelta(days=1)) == []


@pytest.mark.parametrize("crash", ["before the digest is written", "before the digest is sent", "after it is sent"])
def test_digest_when_the_process_dies_has_each_alert_once(crash: str) -> None:
    rush = Rush()
    rush.ask(*range(1, 11))
    rush.at(NOW)
    deliveries = rush.deliveries
    [first, *_] = [one for one in deliveries.states.values() if one.held_until and one.recipient == ALICE]
    if crash == "before the digest is written":
        deliveries.join(first, request_id(99))
    else:
        [(held, attempt, cause)] = [due for due in deliveries.claim_held(NOW + WINDOW) if due[0].id == first.id]
        usecases._follow_digest(deliveries, held, attempt, Act(cause, NOW + WINDOW))
    if crash == "after it is sent":
        rush.pass_at(NOW + WINDOW)
    mails = [mail for mail in rush.mails if mail.kind == "digest" and mail.recipient == ALICE]
    mails += rush.at(NOW + 2 * WINDOW)
    assert [len(mail.lines) for mail in mails if mail.recipient == ALICE and mail.kind == "digest"] == [7]
    assert rush.reported() == [request_id(number) for number in range(1, 11)]


def test_digest_when_one_joins_after_it_was_written_goes_into_the_next() -> None:
    rush = Rush()
    rush.ask(*range(1, 7))
    rush.at(NOW)
    deliveries = rush.deliveries
    late, *others = [one for one in deliveries.states.values() if one.held_until and one.recipient == ALICE]
    written = digest_of(request_id(99), others)
    deliveries.create(written.id, Changed(written), deliveries.acts[0])
    deliveries.join(late, written.id)
    digests = [mail for mail in rush.at(NOW + WINDOW) + rush.at(NOW + 2 * WINDOW) if mail.kind == "digest"]
    assert sorted(len(mail.lines) for mail in digests) == [1, 2]
    assert rush.reported() == [request_id(number) for number in range(1, 7)]
