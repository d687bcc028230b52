from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from tests.unit.builders import EVENT_ID, REQUEST_ID

from lockbox.contracts.alert import AlertFailed, AlertSent
from notify_service.domain.alert import Alert, Audience
from notify_service.domain.delivery import RETRY_AFTER, Delivery, DeliveryState

ALERT = Alert(
    kind="approval_needed",
    audience=Audience(emails=("alice@contoso.example",)),
    tenant="contoso",
    request_id=REQUEST_ID,
    subject="Decide",
    introduction="An engineer asks.",
    lines=(("Service request", "SR-359423"),),
    link_text="Review",
    urgent=True,
)
DELIVERY = Delivery.of(EVENT_ID, ALERT, "alice@contoso.example")


def test_delivery_when_of_an_alert_says_the_same() -> None:
    assert (DELIVERY.recipient, DELIVERY.kind, DELIVERY.tenant) == (
        "alice@contoso.example",
        "approval_needed",
        "contoso",
    )
    assert (DELIVERY.subject, DELIVERY.introduction, DELIVERY.lines) == (ALERT.subject, ALERT.introduction, ALERT.lines)
    assert (DELIVERY.link_text, DELIVERY.urgent, DELIVERY.request_id) == ("Review", True, REQUEST_ID)
    assert DELIVERY.state == DeliveryState.PENDING


def test_delivery_when_made_again_is_the_same() -> None:
    assert Delivery.of(EVENT_ID, ALERT, "alice@contoso.example") == DELIVERY
    assert UUID(DELIVERY.id).version == 5


def test_delivery_when_the_event_or_the_recipient_differs_is_another() -> None:
    others = [
        Delivery.of(REQUEST_ID, ALERT, "alice@contoso.example"),
        Delivery.of(EVENT_ID, ALERT, "ann@contoso.example"),
    ]
    assert len({DELIVERY.id, *(other.id for other in others)}) == 3


def test_message_id_when_tried_again_is_the_same() -> None:
    assert DELIVERY.message_id == f"<{DELIVERY.id}@lockbox.invalid>"
    assert DELIVERY.sent().state.message_id == DELIVERY.message_id


def test_sent_when_it_was_waiting_tells_so() -> None:
    changed = DELIVERY.sent()
    assert changed.state == replace(DELIVERY, state=DeliveryState.SENT)
    assert changed.facts == (
        AlertSent(
            tenant="contoso",
            alert_id=DELIVERY.id,
            request_id=REQUEST_ID,
            alert="approval_needed",
            channel="email",
            recipient="alice@contoso.example",
            message_id=DELIVERY.message_id,
        ),
    )


def test_failed_when_it_was_waiting_tells_why_and_after_how_many_attempts() -> None:
    changed = DELIVERY.failed("connection refused", 7)
    assert changed.state.state == DeliveryState.FAILED
    [fact] = changed.facts
    assert isinstance(fact, AlertFailed)
    assert (fact.error, fact.attempts, fact.recipient) == ("connection refused", 7, "alice@contoso.example")


def test_failed_when_the_error_is_long_tells_its_beginning() -> None:
    [fact] = DELIVERY.failed("x" * 10_000, 7).facts
    assert isinstance(fact, AlertFailed)
    assert fact.error == "x" * 500


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.FAILED])
def test_delivery_when_it_is_over_changes_no_more(state: DeliveryState) -> None:
    over = replace(DELIVERY, state=state)
    for changed in (over.sent(), over.failed("late", 8)):
        assert (changed.state, changed.facts) == (over, ())


def test_retries_when_planned_come_later_each_time_and_within_the_life_of_a_request() -> None:
    assert list(RETRY_AFTER) == sorted(set(RETRY_AFTER))
    assert sum(RETRY_AFTER, timedelta(0)) < timedelta(hours=12)
