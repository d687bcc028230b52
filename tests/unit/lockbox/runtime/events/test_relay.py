"""The relay publishes at once and acknowledges together; broker and outbox are stand-ins."""

import time
from collections.abc import Sequence
from typing import Any, cast

import pytest
from pymongo.errors import PyMongoError

from lockbox.runtime.broker.publisher import Message, PublishError
from lockbox.runtime.events.relay import ACKNOWLEDGE_SECONDS, Relay
from lockbox.runtime.storage.outbox import Entry


def entry(number: int) -> Entry:
    return Entry("things", f"thing-{number}", f"event-{number}", 1, "moved", "{}")


class Broker:
    """Takes every message, or is away."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.away = False

    def publish(self, messages: Sequence[Message]) -> set[str]:
        if self.away:
            raise PublishError("away")
        self.taken += [message.id for message in messages]
        return {message.id for message in messages}


class Outbox:
    """Keeps what was acknowledged, or is away."""

    def __init__(self) -> None:
        self.acknowledged: list[list[str]] = []
        self.away = False

    def acknowledge(self, published: Sequence[Entry], _now: Any) -> None:
        if self.away:
            raise PyMongoError("away")
        if published:
            self.acknowledged.append(sorted(one.event_id for one in published))


@pytest.fixture
def relay() -> Relay:
    relay = Relay()
    relay._publisher, relay._outbox = cast(Any, Broker()), cast(Any, Outbox())
    relay._poll_at = time.monotonic() + 60
    relay.container = cast(Any, type("Container", (), {"service_name": "tests"}))
    return relay


def test_relay_when_events_are_offered_publishes_each_at_once_and_acknowledges_them_together(relay: Any) -> None:
    for number in (1, 2):
        relay.offer([entry(number)])
        relay._cycle()
    assert relay._publisher.taken == ["event-1", "event-2"]
    assert relay._outbox.acknowledged == []
    began = time.monotonic()
    relay._cycle()
    assert relay._outbox.acknowledged == [["event-1", "event-2"]]
    assert time.monotonic() - began < ACKNOWLEDGE_SECONDS + 1


def test_relay_when_it_stops_publishes_and_acknowledges_what_was_offered(relay: Any) -> None:
    relay.offer([entry(1)])
    relay._stopping = True
    relay._run()
    assert relay._outbox.acknowledged == [["event-1"]]


def test_relay_when_the_broker_is_away_acknowledges_nothing(relay: Any) -> None:
    relay._publisher.away = relay._stopping = True
    relay.offer([entry(1)])
    relay._run()
    assert relay._outbox.acknowledged == []


def test_relay_when_the_database_is_away_leaves_the_events_to_be_found_again(relay: Any) -> None:
    relay.offer([entry(1)])
    relay._cycle()
    relay._outbox.away = True
    relay._cycle()
    relay._outbox.away = False
    relay.offer([entry(2)])
    relay._cycle()
    relay._cycle()
    assert relay._outbox.acknowledged == [["event-2"]]
