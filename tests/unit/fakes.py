"""Stores of the use cases, in memory; to know a command again that came twice is the real store's job."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from approval_service.domain.access import AccessRecord
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.views import as_view
from approval_service.domain.keyring import Keyring
from approval_service.domain.people import Person
from approval_service.domain.policy.policy import Policy
from approval_service.domain.policy.policy import as_view as as_policy_view
from lockbox.contracts.access import AccessRecorded
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import ListBreakGlass, ListQueue
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.events import Changed, Fact
from lockbox.contracts.grant.operations import ListGrants
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller
from lockbox.contracts.keys import KeyList
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.terms import PENDING
from lockbox.errors import NotFound

A = TypeVar("A")


class FakeAggregates(Generic[A]):
    """Aggregates by key, the facts that were written with them, and the acts that they were written for."""

    def __init__(self, **states: A) -> None:
        self.states: dict[str, A] = dict(states)
        self.facts: list[Fact] = []
        self.acts: list[Act] = []

    @property
    def types(self) -> list[str]:
        return [fact.type for fact in self.facts]

    def find(self, key: str) -> A | None:
        return self.states.get(key)

    def create(self, key: str, changed: Changed[A], act: Act) -> A:
        if key not in self.states:
            self._write(key, changed, act)
        return self.states[key]

    def change(self, key: str, act: Act, step: Callable[[A], Changed[A]]) -> A:
        if key not in self.states:
            raise NotFound("not_found", "there is no such thing")
        changed = step(self.states[key])
        if changed.facts:
            self._write(key, changed, act)
        return self.states[key]

    def _write(self, key: str, changed: Changed[A], act: Act) -> None:
        self.states[key] = changed.state
        self.facts += changed.facts
        self.acts.append(act)


class FakeApprovals(FakeAggregates[Approval]):
    """Approvals with their grants, answered for as their readers see them."""

    def create(self, key: str, changed: Changed[Approval], act: Act) -> ApprovalView:  # type: ignore[override]
        return as_view(super().create(key, changed, act))

    def change(self, key: str, act: Act, step: Callable[[Approval], Changed[Approval]]) -> ApprovalView:  # type: ignore[override]
        return as_view(super().change(key, act, step))

    def queue(self, caller: Caller, query: ListQueue) -> tuple[Iterable[Approval], str | None]:
        return [one for one in self.states.values() if one.pending_decision], None

    def opened_by_break_glass(self, caller: Caller, query: ListBreakGlass) -> tuple[Iterable[Approval], str | None]:
        return [one for one in self.states.values() if one.break_glass], None

    def __init__(self, *approvals: Approval) -> None:
        super().__init__(**{approval.request_id: approval for approval in approvals})
        self.asked: list[tuple[Caller, ListGrants]] = []

    def with_grant(self, grant_id: str) -> Approval | None:
        return next((one for one in self.states.values() if one.grant and one.grant.id == grant_id), None)

    def due(self, now: datetime) -> Iterable[str]:
        return [
            key for key, one in self.states.items() if (one.state in PENDING and one.expires_at <= now) or one.grant
        ]

    def grants(self, caller: Caller, query: ListGrants) -> tuple[Iterable[Approval], str | None]:
        self.asked.append((caller, query))
        return [one for one in self.states.values() if one.grant], None

    def revoked(self, now: datetime, since: datetime | None) -> Iterable[str]:
        grants = [one.grant for one in self.states.values() if one.grant]
        ended = (GrantState.REVOKED, GrantState.COMPLETED)
        return [
            grant.id
            for grant in grants
            if grant.state in ended
            and grant.ends_at > now
            and (since is None or cast(datetime, grant.ended_at) >= since)
        ]


class FakePolicies(FakeAggregates[Policy]):
    """Policies by tenant, answered for as their readers see them."""

    def create(self, key: str, changed: Changed[Policy], act: Act) -> PolicyView:  # type: ignore[override]
        return as_policy_view(super().create(key, changed, act))

    def change(self, key: str, act: Act, step: Callable[[Policy], Changed[Policy]]) -> PolicyView:  # type: ignore[override]
        return as_policy_view(super().change(key, act, step))


class FakeDirectory:
    """People by address."""

    def __init__(self, *people: Person) -> None:
        self.people = {person.email: person for person in people}

    def learn(self, person: Person, sequence: int) -> None:
        self.people[person.email] = person

    def of(self, *organisations: str) -> Iterable[Person]:
        return [person for person in self.people.values() if person.organisation in organisations]


class FakeAccesses(FakeAggregates[AccessRecord]):
    """Attempts by their id."""

    def create(self, key: str, changed: Changed[AccessRecord], act: Act) -> AccessRecorded:  # type: ignore[override]
        return AccessRecorded(access_id=super().create(key, changed, act).access_id)

    def create_many(self, changed: Mapping[str, Changed[AccessRecord]], act: Act) -> None:
        for key, one in changed.items():
            self.create(key, one, act)


class FakeKeyrings(FakeAggregates[Keyring]):
    """The keyring, answered for as operators see it."""

    def create(self, key: str, changed: Changed[Keyring], act: Act) -> KeyList:  # type: ignore[override]
        return super().create(key, changed, act).as_list()

    def change(self, key: str, act: Act, step: Callable[[Keyring], Changed[Keyring]]) -> KeyList:  # type: ignore[override]
        return super().change(key, act, step).as_list()


class FakeClock:
    """Says what it is told."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def changed_by(fake: FakeAggregates[Any]) -> list[str]:
    """Who was the cause of what was written."""
    return [act.cause.actor for act in fake.acts]
