from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    CORRELATION_ID,
    ENGINEER,
    FIONA,
    FRANK,
    NOW,
    OPERATOR,
    OTHER_ENGINEER,
    OWN_LEAD,
    REQUEST_ID,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    approval,
    caller,
    created,
    digest_of,
    event,
    policy,
    present,
    revoke,
)
from tests.unit.fakes import FakeApprovals, FakePolicies, changed_by
from tests.unit.keys import signing_key

from approval_service.domain.approval import views
from approval_service.domain.approval.approval import Approval
from approval_service.usecases import approval as usecases
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    ListBreakGlass,
    ListQueue,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.events import Cause
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import BreakGlass
from lockbox.contracts.request.facts import InfoProvided
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict, Forbidden, LockboxError, NotFound, Unavailable

SOON = NOW + timedelta(minutes=5)
END = SOON + timedelta(hours=4)
KEY = signing_key()
THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
POINT = caller("content-service@vendor.example", "vendor", Role.ENFORCEMENT_POINT)


def granted(**changes: Any) -> Approval:
    return builders.granted(SOON, **changes)


def grant_id(one: Approval) -> str:
    return one.granted().id


def one_by_one(work: Callable[[str], object], things: Iterable[str]) -> None:
    for thing in things:
        work(thing)


def code_of(act: Callable[[], object], kind: type[LockboxError]) -> str:
    with pytest.raises(kind) as refused:
        act()
    return refused.value.code


# --- opening -------------------------------------------------------------------------------------------------------


def test_open_approval_when_the_policy_is_known_begins_under_it() -> None:
    approvals, policies = FakeApprovals(), FakePolicies(contoso=policy(request_lifetime=timedelta(hours=1)))
    usecases.open_approval(approvals, policies, event(created()), created(), SOON)
    opened = approvals.states[REQUEST_ID]
    assert (opened.state, opened.expires_at) == (RequestState.PENDING_VENDOR, NOW + timedelta(hours=1))
    assert approvals.types == ["request_evaluated", "stage_opened"]
    assert approvals.acts[0].cause == event(created()).cause("approval_service")
    assert approvals.acts[0].key is None


def test_open_approval_when_the_policy_is_unknown_is_to_be_tried_again() -> None:
    approvals = FakeApprovals()

    def attempt() -> None:
        usecases.open_approval(approvals, FakePolicies(fabrikam=policy()), event(created()), created(), NOW)

    assert code_of(attempt, Unavailable) == "policy_unknown"
    assert approvals.states == {}


def test_open_approval_when_the_event_comes_twice_opens_once() -> None:
    approvals, policies = FakeApprovals(), FakePolicies(contoso=policy())
    for now in (NOW, SOON):
        usecases.open_approval(approvals, policies, event(created()), created(), now)
    assert approvals.types == ["request_evaluated", "stage_opened"]


def test_open_approval_when_the_policy_forbids_it_denies_at_once() -> None:
    approvals, policies = FakeApprovals(), FakePolicies(contoso=policy(maximum_duration=timedelta(hours=1)))
    usecases.open_approval(approvals, policies, event(created()), created(), NOW)
    assert approvals.states[REQUEST_ID].state == RequestState.DENIED
    assert approvals.types == ["request_evaluated", "request_denied"]


# --- deciding and cancelling ---------------------------------------------------------------------------------------


def decision(verdict: Any = "approve") -> Decide:
    return Decide(
        request_id=REQUEST_ID,
        request_digest=digest_of(approval()),
        decision=verdict,
        comment="fine",
        idempotency_key="k-1",
    )


def test_decide_when_an_approver_says_yes_records_who_and_why() -> None:
    approvals = FakeApprovals(approval())
    view = usecases.perform(approvals, VENDOR_APPROVER, decision(), present(SOON))
    assert view.state == RequestState.PENDING_CUSTOMER
    assert [made.comment for made in view.decisions] == ["fine"]
    assert changed_by(approvals) == ["victor@vendor.example"]
    assert approvals.acts[0].key == "victor@vendor.example decide k-1"
    assert approvals.acts[0].now == SOON


def test_decide_when_refused_writes_nothing() -> None:
    approvals = FakeApprovals(approval())
    assert (
        code_of(lambda: usecases.perform(approvals, ENGINEER, decision(), present(SOON)), Forbidden) == "role_required"
    )
    assert code_of(lambda: usecases.perform(approvals, OWN_LEAD, decision(), present(SOON)), Forbidden) == "own_request"
    assert (
        code_of(lambda: usecases.perform(approvals, FRANK, decision(), present(SOON)), NotFound) == "request_not_found"
    )
    assert approvals.facts == []


def test_decide_when_there_is_no_such_request_says_so() -> None:
    with pytest.raises(NotFound):
        usecases.perform(FakeApprovals(), VENDOR_APPROVER, decision(), present(SOON))


def test_cancel_request_when_its_own_engineer_asks_ends_it() -> None:
    approvals = FakeApprovals(approval())
    command = CancelRequest(request_id=REQUEST_ID, comment="solved", idempotency_key="k-1")
    assert usecases.perform(approvals, ENGINEER, command, present(SOON)).state == RequestState.CANCELLED
    assert approvals.types == ["request_cancelled"]
    again = replace(command, idempotency_key="k-2")
    assert code_of(lambda: usecases.perform(approvals, ENGINEER, again, present(SOON)), Conflict) == "request_cancelled"


# --- the way in between --------------------------------------------------------------------------------------------


def test_decide_when_less_is_approved_takes_it_away() -> None:
    approvals = FakeApprovals(approval())
    view = usecases.perform(
        approvals, VENDOR_APPROVER, replace(decision(), changes=Changes(duration=timedelta(hours=1))), present(SOON)
    )
    assert view.terms.duration == timedelta(hours=1)
    assert view.decisions[0].changes == Changes(duration=timedelta(hours=1))


def test_request_info_and_answer_when_exchanged_are_written_for_who_said_them() -> None:
    approvals = FakeApprovals(approval())
    command = RequestInfo(request_id=REQUEST_ID, question="Which index?", idempotency_key="k-1")
    assert usecases.perform(approvals, VENDOR_APPROVER, command, present(SOON)).state == RequestState.INFO_REQUESTED
    told = InfoProvided(
        tenant="contoso", request_id=REQUEST_ID, requester=ENGINEER.email, number=1, answer="The first."
    )
    for _ in range(2):
        usecases.receive_answer(approvals, event(told), told, SOON)
    assert approvals.types == ["info_requested", "review_resumed"]
    assert changed_by(approvals) == ["victor@vendor.example", "approval_service"]
    assert approvals.acts[1].cause.causation_id == event(told).id


def test_break_glass_when_used_by_two_and_acknowledged_is_listed() -> None:
    approvals = FakeApprovals(approval(settings={"break_glass": BreakGlass(allowed=True)}))
    use = UseBreakGlass(request_id=REQUEST_ID, comment="All is down.", idempotency_key="k-1")
    usecases.perform(approvals, VENDOR_APPROVER, use, present(SOON))
    second = caller("vince@vendor.example", "vendor", Role.VENDOR_APPROVER)
    assert usecases.perform(approvals, second, use, present(SOON)).state == RequestState.APPROVED
    acknowledge = AcknowledgeBreakGlass(request_id=REQUEST_ID, idempotency_key="k-1")
    view = usecases.perform(approvals, ALICE, acknowledge, present(SOON))
    listed = usecases.list_break_glass(approvals, ALICE, ListBreakGlass(), SOON)
    assert [one.break_glass for one in listed.items] == [view.break_glass]


def test_list_queue_when_asked_says_of_each_what_the_caller_may_do() -> None:
    page = usecases.list_queue(FakeApprovals(approval()), VENDOR_APPROVER, ListQueue(), SOON)
    assert [one.you.allows("decide") for one in page.items] == [True]


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", [ENGINEER, VENDOR_APPROVER, VENDOR_AUDITOR, ALICE, ADMIN, AUDITOR])
def test_get_approval_when_the_caller_may_know_gives_it(reader: Caller) -> None:
    read = usecases.get_approval(FakeApprovals(approval()), reader, GetApproval(request_id=REQUEST_ID), present(SOON))
    assert read == views.with_effect(views.as_reading(approval(), reader, SOON), approval(), present(SOON))
    assert read.open is not None
    assert read.open.effect is not None


@pytest.mark.parametrize("reader", [OTHER_ENGINEER, OPERATOR, POINT, FRANK, FIONA])
def test_get_approval_when_the_caller_may_not_know_says_the_same_as_for_none(reader: Caller) -> None:
    query = GetApproval(request_id=REQUEST_ID)
    for approvals in (FakeApprovals(approval()), FakeApprovals()):
        with pytest.raises(NotFound) as refused:
            usecases.get_approval(approvals, reader, query, present(SOON))
        assert (refused.value.code, refused.value.message) == ("request_not_found", "there is no such request")


# --- time ----------------------------------------------------------------------------------------------------------


def test_advance_due_when_time_has_passed_expires_what_waits() -> None:
    other = replace(approval(), request_id=UNKNOWN, expires_at=NOW + timedelta(days=2))
    approvals = FakeApprovals(approval(), other)
    cause = Cause("approval_service", CORRELATION_ID)
    assert usecases.advance_due(approvals, cause, NOW + timedelta(hours=12), one_by_one) == 1
    assert approvals.states[REQUEST_ID].state == RequestState.EXPIRED
    assert approvals.states[UNKNOWN] == other
    assert approvals.types == ["request_expired"]
    assert approvals.acts[0].cause == cause
    assert usecases.advance_due(approvals, cause, NOW + timedelta(hours=12), one_by_one) == 0


def test_advance_due_when_a_grant_has_ended_tells_so() -> None:
    approvals = FakeApprovals(granted())
    usecases.advance_due(approvals, Cause("approval_service", CORRELATION_ID), END, one_by_one)
    assert approvals.types == ["grant_expired"]


def test_advance_due_when_somebody_was_faster_changes_nothing() -> None:
    approvals = FakeApprovals(revoke(granted(), ALICE, "", SOON).state)
    usecases.advance_due(approvals, Cause("approval_service", CORRELATION_ID), END, one_by_one)
    assert approvals.facts == []
