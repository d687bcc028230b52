"""Copies of messages: the headers that they keep, and that a message counts as parked once its copy is safe."""

from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from lockbox.runtime.broker import redelivery
from lockbox.runtime.broker.publisher import Message, PublishError
from lockbox.runtime.broker.redelivery import LONGEST_HEADER, CopyPublisher
from lockbox.runtime.broker.topology import SubscriptionTopology

TOPOLOGY = SubscriptionTopology("tests_service", "on_copied", ())
LARGEST_HEADERS = 16_384


class Broker:
    """Takes copies, or does not, and has the originals acknowledged or given back."""

    def __init__(self, takes: bool) -> None:
        self.takes = takes
        self.copies: list[Message] = []
        self.acknowledged: list[object] = []
        self.given_back: list[object] = []

    def publish(self, messages: list[Message]) -> set[str]:
        if not self.takes:
            raise PublishError("no")
        self.copies += messages
        return {message.id for message in messages}

    def ack(self, message: object) -> None:
        self.acknowledged.append(message)

    def requeue(self, message: object) -> None:
        self.given_back.append(message)


def publisher(broker: Broker) -> CopyPublisher:
    copies = CopyPublisher()
    copies._publisher = copies.queue_consumer = broker  # type: ignore[assignment]
    return copies


def message(**headers: Any) -> Any:
    return SimpleNamespace(
        body=b"{}", properties={"message_id": "1"}, headers=headers, delivery_info={"exchange": "tests_service.events"}
    )


def parked() -> float:
    return REGISTRY.get_sample_value("lockbox_parked_total", {"queue": TOPOLOGY.name}) or 0.0


def test_park_when_the_headers_are_large_keeps_the_known_ones_cut() -> None:
    broker = Broker(takes=True)
    headers = {"x-lockbox-replayed": "r" * 130_000, "x-lockbox-junk": "j" * 130_000, "other": "o"}
    publisher(broker).park(message(**headers), TOPOLOGY, "reason " * 10_000)
    [copy] = broker.copies
    assert copy.headers["x-lockbox-replayed"] == "r" * LONGEST_HEADER
    assert copy.headers["x-lockbox-origin"] == "tests_service.events"
    assert not {"x-lockbox-junk", "other"} & copy.headers.keys()
    assert len(str(copy.headers)) < LARGEST_HEADERS


def test_park_when_the_origin_in_a_header_is_large_cuts_it() -> None:
    broker = Broker(takes=True)
    again = message(**{"x-lockbox-origin": "o" * 130_000})
    again.delivery_info["exchange"] = TOPOLOGY.redelivers
    publisher(broker).park(again, TOPOLOGY, "no reason")
    assert broker.copies[0].headers["x-lockbox-origin"] == "o" * LONGEST_HEADER


def test_park_when_the_copy_is_safe_counts_it_and_says_so() -> None:
    broker, before = Broker(takes=True), parked()
    with structlog.testing.capture_logs() as lines:
        publisher(broker).park(message(), TOPOLOGY, "no reason")
    assert [line["event"] for line in lines] == ["message_parked"]
    assert parked() == before + 1
    assert len(broker.acknowledged) == 1


def test_park_when_the_copy_is_not_safe_counts_nothing_and_gives_the_message_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redelivery, "HOLD_SECONDS", 0)
    broker, before = Broker(takes=False), parked()
    with structlog.testing.capture_logs() as lines:
        publisher(broker).park(message(), TOPOLOGY, "no reason")
    assert [line["event"] for line in lines] == ["copy_failed"]
    assert parked() == before
    assert (broker.acknowledged, len(broker.given_back)) == ([], 1)
