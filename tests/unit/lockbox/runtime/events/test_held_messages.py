"""Messages that are held while MongoDB is away: those of a lost channel are let go, and come again by themselves."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from lockbox.runtime.events import batches, subscription
from lockbox.runtime.events.batches import EveryEvent
from lockbox.runtime.events.holding import Holding
from lockbox.runtime.events.subscription import Subscription

ABSENT = (AutoReconnect, AutoReconnect("gone"), None)


class Named(str):
    """An event, as far as its receipt needs it."""

    source, id = "tests_service", "an-event"


@dataclass
class Consumer:
    """The messages of open channels, those acknowledged, and those given back."""

    open: set[str] = field(default_factory=set)
    acknowledged: list[str] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)

    def in_hand(self, message: str) -> bool:
        return message in self.open

    def ack(self, *messages: str) -> None:
        self.acknowledged += messages

    def requeue(self, message: str) -> None:
        self.given_back.append(message)


@dataclass
class Container:
    """Runs each worker at once: `outcomes` are the results to come, of which the last one stays."""

    outcomes: list[Any]
    stopping: bool = False
    calls: list[Any] = field(default_factory=list)

    def spawn_worker(self, _entrypoint: object, arguments: Any, _: object, handle_result: Callable[..., Any]) -> None:
        self.calls.append(arguments)
        outcome = self.outcomes[0] if len(self.outcomes) == 1 else self.outcomes.pop(0)
        result = [None] * len(arguments[0]) if outcome is None else None
        handle_result(None, result, outcome() if callable(outcome) else outcome)

    def spawn_managed_thread(self, run: Callable[[], None]) -> None:
        run()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (subscription, batches):
        monkeypatch.setattr(module, "HOLD_SECONDS", 0)


def made(kind: type[Any], consumer: Consumer, container: Container) -> Any:
    entrypoint = kind()
    entrypoint.queue_consumer, entrypoint.container = consumer, container
    entrypoint.holding = Holding("tests_service.on_held.v1")
    entrypoint.topology = SimpleNamespace(name="tests_service.on_held.v1")
    entrypoint._gathered, entrypoint._in_hand, entrypoint._stopping = deque(), 0, False
    return entrypoint


def test_message_when_mongodb_is_away_is_tried_until_it_is_back() -> None:
    consumer, container = Consumer({"a"}), Container([ABSENT, ABSENT, None])
    entrypoint = made(Subscription, consumer, container)
    entrypoint._work("a", (Named("event"),))
    assert len(container.calls) == 3
    assert consumer.acknowledged == ["a"]
    assert not entrypoint.holding


def test_message_when_its_channel_is_lost_is_let_go() -> None:
    consumer, container = Consumer(set()), Container([ABSENT])
    entrypoint = made(Subscription, consumer, container)
    entrypoint._work("a", ("event",))
    assert len(container.calls) == 1
    assert consumer.given_back == ["a"]
    assert not entrypoint.holding


def test_batch_when_channels_are_lost_lets_its_messages_and_those_behind_it_go() -> None:
    consumer = Consumer({"a", "b"})

    def lose_a() -> Any:
        consumer.open.discard("a")
        return ABSENT

    container = Container([lose_a, None])
    entrypoint = made(EveryEvent, consumer, container)
    entrypoint._gathered.extend([("lost", ("event", b"")), ("b", ("event", b""))])
    entrypoint._in_hand = 4
    entrypoint._deliver([("a", ("event", b"")), ("b", ("event", b""))])
    assert [len(arguments[0]) for arguments in container.calls] == [2, 1]
    assert (consumer.acknowledged, consumer.given_back) == (["b"], ["a", "lost"])
    assert [message for message, _ in entrypoint._gathered] == ["b"]
    assert entrypoint._in_hand == 1
    assert not entrypoint.holding


def test_batch_when_all_its_channels_are_lost_ends() -> None:
    consumer, container = Consumer(), Container([ABSENT])
    entrypoint = made(EveryEvent, consumer, container)
    entrypoint._in_hand = 1
    entrypoint._deliver([("a", ("event", b""))])
    assert consumer.given_back == ["a"]
    assert entrypoint._in_hand == 0
