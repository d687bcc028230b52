"""Promises that each store of aggregates keeps."""

from datetime import timedelta
from typing import Any

import pytest

from lockbox.contracts import wire
from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed
from lockbox.errors import Conflict, NotFound
from tests.unit.builders import CORRELATION_ID, NOW

SOON = NOW + timedelta(minutes=5)
CAUSE = Cause("erin@vendor.example", CORRELATION_ID)


def act(key: str | None = None, digest: str = "one body", now: Any = NOW) -> Act:
    return Act(CAUSE, now, key, digest if key else None)


class AggregatesSuite:
    """The promises for two aggregates, `first` and `second`, with the keys `a` and `b`, and a step with facts."""

    noun: str
    answers: type[Any]
    a, b = "a", "b"
    first: Changed[Any]
    second: Changed[Any]

    def step(self, state: Any) -> Changed[Any]:
        raise NotImplementedError

    def view(self, state: Any) -> Any:
        return state

    def shown(self, answer: Any) -> Any:
        """Return an answer as it is sent: the first may be a kind with more fields than those after it."""
        return wire.encode(answer, self.answers)

    def test_find_when_nothing_is_there_gives_none(self, store: Any) -> None:
        assert store.find(self.a) is None

    def test_create_when_new_gives_the_view_and_is_found(self, store: Any) -> None:
        assert self.shown(store.create(self.a, self.first, act())) == self.shown(self.view(self.first.state))
        assert store.find(self.a) == self.first.state
        assert store.find(self.b) is None

    def test_create_when_the_id_is_there_changes_nothing(self, store: Any) -> None:
        store.create(self.a, self.first, act())
        assert self.shown(store.create(self.a, self.second, act())) == self.shown(self.view(self.first.state))
        assert store.find(self.a) == self.first.state

    def test_create_when_the_same_command_comes_again_gives_the_same_answer(self, store: Any) -> None:
        answer = store.create(self.a, self.first, act("key"))
        assert self.shown(store.create(self.b, self.second, act("key"))) == self.shown(answer)
        assert store.find(self.b) is None

    def test_create_when_the_key_comes_with_another_body_conflicts(self, store: Any) -> None:
        store.create(self.a, self.first, act("key"))
        with pytest.raises(Conflict) as refused:
            store.create(self.b, self.second, act("key", "another body"))
        assert refused.value.code == "idempotency_key_reused"
        assert store.find(self.b) is None

    def test_change_when_there_is_nothing_of_this_id_says_not_found(self, store: Any) -> None:
        with pytest.raises(NotFound) as refused:
            store.change(self.a, act(), self.step)
        assert (refused.value.code, refused.value.message) == (
            f"{self.noun}_not_found",
            f"there is no such {self.noun}",
        )

    def test_change_when_the_step_has_facts_keeps_its_state(self, store: Any) -> None:
        store.create(self.a, self.first, act())
        changed = self.step(self.first.state)
        assert changed.state != self.first.state
        assert self.shown(store.change(self.a, act(), self.step)) == self.shown(self.view(changed.state))
        assert store.find(self.a) == changed.state

    def test_change_when_the_step_has_no_facts_changes_nothing(self, store: Any) -> None:
        store.create(self.a, self.first, act())
        assert self.shown(store.change(self.a, act("key"), lambda state: Changed(state))) == self.shown(
            self.view(self.first.state)
        )
        assert self.shown(store.change(self.a, act("key"), self.step)) == self.shown(
            self.view(self.step(self.first.state).state)
        )

    def test_change_when_the_step_refuses_changes_nothing(self, store: Any) -> None:
        store.create(self.a, self.first, act())

        def refuse(_: Any) -> Changed[Any]:
            raise Conflict("no", "no")

        with pytest.raises(Conflict):
            store.change(self.a, act("key"), refuse)
        assert store.find(self.a) == self.first.state
        assert self.shown(store.change(self.a, act("key"), self.step)) == self.shown(
            self.view(self.step(self.first.state).state)
        )

    def test_change_when_the_same_command_comes_again_gives_the_same_answer(self, store: Any) -> None:
        store.create(self.a, self.first, act())
        answer = store.change(self.a, act("key"), self.step)
        after = store.find(self.a)
        assert self.shown(store.change(self.a, act("key", now=SOON), self.step)) == self.shown(answer)
        assert store.find(self.a) == after

    def test_change_when_the_key_comes_with_another_body_conflicts(self, store: Any) -> None:
        store.create(self.a, self.first, act())
        store.change(self.a, act("key"), self.step)
        with pytest.raises(Conflict) as refused:
            store.change(self.a, act("key", "another body"), self.step)
        assert refused.value.code == "idempotency_key_reused"

    def test_change_when_the_key_was_used_on_another_conflicts(self, store: Any) -> None:
        store.create(self.a, self.first, act())
        store.create(self.b, self.second, act("key"))
        with pytest.raises(Conflict):
            store.change(self.a, act("key"), self.step)
        assert store.find(self.a) == self.first.state
