"""Promises of the stores of request_service."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from approval_service.domain.policy.policy import Policy
from lockbox.contracts.events import Changed, envelop
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.contracts.request.facts import RequestCreated
from lockbox.contracts.request.operations import ListRequests
from lockbox.contracts.request.terms import AccessTerms, RequestState
from lockbox.contracts.request.views import HistoryEntry, RequestView, TenantView
from lockbox.errors import NotFound, TooMany
from request_service.domain.pace import AskingLimit
from request_service.domain.request import AccessRequest, ask
from request_service.domain.state import Standing
from tests.stores.aggregates import CAUSE, SOON, AggregatesSuite, act
from tests.stores.approval_service import number
from tests.unit.builders import (
    ALICE,
    ENGINEER,
    FRANK,
    NOW,
    OPERATOR,
    OTHER_ENGINEER,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    asked,
)
from tests.unit.request_service.fakes import entry_of

HOUR = timedelta(hours=1)
TENANT = TenantView(tenant="contoso", maximum_duration=4 * HOUR, request_lifetime=12 * HOUR, default_duration=HOUR)


def made(
    index: int = 1, requester: Caller = ENGINEER, at: Any = NOW, tenant: str = "contoso"
) -> Changed[AccessRequest]:
    return ask(number(index), asked(tenant=tenant), requester.email, replace(TENANT, tenant=tenant), at)


def entry(index: int, at: Any = NOW) -> HistoryEntry:
    return HistoryEntry(id=number(index), type="stage_opened", time=at, actor="approval_service", data={"stage": "X"})


def keep(store: Any, *all_changed: Changed[AccessRequest]) -> None:
    for changed in all_changed:
        store.create(changed.state.request_id, changed, act())


class RequestsSuite(AggregatesSuite):
    """Requests, and what events told of them."""

    noun = "request"
    answers = RequestView
    a, b = number(1), number(2)
    first = made(1)
    second = made(2)

    def view(self, state: AccessRequest) -> RequestView:
        return RequestView(
            **AccessTerms.of(state).within(),
            id=state.request_id,
            requester=state.requester,
            state=RequestState.PENDING_VENDOR,
            created_at=state.created_at,
            expires_at=state.expires_at,
            history=(self.first_entry(state),),
        )

    def first_entry(self, state: AccessRequest) -> HistoryEntry:
        about: dict[str, Any] = {"request_id": state.request_id, "requester": state.requester}
        fact = RequestCreated(**AccessTerms.of(state).within(**about, created_at=state.created_at))
        [event] = envelop([fact], f"requests/{state.request_id}", 0, CAUSE, NOW)
        return entry_of(event)

    def test_create_when_its_own_event_is_delivered_keeps_the_history_as_it_is(self, store: Any) -> None:
        keep(store, made(1))
        before = store.read(number(1))
        store.remember(number(1), self.first_entry(made(1).state), 1)
        assert store.read(number(1)) == before == self.view(made(1).state)

    def step(self, state: AccessRequest) -> Changed[AccessRequest]:
        return state.answer("Because.", RequestState.INFO_REQUESTED)

    def test_read_when_there_is_no_such_request_says_not_found(self, store: Any) -> None:
        with pytest.raises(NotFound) as refused:
            store.read(number(1))
        assert refused.value.code == "request_not_found"

    def test_read_when_events_told_of_it_gives_them_in_the_order_of_their_times(self, store: Any) -> None:
        keep(store, made(1))
        for told, sequence in ((entry(7, SOON), 1), (entry(6), 3), (entry(5), 2), (entry(6), 3)):
            store.remember(number(1), told, sequence)
        history = (self.first_entry(made(1).state), entry(5), entry(6), entry(7, SOON))
        assert store.read(number(1)) == replace(self.view(made(1).state), history=history)

    def test_stands_when_told_moves_the_request_and_no_later_one_back(self, store: Any) -> None:
        keep(store, made(1))
        store.update_state(number(1), Standing(RequestState.PENDING_CUSTOMER, 4, SOON))
        store.update_state(number(1), Standing(RequestState.DENIED, 3, NOW))
        shown = store.read(number(1))
        assert (shown.state, shown.expires_at) == (RequestState.PENDING_CUSTOMER, SOON)
        store.update_state(number(1), Standing(RequestState.APPROVED, 5))
        shown = store.read(number(1))
        assert (shown.state, shown.expires_at) == (RequestState.APPROVED, SOON)

    def test_events_when_of_a_request_that_is_not_there_leave_nothing(self, store: Any) -> None:
        store.remember(number(1), entry(5), 1)
        store.update_state(number(1), Standing(RequestState.DENIED, 3))
        with pytest.raises(NotFound):
            store.read(number(1))
        keep(store, made(1))
        assert store.read(number(1)) == self.view(made(1).state)

    def test_list_when_asked_holds_what_the_caller_may_see_newest_first(self, store: Any) -> None:
        keep(store, made(1), made(2, at=SOON), made(3, OTHER_ENGINEER), made(4, tenant="fabrikam"))
        store.update_state(number(1), Standing(RequestState.DENIED, 3))
        store.remember(number(1), entry(5), 1)
        assert self.listed(store, ENGINEER) == [number(2), number(4), number(1)]
        assert self.listed(store, VENDOR_APPROVER) == [number(2), number(4), number(3), number(1)]
        assert self.listed(store, VENDOR_AUDITOR, tenant="fabrikam") == [number(4)]
        assert self.listed(store, VENDOR_AUDITOR, requester=OTHER_ENGINEER.email) == [number(3)]
        assert self.listed(store, ALICE) == [number(2), number(3), number(1)]
        assert self.listed(store, ALICE, state=RequestState.DENIED) == [number(1)]
        assert self.listed(store, ALICE, tenant="fabrikam") == []
        assert self.listed(store, FRANK) == [number(4)]
        assert self.listed(store, OPERATOR) == []

    def listed(self, store: Any, reader: Caller, **where: Any) -> list[str]:
        page = store.list(reader, ListRequests(**where))
        assert page.next_cursor is None
        assert all(item.history == () for item in page.items)
        return [item.id for item in page.items]

    def test_list_when_longer_than_a_page_gives_its_first_part(self, store: Any) -> None:
        keep(store, *(made(index, at=NOW + index * HOUR) for index in (3, 1, 2)))
        page = store.list(ENGINEER, ListRequests(limit=2))
        assert [item.id for item in page.items] == [number(3), number(2)]


class TenantsSuite:
    """Tenants, as told by the events of their policies."""

    def test_find_when_no_policy_was_told_gives_none(self, store: Any) -> None:
        assert store.find("contoso") is None
        assert store.all().items == ()

    def test_learn_when_told_gives_what_a_request_must_keep_to(self, store: Any) -> None:
        for tenant in ("fabrikam", "contoso"):
            store.learn(policy(tenant))
        found = store.find("contoso")
        assert found == TenantView(
            tenant="contoso",
            maximum_duration=policy().maximum_duration,
            request_lifetime=policy().request_lifetime,
            default_duration=policy().default_duration,
            service_request_pattern=policy().service_request_pattern,
        )
        assert [tenant.tenant for tenant in store.all().items] == ["contoso", "fabrikam"]

    def test_learn_when_an_earlier_version_comes_late_keeps_the_later(self, store: Any) -> None:
        store.learn(policy(version=2, maximum_duration=3 * HOUR))
        for version in (1, 2):
            store.learn(policy(version=version, maximum_duration=2 * HOUR))
        assert store.find("contoso").maximum_duration == 3 * HOUR
        store.learn(policy(version=3, maximum_duration=2 * HOUR))
        assert store.find("contoso").maximum_duration == 2 * HOUR


def policy(tenant: str = "contoso", **changes: Any) -> PolicyChanged:
    [fact] = Policy.first(tenant, "approval_service", NOW).facts
    assert isinstance(fact, PolicyChanged)
    return replace(fact, **changes)


class PacesSuite:
    """Paces of asking: counted once by key, and shared by any number of processes."""

    three = AskingLimit("engineer", "erin@vendor.example", 3)

    def test_count_when_all_have_come_is_refused_until_one_is_back(self, store: Any) -> None:
        for index in range(3):
            store.count(self.three, f"k-{index}", NOW)
        with pytest.raises(TooMany) as refused:
            store.count(self.three, "k-3", NOW)
        assert refused.value.params["retry_after"] == 1200
        store.count(self.three, "k-3", NOW + HOUR / 3)
        with pytest.raises(TooMany):
            store.count(self.three, "k-4", NOW + HOUR / 3)
        for index in range(5, 8):
            store.count(self.three, f"k-{index}", NOW + 2 * HOUR)

    def test_count_when_the_key_is_known_counts_nothing(self, store: Any) -> None:
        for _ in range(5):
            store.count(self.three, "k-1", NOW)
        store.count(self.three, "k-2", NOW)
        store.count(self.three, "k-3", NOW)
        store.count(self.three, "k-1", NOW)
        with pytest.raises(TooMany):
            store.count(self.three, "k-4", NOW)

    def test_count_together_when_one_needs_a_look_counts_those_before_it(self, store: Any) -> None:
        wide = AskingLimit("tenant", "contoso", 100)
        for index in range(3):
            assert store.count_together((wide, self.three), f"k-{index}", NOW) == 2
        assert store.count_together((wide, self.three), "k-3", NOW) == 1
        assert store.count_together((self.three, wide), "k-4", NOW) == 0
        assert store.count_together((wide, self.three), "k-1", NOW) == 0
        for index in range(4, 100):
            store.count(wide, f"k-{index}", NOW)
        with pytest.raises(TooMany):
            store.count(wide, "k-100", NOW)

    def test_take_back_when_counted_makes_room_once(self, store: Any) -> None:
        for index in range(3):
            store.count(self.three, f"k-{index}", NOW)
        for _ in range(3):
            store.take_back(self.three, "k-2")
        store.count(self.three, "k-3", NOW)
        with pytest.raises(TooMany):
            store.count(self.three, "k-4", NOW)
