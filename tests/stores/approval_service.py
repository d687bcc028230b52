"""Promises of the stores of approval_service."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest

from approval_service.domain.access import AccessRecord
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.views import as_view
from approval_service.domain.keyring import Keyring, MadeKey
from approval_service.domain.people import Person
from approval_service.domain.policy.policy import Policy
from approval_service.domain.policy.policy import as_view as as_policy_view
from lockbox.contracts.access import AccessAttempt
from lockbox.contracts.approval.operations import ListBreakGlass, ListQueue
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.operations import ListGrants
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.keys import KeyList
from lockbox.contracts.policy.document import BreakGlass
from lockbox.contracts.policy.views import PolicyView
from tests.stores.aggregates import SOON, AggregatesSuite, act
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    FRANK,
    NOW,
    OPERATOR,
    OTHER_ENGINEER,
    REQUEST_ID,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    acknowledge,
    caller,
    created,
    decide,
    policy,
    revoke,
    use_break_glass,
)

HOUR = timedelta(hours=1)
SECOND_APPROVER = caller("vince@vendor.example", "vendor", Role.VENDOR_APPROVER)


def number(index: int) -> str:
    return str(UUID(int=index, version=4))


def opened(index: int = 1, requester: Caller = ENGINEER, at: Any = NOW, **terms: Any) -> Changed[Approval]:
    """A request that waits for the vendor."""
    asked = replace(created(**terms), request_id=number(index), requester=requester.email, created_at=at)
    tenant = replace(policy(break_glass=BreakGlass(allowed=True)), tenant=asked.tenant)
    return Approval.open(asked, tenant, at)


def granted(index: int = 1, at: Any = NOW, **terms: Any) -> Changed[Approval]:
    """A request that both sides approved at a time; its grant is active where its start is not later."""
    by_customer = FRANK if terms.get("tenant") == "fabrikam" else ALICE
    once = opened(index, at=at, **terms).then(lambda one: decide(one, VENDOR_APPROVER, now=at))
    return once.then(lambda one: decide(one, by_customer, now=at))


def revoked(index: int = 1, at: Any = SOON, **terms: Any) -> Changed[Approval]:
    return granted(index, **terms).then(lambda one: revoke(one, VENDOR_APPROVER, now=at))


def break_glass(index: int = 1, at: Any = NOW, tenant: str = "contoso") -> Changed[Approval]:
    """Access that two approvers of the vendor opened without the customer."""
    first = opened(index, tenant=tenant).then(lambda one: use_break_glass(one, VENDOR_APPROVER, now=at))
    return first.then(lambda one: use_break_glass(one, SECOND_APPROVER, now=at))


def keep(store: Any, *all_changed: Changed[Approval]) -> None:
    for changed in all_changed:
        store.create(changed.state.request_id, changed, act())


def ids(found: Iterable[Approval]) -> list[str]:
    return [one.request_id for one in found]


class ApprovalsSuite(AggregatesSuite):
    """Approvals."""

    noun = "request"
    answers = ApprovalView
    first = opened(1)
    second = opened(2)

    def view(self, state: Approval) -> Any:
        return as_view(state)

    def step(self, state: Approval) -> Changed[Approval]:
        return decide(state, VENDOR_APPROVER)

    def test_with_grant_when_there_is_one_gives_its_approval(self, store: Any) -> None:
        keep(store, granted(1), granted(2))
        one = granted(1).state
        assert store.with_grant(one.granted().id) == one
        assert store.with_grant(REQUEST_ID) is None

    def test_grants_by_id_when_some_exist_gives_those(self, store: Any) -> None:
        keep(store, granted(1), granted(2), revoked(3), opened(4))
        one, ended = (changed.state.granted() for changed in (granted(1), revoked(3)))
        assert store.grants_by_id([one.id, ended.id, REQUEST_ID]) == {one.id: one, ended.id: ended}
        assert store.grants_by_id([]) == {}

    def test_due_when_time_has_passed_names_what_waits_starts_or_ends(self, store: Any) -> None:
        later = granted(2, starts_at=NOW + 2 * HOUR)
        keep(store, opened(1), later, granted(3, duration=HOUR), revoked(4, duration=HOUR))
        assert set(store.due(SOON)) == set()
        assert set(store.due(NOW + HOUR - timedelta(microseconds=1))) == set()
        assert set(store.due(NOW + HOUR)) == {number(3)}
        assert set(store.due(NOW + 2 * HOUR)) == {number(2), number(3)}
        assert set(store.due(NOW + 12 * HOUR)) == {number(1), number(2), number(3)}

    def test_queue_when_asked_holds_what_waits_for_the_caller_the_next_to_end_first(self, store: Any) -> None:
        at_customer = opened(3).then(lambda one: decide(one, VENDOR_APPROVER))
        keep(store, opened(1, at=SOON), opened(2), at_customer, granted(4), opened(5, tenant="fabrikam", at=NOW - HOUR))
        assert self.queue_of(store, VENDOR_APPROVER) == [number(5), number(2), number(1)]
        assert self.queue_of(store, ALICE) == [number(3)]
        for other in (ENGINEER, OTHER_ENGINEER, AUDITOR, VENDOR_AUDITOR, OPERATOR, FRANK):
            assert self.queue_of(store, other) == []

    def test_queue_when_the_request_is_ones_own_does_not_hold_it(self, store: Any) -> None:
        keep(store, opened(1, requester=VENDOR_APPROVER), opened(2, requester=OTHER_ENGINEER))
        assert self.queue_of(store, VENDOR_APPROVER) == [number(2)]
        assert self.queue_of(store, SECOND_APPROVER) == [number(1), number(2)]

    def test_queue_when_longer_than_a_page_gives_its_first_part(self, store: Any) -> None:
        keep(store, *(opened(index, at=NOW + index * timedelta(minutes=1)) for index in (3, 1, 2)))
        found, _ = store.queue(VENDOR_APPROVER, ListQueue(limit=2))
        assert ids(found) == [number(1), number(2)]

    def queue_of(self, store: Any, reader: Caller) -> list[str]:
        found, cursor = store.queue(reader, ListQueue())
        assert cursor is None
        return ids(found)

    def test_opened_by_break_glass_when_asked_holds_access_without_the_customer_newest_first(self, store: Any) -> None:
        acknowledged = break_glass(3).then(lambda one: acknowledge(one, ADMIN, now=SOON))
        wanted = opened(5).then(lambda one: use_break_glass(one, VENDOR_APPROVER))
        keep(
            store,
            break_glass(1),
            break_glass(2, SOON),
            acknowledged,
            opened(4),
            wanted,
            break_glass(6, tenant="fabrikam"),
        )
        assert self.opened_for(store, ADMIN) == [number(2), number(3), number(1)]
        assert self.opened_for(store, ADMIN, acknowledged=False) == [number(2), number(1)]
        assert self.opened_for(store, ADMIN, acknowledged=True) == [number(3)]
        assert self.opened_for(store, ADMIN, tenant="fabrikam") == []
        assert self.opened_for(store, VENDOR_AUDITOR, tenant="fabrikam") == [number(6)]
        assert self.opened_for(store, FRANK) == [number(6)]
        assert self.opened_for(store, OPERATOR) == []

    def opened_for(self, store: Any, reader: Caller, **where: Any) -> list[str]:
        found, cursor = store.opened_by_break_glass(reader, ListBreakGlass(**where))
        assert cursor is None
        return ids(found)

    def test_grants_when_asked_hold_those_that_the_caller_may_see_newest_first(self, store: Any) -> None:
        keep(store, granted(1), granted(2, SOON), revoked(3), opened(4), granted(5, tenant="fabrikam"))
        assert self.grants_for(store, ALICE) == [number(2), number(3), number(1)]
        assert self.grants_for(store, ALICE, state=GrantState.REVOKED) == [number(3)]
        assert self.grants_for(store, ALICE, tenant="fabrikam") == []
        assert self.grants_for(store, FRANK) == [number(5)]
        assert self.grants_for(store, VENDOR_AUDITOR, tenant="fabrikam") == [number(5)]
        assert self.grants_for(store, ENGINEER) == [number(2), number(5), number(3), number(1)]
        for other in (OTHER_ENGINEER, OPERATOR):
            assert self.grants_for(store, other) == []

    def grants_for(self, store: Any, reader: Caller, **where: Any) -> list[str]:
        found, cursor = store.grants(reader, ListGrants(**where))
        assert cursor is None
        return ids(found)

    def test_revoked_when_asked_names_grants_that_would_not_have_ended(self, store: Any) -> None:
        keep(store, revoked(1), revoked(2, SOON + HOUR, duration=2 * HOUR), granted(3), opened(4))
        first, second = (one.state.granted().id for one in (revoked(1), revoked(2)))
        assert set(store.revoked(SOON, None)) == {first, second}
        assert set(store.revoked(SOON, SOON)) == {first, second}
        assert set(store.revoked(SOON, SOON + HOUR)) == {second}
        assert set(store.revoked(NOW + 2 * HOUR, None)) == {first}
        assert set(store.revoked(NOW + 4 * HOUR, None)) == set()


class PoliciesSuite(AggregatesSuite):
    """Policies."""

    noun = "tenant"
    answers = PolicyView
    first = Policy.first("contoso", "approval_service", NOW)
    second = Policy.first("fabrikam", "approval_service", NOW)

    def view(self, state: Policy) -> Any:
        return as_policy_view(state)

    def step(self, state: Policy) -> Changed[Policy]:
        return Changed(replace(state, version=state.version + 1, changed_at=SOON), self.first.facts)

    def test_existing_when_some_tenants_exist_gives_those(self, store: Any) -> None:
        store.create("contoso", self.first, act())
        assert store.existing(["contoso", "nobodys"]) == {"contoso"}
        assert store.existing([]) == frozenset()


class KeyringsSuite(AggregatesSuite):
    """Keyrings."""

    noun = "keyring"
    answers = KeyList
    keys: ClassVar = [MadeKey(kid=43 * name, x="x", handle=f"h-{name}", kept_in="here") for name in "abc"]
    first = Keyring().rotate(keys[0], NOW)
    second = Keyring().rotate(keys[1], NOW)

    def view(self, state: Keyring) -> Any:
        return state.as_list()

    def step(self, state: Keyring) -> Changed[Keyring]:
        return state.rotate(self.keys[2], SOON)


def attempt(index: int = 1) -> Changed[AccessRecord]:
    told = AccessAttempt(
        access_id=number(index),
        at=NOW,
        tenant="contoso",
        resource="mailbox/alice",
        action="read",
        allowed=False,
        reason="no_grant",
    )
    return AccessRecord.of(told, "point@vendor.example")


class AccessesSuite:
    """Attempts to use content."""

    def test_create_many_when_some_are_there_makes_the_others(self, store: Any) -> None:
        store.create(number(1), attempt(1), act())
        store.create_many({number(index): attempt(index) for index in (1, 2)}, act())
        assert [store.find(number(index)) for index in (1, 2, 3)] == [attempt(1).state, attempt(2).state, None]

    def test_create_many_when_there_is_nothing_to_make_makes_nothing(self, store: Any) -> None:
        store.create_many({}, act())
        assert store.find(number(1)) is None


class DirectorySuite:
    """People, as told by events."""

    def test_learn_when_told_is_known_in_that_organisation(self, store: Any) -> None:
        people = [
            Person("alice@contoso.example", "contoso", frozenset({"customer_approver"})),
            Person("frank@fabrikam.example", "fabrikam", frozenset({"customer_admin"})),
            Person("victor@vendor.example", "vendor", frozenset({"vendor_approver", "engineer"})),
        ]
        for person in people:
            store.learn(person, 1)
        assert self.known(store, "contoso", "vendor") == {people[0], people[2]}
        assert self.known(store, "fabrikam") == {people[1]}
        assert self.known(store, "tailspin") == set()

    @pytest.mark.parametrize("sequence", [1, 2])
    def test_learn_when_an_earlier_event_comes_late_keeps_the_later(self, store: Any, sequence: int) -> None:
        later = Person("alice@contoso.example", "contoso", frozenset({"customer_auditor"}))
        store.learn(later, 2)
        store.learn(replace(later, roles=frozenset({"customer_admin"})), sequence)
        assert self.known(store, "contoso") == {later}

    def test_learn_when_a_later_event_comes_takes_its_roles(self, store: Any) -> None:
        alice = Person("alice@contoso.example", "contoso", frozenset({"customer_auditor"}))
        store.learn(alice, 1)
        store.learn(replace(alice, roles=frozenset()), 2)
        assert self.known(store, "contoso") == {replace(alice, roles=frozenset())}

    def known(self, store: Any, *organisations: str) -> set[Person]:
        return set(store.of(*organisations))
