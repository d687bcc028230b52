from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ALICE,
    CORRELATION_ID,
    ENGINEER,
    FRANK,
    NOW,
    OPERATOR,
    OTHER_ENGINEER,
    REQUEST_ID,
    VENDOR_APPROVER,
    approval,
    asked,
    created,
    decide,
    event,
    policy,
)
from tests.unit.request_service.fakes import FakePaces, FakeRequests, FakeTenants

from approval_service.domain.policy.policy import Policy
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.contracts.request.operations import CreateRequest, GetRequest, ListRequests, ProvideInfo
from lockbox.contracts.request.terms import RequestState
from lockbox.contracts.request.views import HistoryEntry, RequestView, TenantView
from lockbox.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from request_service import usecases
from request_service.domain.pace import AskingLimits
from request_service.domain.state import Standing
from request_service.usecases import Intake, NewRequest

CONTOSO = TenantView(
    tenant="contoso",
    maximum_duration=timedelta(hours=4),
    request_lifetime=timedelta(hours=12),
    default_duration=timedelta(hours=4),
)
FABRIKAM = replace(CONTOSO, tenant="fabrikam")


@pytest.fixture
def requests() -> FakeRequests:
    return FakeRequests()


@pytest.fixture
def tenants() -> FakeTenants:
    return FakeTenants(CONTOSO, FABRIKAM)


def create(requests: FakeRequests, tenants: FakeTenants, caller: Caller = ENGINEER, **changes: Any) -> RequestView:
    command = CreateRequest(terms=asked(**changes), idempotency_key="k-1")
    intake = Intake(requests, tenants, FakePaces(), AskingLimits(20, 60))
    return usecases.create_request(intake, caller, command, NewRequest(REQUEST_ID, NOW))


def test_create_request_when_asked_takes_it_in_for_the_caller(requests: FakeRequests, tenants: FakeTenants) -> None:
    view = create(requests, tenants)
    assert (view.id, view.requester, view.tenant) == (REQUEST_ID, "erin@vendor.example", "contoso")
    assert view.expires_at == NOW + timedelta(hours=12)
    assert requests.facts == [created()]
    [act] = requests.acts
    assert act.key == "erin@vendor.example create_request k-1"
    assert (act.cause.actor, act.cause.correlation_id, act.now) == ("erin@vendor.example", CORRELATION_ID, NOW)
    assert act.digest


def test_create_request_when_the_terms_are_wrong_writes_nothing(requests: FakeRequests, tenants: FakeTenants) -> None:
    for changes in ({"tenant": "nowhere"}, {"duration": timedelta(hours=5)}, {"starts_at": NOW - timedelta(1)}):
        with pytest.raises(Invalid):
            create(requests, tenants, **changes)
    assert (requests.facts, requests.states) == ([], {})


def test_create_request_when_the_tenant_is_not_known_yet_says_so(requests: FakeRequests) -> None:
    with pytest.raises(Invalid) as refused:
        create(requests, FakeTenants())
    assert refused.value.code == "tenant_unknown"


class Desk:
    """An intake with limits of asking, and the requests that came in."""

    def __init__(self, per_engineer: int = 3, per_tenant: int = 5) -> None:
        self.requests, self.paces = FakeRequests(), FakePaces()
        limits = AskingLimits(per_engineer, per_tenant)
        self.intake = Intake(self.requests, FakeTenants(CONTOSO, FABRIKAM), self.paces, limits)

    def ask(self, number: int, by: Caller = ENGINEER, now: datetime = NOW, **changes: Any) -> RequestView:
        command = CreateRequest(terms=asked(**changes), idempotency_key=f"k-{number}")
        new = NewRequest(f"00000000-0000-4000-8000-{number:012}", now)
        return usecases.create_request(self.intake, by, command, new)

    def refused(self, number: int, by: Caller = ENGINEER, **changes: Any) -> dict[str, Any]:
        with pytest.raises(TooMany) as error:
            self.ask(number, by, **changes)
        assert error.value.code == "too_many_requests"
        return error.value.params


def test_create_request_when_an_engineer_asks_forty_times_in_a_moment_takes_the_limit_and_names_it() -> None:
    desk = Desk(per_engineer=20, per_tenant=60)
    for number in range(20):
        desk.ask(number)
    for number in range(20, 40):
        assert desk.refused(number) == {"of": "engineer", "name": ENGINEER.email, "most": 20, "retry_after": 180}
    assert len(desk.requests.states) == 20
    desk.ask(40, now=NOW + timedelta(seconds=180))
    assert desk.refused(41, now=NOW + timedelta(seconds=180))["retry_after"] == 180


def test_create_request_when_a_customer_is_asked_by_many_takes_its_limit_and_leaves_other_customers() -> None:
    desk = Desk()
    for number in range(3):
        desk.ask(number)
    for number in range(3, 5):
        desk.ask(number, OTHER_ENGINEER)
    assert desk.refused(5, OTHER_ENGINEER) == {"of": "tenant", "name": "contoso", "most": 5, "retry_after": 720}
    desk.ask(6, OTHER_ENGINEER, tenant="fabrikam")
    assert desk.refused(7, OTHER_ENGINEER, tenant="fabrikam")["of"] == "engineer"


def test_create_request_when_the_same_command_comes_again_is_counted_once_and_answered() -> None:
    desk = Desk()
    first = [desk.ask(number) for number in range(3)]
    assert [desk.ask(number) for number in range(3)] == first
    assert desk.refused(3)["of"] == "engineer"


def test_create_request_when_a_command_that_is_no_longer_known_as_counted_comes_again_is_answered() -> None:
    desk = Desk()
    first = [desk.ask(number) for number in range(3)]
    desk.paces.keys.clear()
    assert [desk.ask(number) for number in range(3)] == first


def test_create_request_when_its_terms_are_wrong_is_not_counted() -> None:
    desk = Desk()
    for number in range(10):
        with pytest.raises(Invalid):
            desk.ask(number, duration=timedelta(hours=5))
    assert desk.paces.until == {}


@pytest.mark.parametrize("reader", [ENGINEER, VENDOR_APPROVER, ALICE])
def test_get_request_when_the_caller_may_know_gives_it(
    requests: FakeRequests, tenants: FakeTenants, reader: Caller
) -> None:
    made = create(requests, tenants)
    assert usecases.get_request(requests, reader, GetRequest(request_id=REQUEST_ID)) == made


@pytest.mark.parametrize("reader", [OTHER_ENGINEER, OPERATOR, FRANK])
def test_get_request_when_the_caller_may_not_know_says_the_same_as_for_none(
    requests: FakeRequests, tenants: FakeTenants, reader: Caller
) -> None:
    create(requests, tenants)
    for wanted in (REQUEST_ID, "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(NotFound) as refused:
            usecases.get_request(requests, reader, GetRequest(request_id=wanted))
        assert (refused.value.code, refused.value.message) == ("request_not_found", "there is no such request")


def answer(requests: FakeRequests, by: Caller, state: RequestState = RequestState.INFO_REQUESTED) -> None:
    requests.update_state(REQUEST_ID, Standing(state, 2))
    command = ProvideInfo(request_id=REQUEST_ID, text="The first.", idempotency_key="k-2")
    usecases.provide_info(requests, by, command, NOW)


def test_provide_info_when_asked_for_is_written_for_the_engineer(requests: FakeRequests, tenants: FakeTenants) -> None:
    create(requests, tenants)
    answer(requests, ENGINEER)
    assert requests.types == ["request_created", "info_provided"]
    assert requests.acts[-1].key == "erin@vendor.example provide_info k-2"


@pytest.mark.parametrize(
    ("by", "kind"), [(OTHER_ENGINEER, NotFound), (FRANK, NotFound), (VENDOR_APPROVER, Forbidden), (ALICE, Forbidden)]
)
def test_provide_info_when_it_is_not_ones_own_is_refused(
    requests: FakeRequests, tenants: FakeTenants, by: Caller, kind: type[Exception]
) -> None:
    create(requests, tenants)
    with pytest.raises(kind):
        answer(requests, by)
    assert requests.types == ["request_created"]


def test_provide_info_when_nothing_is_asked_is_refused(requests: FakeRequests, tenants: FakeTenants) -> None:
    create(requests, tenants)
    with pytest.raises(Conflict):
        answer(requests, ENGINEER, RequestState.PENDING_VENDOR)


def test_list_requests_when_asked_leaves_sight_to_the_store(requests: FakeRequests, tenants: FakeTenants) -> None:
    made = create(requests, tenants)
    query = ListRequests(tenant="contoso")
    assert usecases.list_requests(requests, ALICE, query).items == (replace(made, history=()),)
    assert requests.asked == [(ALICE, query)]


@pytest.mark.parametrize(
    ("reader", "names"),
    [
        (ENGINEER, ["contoso", "fabrikam"]),
        (VENDOR_APPROVER, ["contoso", "fabrikam"]),
        (ALICE, ["contoso"]),
        (FRANK, ["fabrikam"]),
    ],
)
def test_list_tenants_when_asked_shows_a_customer_its_own_alone(
    tenants: FakeTenants, reader: Caller, names: list[str]
) -> None:
    assert [tenant.tenant for tenant in usecases.list_tenants(tenants, reader).items] == names


def test_list_tenants_when_the_callers_own_is_unknown_shows_none() -> None:
    assert usecases.list_tenants(FakeTenants(FABRIKAM), ALICE).items == ()


def test_follow_when_a_stage_opens_notes_it_and_where_the_request_stands(
    requests: FakeRequests, tenants: FakeTenants
) -> None:
    create(requests, tenants)
    [decided, opened] = decide(approval(), VENDOR_APPROVER).facts
    told = event(opened, sequence=3, actor="victor@vendor.example")
    usecases.follow(requests, told, opened)  # type: ignore[arg-type]
    [_created, (sequence, entry)] = requests.history[REQUEST_ID].values()
    assert sequence == 3
    assert entry == HistoryEntry(
        id=told.id, type="stage_opened", time=NOW, actor="victor@vendor.example", data=told.data
    )
    end = NOW + timedelta(hours=12)
    assert requests.standings == {REQUEST_ID: Standing(RequestState.PENDING_CUSTOMER, 3, end)}
    assert decided.type == "decision_recorded"


def test_follow_when_nothing_of_the_kind_changes_leaves_where_it_stands(
    requests: FakeRequests, tenants: FakeTenants
) -> None:
    create(requests, tenants)
    [decided, _opened] = decide(approval(), VENDOR_APPROVER).facts
    usecases.follow(requests, event(decided, sequence=2), decided)  # type: ignore[arg-type]
    assert [entry.type for entry in requests.read(REQUEST_ID).history] == ["request_created", "decision_recorded"]
    assert requests.standings == {}


def test_learn_policy_when_it_changes_notes_it(tenants: FakeTenants) -> None:
    [fact] = Policy.first("contoso", "approval_service", NOW).facts
    assert isinstance(fact, PolicyChanged)
    usecases.learn_policy(tenants, fact)
    assert tenants.known["contoso"][0] == fact.version
    learnt = tenants.find("contoso")
    assert learnt is not None
    assert learnt.maximum_duration == fact.maximum_duration == policy().maximum_duration
