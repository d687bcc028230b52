from collections.abc import Callable, Iterator
from typing import Any

import eventlet
import pytest
from structlog.testing import capture_logs

from lockbox.errors import Unavailable
from lockbox.runtime.rpc import broadcast as module
from lockbox.runtime.rpc.broadcast import Broadcast

PATIENCE = 5.0


class Container:
    """Runs what a service container would run."""

    def spawn_managed_thread(self, run: Callable[[], None], identifier: str) -> Any:
        return eventlet.spawn(run)


class Answers:
    """Counts up; while it is told to, it fails."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []
        self.failing = False

    def __call__(self, before: int | None) -> int:
        self.asked.append(before)
        if self.failing:
            raise Unavailable("service_absent", "it is away")
        return len(self.asked)


@pytest.fixture
def broadcast() -> Iterator["Broadcast[int]"]:
    one: Broadcast[int] = Broadcast(pause=0.001)
    one.container = Container()
    one.setup()
    yield one
    one.stop()


@pytest.fixture
def ask() -> Answers:
    return Answers()


def until(true: Callable[[], bool]) -> None:
    with eventlet.Timeout(PATIENCE):
        while not true():
            eventlet.sleep(0.001)


def test_listener_when_it_listens_hears_each_answer_in_turn(broadcast: "Broadcast[int]", ask: Answers) -> None:
    with broadcast.listener(ask) as listener:
        assert [listener.next(PATIENCE) for _ in range(3)] == [1, 2, 3]
    assert ask.asked[:3] == [None, 1, 2]


def test_listeners_when_there_are_many_are_answered_by_one_question(broadcast: "Broadcast[int]", ask: Answers) -> None:
    with broadcast.listener(ask) as one, broadcast.listener(ask) as other:
        assert [one.next(PATIENCE), other.next(PATIENCE)] == [1, 1]


def test_broadcast_when_the_last_listener_leaves_stops_asking(broadcast: "Broadcast[int]", ask: Answers) -> None:
    with broadcast.listener(ask) as listener:
        listener.next(PATIENCE)
    until(lambda: not broadcast._asking)
    asked = len(ask.asked)
    with broadcast.listener(ask) as listener:
        assert listener.next(PATIENCE) == asked + 1
    assert ask.asked[asked] is None


def test_broadcast_when_it_can_not_ask_is_silent_says_so_once_and_goes_on(
    broadcast: "Broadcast[int]", ask: Answers
) -> None:
    ask.failing = True
    with capture_logs() as logs, broadcast.listener(ask) as listener:
        until(lambda: len(ask.asked) > 5)
        assert listener.next(0) is None
        ask.failing = False
        assert listener.next(PATIENCE)
    assert [entry["event"] for entry in logs] == ["broadcast_silent", "broadcast_goes_on"]


def test_broadcast_when_a_question_hangs_gives_it_up_and_asks_again(
    broadcast: "Broadcast[int]", ask: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.01)

    def hangs_once(before: int | None) -> int:
        answer = ask(before)
        if answer == 1:
            eventlet.sleep(10 * PATIENCE)
        return answer

    with broadcast.listener(hangs_once) as listener:
        assert listener.next(PATIENCE) == 2
    assert ask.asked[:2] == [None, None]


def test_listener_when_it_is_too_slow_is_left_behind(broadcast: "Broadcast[int]", ask: Answers) -> None:
    with broadcast.listener(ask) as listener:
        until(lambda: not listener.open)
        assert len(ask.asked) > module.WAITING_AT_MOST


def test_listener_when_there_are_too_many_is_refused(
    broadcast: "Broadcast[int]", ask: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LISTENERS_AT_MOST", 1)
    with broadcast.listener(ask), pytest.raises(Unavailable) as refused, broadcast.listener(ask):
        pass
    assert refused.value.code == "too_many_listeners"


def test_broadcast_when_it_stops_closes_its_listeners_and_opens_none(broadcast: "Broadcast[int]", ask: Answers) -> None:
    with broadcast.listener(ask) as listener:
        broadcast.stop()
        assert not listener.open
        with pytest.raises(Unavailable), broadcast.listener(ask):
            pass
