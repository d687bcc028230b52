"""A receipt counts for a queue of the service that gives it, and for no other."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from lockbox.runtime.events.listeners import ListenerReceipts

QUEUE = "approval_service.on_request_created.v1"


class Ledger:
    """A ledger that keeps what it is told."""

    def __init__(self) -> None:
        self.received: list[tuple[str, list[str]]] = []
        self.put_off_ids: list[str] = []

    def receive(self, queue: str, ids: list[str]) -> None:
        self.received.append((queue, ids))

    def with_ids(self, ids: Any) -> list[dict[str, Any]]:
        return [{"_id": event_id} for event_id in ids if event_id != "unknown"]

    def put_off(self, events: list[dict[str, Any]], _now: object, _field: str) -> None:
        self.put_off_ids += [event["_id"] for event in events]


@pytest.fixture
def receipts() -> Any:
    made: Any = ListenerReceipts()
    made._published = Ledger()
    made.published_again = []
    made.asked = 0
    made.reconciler = SimpleNamespace(
        publish=made.published_again.extend, ask_soon=lambda: setattr(made, "asked", made.asked + 1)
    )
    made.acknowledged = []
    made.queue_consumer = SimpleNamespace(ack=made.acknowledged.append)
    return made


def answer(service: str, **body: Any) -> Any:
    return SimpleNamespace(delivery_info={"exchange": f"{service}.reconcile"}, body=json.dumps(body).encode())


def test_answer_when_events_are_received_adds_receipts_and_publishes_the_missing_ones_again(receipts: Any) -> None:
    receipts.handle_message(answer("approval_service", queue=QUEUE, received=["a"], missing=["b", "unknown"]))
    assert receipts._published.received == [(QUEUE, ["a"])]
    assert receipts.published_again == [{"_id": "b"}]
    assert receipts._published.put_off_ids == ["b"]
    assert len(receipts.acknowledged) == 1


@pytest.mark.parametrize(
    "forged",
    [
        answer("notify_service", queue=QUEUE, received=["a"], missing=["b"]),
        answer("approval_service", queue=QUEUE),
        answer("approval_service"),
        SimpleNamespace(delivery_info={"exchange": "approval_service.reconcile"}, body=b"\xff"),
        SimpleNamespace(delivery_info={"exchange": "approval_service.reconcile"}, body=b"[]"),
    ],
)
def test_answer_when_it_is_anothers_or_can_not_be_read_changes_nothing(receipts: Any, forged: Any) -> None:
    receipts.handle_message(forged)
    assert (receipts._published.received, receipts.published_again) == ([], [])
    assert receipts.acknowledged == [forged]


def test_answer_when_a_service_asks_for_its_events_begins_a_round(receipts: Any) -> None:
    receipts.handle_message(answer("approval_service", again=True))
    assert receipts.asked == 1
