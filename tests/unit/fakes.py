"""Stores of the use cases, in memory; `tests/stores` holds them to the promises of the real ones."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from approval_service.domain.access import AccessRecord
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.views import as_view
from approval_service.domain.grant import Grant
from approval_service.domain.keyring import Keyring
from approval_service.domain.people import Person
from approval_service.domain.policy.policy import Policy
from approval_service.domain.policy.policy import as_view as as_policy_view
from lockbox.contracts.access import AccessRecorded, RefusedAccess
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
from lockbox.errors import Conflict, NotFound

A = TypeVar("A")


class FakeAggregates(Generic[A]):
    """Aggregates by key, the facts that were written with them, and the acts that they were written for."""

    noun = "thing"

    def __init__(self, **states: A) -> None:
        self.states: dict[str, A] = dict(states)
        self.facts: list[Fact] = []
        self.acts: list[Act] = []
        self._answers: dict[str, tuple[str, str | None, Any]] = {}

    @property
    def types(self) -> list[str]:
        return [fact.type for fact in self.facts]

    def view(self, key: str, state: A) -> Any:
        """Return the answer to a command; the aggregate itself, unless a store answers otherwise."""
        return state

    def find(self, key: str) -> A | None:
        return self.states.get(key)

    def answered(self, act: Act) -> Any:
        return self._answer(act) if act.key in self._answers else None

    def create(self, key: str, changed: Changed[A], act: Act) -> A:
        if act.key in self._answers:
            return cast(A, self._answer(act))
        if key not in self.states:
            return self._write(key, changed, act)
        return cast(A, self.view(key, self.states[key]))

    def change(self, key: str, act: Act, step: Callable[[A], Changed[A]]) -> A:
        if key not in self.states:
            raise NotFound(f"{self.noun}_not_found", f"there is no such {self.noun}")
        if act.key in self._answers and self._answers[act.key][0] == key:
            return cast(A, self._answer(act))
        changed = step(self.states[key])
        if not changed.facts:
            return cast(A, self.view(key, changed.state))
        if act.key in self._answers:
            raise Conflict("idempotency_key_reused", "this Idempotency-Key was used for another request body")
        return self._write(key, changed, act)

    def _answer(self, act: Act) -> Any:
        _, digest, answer = self._answers[cast(str, act.key)]
        if digest != act.digest:
            raise Conflict("idempotency_key_reused", "this Idempotency-Key was used for another request body")
        return answer

    def _write(self, key: str, changed: Changed[A], act: Act) -> A:
        self.states[key] = changed.state
        self.facts += changed.facts
        self.acts.append(act)
        answer = self.view(key, changed.state)
        if act.key is not None:
            self._answers[act.key] = (key, act.digest, answer)
        return cast(A, answer)


class FakeApprovals(FakeAggregates[Approval]):
    """Approvals with their grants, answered for as their readers see them."""

    noun = "request"

    def __init__(self, *approvals: Approval) -> None:
        super().__init__(**{approval.request_id: approval for approval in approvals})
        self.asked: list[tuple[Caller, ListGrants]] = []

    def view(self, key: str, state: Approval) -> ApprovalView:
        return as_view(state)

    def queue(self, caller: Caller, query: ListQueue) -> tuple[Iterable[Approval], str | None]:
        waiting = [one for one in self._seen(caller) if one.requester != caller.email and _waits_for(one, caller)]
        return sorted(waiting, key=lambda one: (_until(one), one.request_id))[: query.limit], None

    def opened_by_break_glass(self, caller: Caller, query: ListBreakGlass) -> tuple[Iterable[Approval], str | None]:
        found = [
            one
            for one in self._seen(caller)
            if one.break_glass
            and one.break_glass.opened_at
            and query.tenant in (None, one.tenant)
            and query.acknowledged in (None, one.break_glass.acknowledged_at is not None)
        ]
        return sorted(found, key=lambda one: (cast(Any, one.break_glass).opened_at, one.request_id), reverse=True), None

    def with_grant(self, grant_id: str) -> Approval | None:
        return next((one for one in self.states.values() if one.grant and one.grant.id == grant_id), None)

    def grants_by_id(self, grant_ids: Iterable[str]) -> Mapping[str, Grant]:
        wanted = set(grant_ids)
        return {one.grant.id: one.grant for one in self.states.values() if one.grant and one.grant.id in wanted}

    def due(self, now: datetime) -> Iterable[str]:
        return [key for key, one in self.states.items() if _due(one, now)]

    def grants(self, caller: Caller, query: ListGrants) -> tuple[Iterable[Approval], str | None]:
        self.asked.append((caller, query))
        found = [one for one in self._seen(caller) if one.grant and query.tenant in (None, one.tenant)]
        found = [one for one in found if query.state in (None, one.granted().state)]
        return sorted(found, key=lambda one: (one.granted().granted_at, one.request_id), reverse=True), None

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

    def _seen(self, caller: Caller) -> list[Approval]:
        return [one for one in self.states.values() if caller.sees(one.tenant, one.requester)]


def _waits_for(one: Approval, caller: Caller) -> bool:
    if one.pending_decision is None:
        return False
    asked = {caller.email, *caller.roles}
    stages = [stage for stage in one.pending_decision.deliberation.stages if stage.opened_at and not stage.closed_at]
    return any(asked & set(group.members) for stage in stages for group in stage.groups)


def _until(one: Approval) -> datetime:
    return one.expires_at if one.state in PENDING else one.granted().ends_at


def _due(one: Approval, now: datetime) -> bool:
    return (one.state in PENDING and one.expires_at <= now) or (one.grant is not None and _grant_due(one.grant, now))


def _grant_due(grant: Grant, now: datetime) -> bool:
    moments = {GrantState.SCHEDULED: grant.starts_at, GrantState.ACTIVE: grant.ends_at}
    return grant.state in moments and moments[grant.state] <= now


class FakePolicies(FakeAggregates[Policy]):
    """Policies by tenant, answered for as their readers see them."""

    noun = "tenant"

    def view(self, key: str, state: Policy) -> PolicyView:
        return as_policy_view(state)

    def existing(self, tenants: Iterable[str]) -> frozenset[str]:
        return frozenset(set(tenants) & self.states.keys())


class FakeDirectory:
    """People by address, with the number of the event that told of each."""

    def __init__(self, *people: Person) -> None:
        self.people = {person.email: person for person in people}
        self._sequences: dict[str, int] = {}

    def learn(self, person: Person, sequence: int) -> None:
        if sequence > self._sequences.get(person.email, 0):
            self.people[person.email], self._sequences[person.email] = person, sequence

    def of(self, *organisations: str) -> Iterable[Person]:
        return [person for person in self.people.values() if person.organisation in organisations]


class FakeAccesses(FakeAggregates[AccessRecord]):
    """Attempts by their id, and those that were refused."""

    noun = "access"

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[tuple[str, str]] = []

    def count_refused(self, refused: RefusedAccess, enforcement_point: str) -> None:
        self.refused.append((refused.code, enforcement_point))

    def view(self, key: str, state: AccessRecord) -> AccessRecorded:
        return AccessRecorded(access_id=state.access_id)

    def create_many(self, changed: Mapping[str, Changed[AccessRecord]], act: Act) -> None:
        for key, one in changed.items():
            self.create(key, one, act)


class FakeKeyrings(FakeAggregates[Keyring]):
    """The keyring, answered for as operators see it."""

    noun = "keyring"

    def view(self, key: str, state: Keyring) -> KeyList:
        return state.as_list()


class FakeClock:
    """Says what it is told."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def changed_by(fake: FakeAggregates[Any]) -> list[str]:
    """Who was the cause of what was written."""
    return [act.cause.actor for act in fake.acts]
