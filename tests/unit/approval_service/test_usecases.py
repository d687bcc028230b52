from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    CORRELATION_ID,
    ENGINEER,
    EVENT_ID,
    FIONA,
    FRANK,
    NOW,
    OPERATOR,
    OTHER_ENGINEER,
    REQUEST_ID,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    approval,
    caller,
    created,
    event,
    policy,
    public_keys,
    signing_key,
)
from tests.unit.fakes import FakeAccesses, FakeApprovals, FakePolicies, changed_by

from approval_service import usecases
from approval_service.domain.approval import Approval
from lockbox.contracts.approval import (
    DEFAULT_SETTINGS,
    CancelRequest,
    CompleteGrant,
    Decide,
    GetApproval,
    GetGrant,
    GetGrantToken,
    GetPolicy,
    GrantState,
    ListGrants,
    PutPolicy,
    RecordAccess,
    RevokeGrant,
)
from lockbox.contracts.events import Cause
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.portal import MemberAdded
from lockbox.contracts.request import RequestState
from lockbox.crypto.tokens import GRANT_TOKEN, verify
from lockbox.errors import Conflict, Forbidden, Invalid, LockboxError, NotFound, Unavailable

SOON = NOW + timedelta(minutes=5)
END = SOON + timedelta(hours=4)
KEY = signing_key()
UNKNOWN = "00000000-0000-4000-8000-000000000000"
POINT = caller("content-service@vendor.example", "vendor", Role.ENFORCEMENT_POINT)
ATTEMPT = RecordAccess(
    access_id=EVENT_ID,
    allowed=False,
    tenant="contoso",
    resource="mailbox/alice",
    action="read",
    reason="no_grant",
    at=NOW,
)


def granted(**changes: Any) -> Approval:
    once = approval(**changes).decide(VENDOR_APPROVER, "approve", "", SOON).state
    return once.decide(ALICE, "approve", "", SOON).state


def grant_id(one: Approval) -> str:
    return one.granted().id


def code_of(act: Callable[[], object], kind: type[LockboxError]) -> str:
    with pytest.raises(kind) as refused:
        act()
    return refused.value.code


# --- tenants -------------------------------------------------------------------------------------------------------


def welcome(policies: FakePolicies, tenant: str | None, now: datetime = NOW) -> None:
    member = MemberAdded(tenant=tenant, email="carol@contoso.example", roles=("customer_admin",))
    usecases.welcome_tenant(policies, event(member), member, now)


def test_welcome_tenant_when_its_first_member_is_named_gives_it_a_policy() -> None:
    policies = FakePolicies()
    welcome(policies, "contoso")
    assert policies.states == {"contoso": policy()}
    assert policies.types == ["policy_changed"]
    assert changed_by(policies) == ["approval_service"]
    assert policies.acts[0].cause.correlation_id == CORRELATION_ID
    assert policies.acts[0].cause.causation_id


def test_welcome_tenant_when_it_is_known_leaves_its_policy() -> None:
    policies = FakePolicies(contoso=policy(customer_quorum=3))
    welcome(policies, "contoso", SOON)
    assert policies.states == {"contoso": policy(customer_quorum=3)}
    assert policies.facts == []


def test_welcome_tenant_when_the_member_is_the_vendors_does_nothing() -> None:
    policies = FakePolicies()
    welcome(policies, None)
    assert policies.states == {}


# --- opening -------------------------------------------------------------------------------------------------------


def test_open_approval_when_the_policy_is_known_begins_under_it() -> None:
    approvals, policies = FakeApprovals(), FakePolicies(contoso=policy(request_lifetime=timedelta(hours=1)))
    usecases.open_approval(approvals, policies, event(created()), created(), SOON)
    opened = approvals.states[REQUEST_ID]
    assert (opened.state, opened.expires_at) == (RequestState.PENDING_VENDOR, NOW + timedelta(hours=1))
    assert approvals.types == ["stage_opened"]
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
    assert approvals.types == ["stage_opened"]


def test_open_approval_when_the_policy_forbids_it_denies_at_once() -> None:
    approvals, policies = FakeApprovals(), FakePolicies(contoso=policy(maximum_duration=timedelta(hours=1)))
    usecases.open_approval(approvals, policies, event(created()), created(), NOW)
    assert approvals.states[REQUEST_ID].state == RequestState.DENIED
    assert approvals.types == ["request_denied"]


# --- deciding and cancelling ---------------------------------------------------------------------------------------


def decision(verdict: Any = "approve", request_id: str = REQUEST_ID) -> Decide:
    return Decide(request_id=request_id, decision=verdict, comment="fine", idempotency_key="k-1")


def test_decide_when_an_approver_says_yes_records_who_and_why() -> None:
    approvals = FakeApprovals(approval())
    view = usecases.decide(approvals, VENDOR_APPROVER, decision(), SOON)
    assert view.state == RequestState.PENDING_CUSTOMER
    assert [made.comment for made in view.decisions] == ["fine"]
    assert changed_by(approvals) == ["victor@vendor.example"]
    assert approvals.acts[0].key == "victor@vendor.example decide k-1"
    assert approvals.acts[0].now == SOON


def test_decide_when_refused_writes_nothing() -> None:
    approvals = FakeApprovals(approval())
    assert code_of(lambda: usecases.decide(approvals, ENGINEER, decision(), SOON), Forbidden) == "own_request"
    assert code_of(lambda: usecases.decide(approvals, FRANK, decision(), SOON), NotFound) == "request_not_found"
    assert approvals.facts == []


def test_decide_when_there_is_no_such_request_says_so() -> None:
    with pytest.raises(NotFound):
        usecases.decide(FakeApprovals(), VENDOR_APPROVER, decision(), SOON)


def test_cancel_request_when_its_own_engineer_asks_ends_it() -> None:
    approvals = FakeApprovals(approval())
    command = CancelRequest(request_id=REQUEST_ID, comment="solved", idempotency_key="k-1")
    assert usecases.cancel_request(approvals, ENGINEER, command, SOON).state == RequestState.CANCELLED
    assert approvals.types == ["request_cancelled"]
    assert code_of(lambda: usecases.cancel_request(approvals, ENGINEER, command, SOON), Conflict) == "request_cancelled"


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", [ENGINEER, VENDOR_APPROVER, VENDOR_AUDITOR, ALICE, ADMIN, AUDITOR])
def test_get_approval_when_the_caller_may_know_gives_it(reader: Caller) -> None:
    assert usecases.get_approval(FakeApprovals(approval()), reader, GetApproval(request_id=REQUEST_ID)) == approval()


@pytest.mark.parametrize("reader", [OTHER_ENGINEER, OPERATOR, POINT, FRANK, FIONA])
def test_get_approval_when_the_caller_may_not_know_says_the_same_as_for_none(reader: Caller) -> None:
    query = GetApproval(request_id=REQUEST_ID)
    for approvals in (FakeApprovals(approval()), FakeApprovals()):
        with pytest.raises(NotFound) as refused:
            usecases.get_approval(approvals, reader, query)
        assert (refused.value.code, refused.value.message) == ("request_not_found", "there is no such request")


@pytest.mark.parametrize("reader", [ENGINEER, VENDOR_APPROVER, VENDOR_AUDITOR, ALICE, ADMIN, AUDITOR])
def test_get_grant_when_the_caller_may_know_gives_it(reader: Caller) -> None:
    one = granted()
    assert usecases.get_grant(FakeApprovals(one), reader, GetGrant(grant_id=grant_id(one))) == one.grant


@pytest.mark.parametrize("reader", [OTHER_ENGINEER, OPERATOR, FRANK, FIONA])
def test_get_grant_when_the_caller_may_not_know_says_the_same_as_for_none(reader: Caller) -> None:
    one = granted()
    for wanted in (grant_id(one), UNKNOWN):
        with pytest.raises(NotFound) as refused:
            usecases.get_grant(FakeApprovals(one), reader, GetGrant(grant_id=wanted))
        assert (refused.value.code, refused.value.message) == ("grant_not_found", "there is no such grant")


def test_list_grants_when_asked_leaves_sight_to_the_store() -> None:
    approvals = FakeApprovals(granted())
    query = ListGrants(tenant="contoso")
    page = usecases.list_grants(approvals, ALICE, query)
    assert page.items == (granted().grant,)
    assert approvals.asked == [(ALICE, query)]


# --- tokens --------------------------------------------------------------------------------------------------------


def issue(approvals: FakeApprovals, reader: Caller, wanted: str, now: datetime = SOON) -> str:
    return usecases.issue_token(approvals, reader, GetGrantToken(grant_id=wanted), KEY, now).token


def test_issue_token_when_asked_by_its_own_engineer_signs_the_grant() -> None:
    one = granted()
    token = issue(FakeApprovals(one), ENGINEER, grant_id(one))
    claims = verify(GRANT_TOKEN, token, public_keys(KEY), SOON)
    assert (claims["sub"], claims["jti"], claims["tenant"]) == ("erin@vendor.example", grant_id(one), "contoso")
    assert claims["resources"] == ["mailbox/alice"]


def test_issue_token_when_asked_again_gives_the_same() -> None:
    approvals = FakeApprovals(granted())
    wanted = grant_id(granted())
    assert issue(approvals, ENGINEER, wanted) == issue(approvals, ENGINEER, wanted, SOON + timedelta(hours=1))


@pytest.mark.parametrize(
    "reader", [VENDOR_APPROVER, VENDOR_AUDITOR, ALICE, ADMIN, OTHER_ENGINEER, FRANK, OPERATOR, POINT]
)
def test_issue_token_when_it_is_not_ones_own_grant_says_that_there_is_none(reader: Caller) -> None:
    one = granted()
    assert code_of(lambda: issue(FakeApprovals(one), reader, grant_id(one)), NotFound) == "grant_not_found"


def test_issue_token_when_there_is_no_such_grant_says_so() -> None:
    assert code_of(lambda: issue(FakeApprovals(granted()), ENGINEER, UNKNOWN), NotFound) == "grant_not_found"


def test_issue_token_when_revoked_conflicts() -> None:
    one = granted().revoke(ALICE, "", SOON).state
    assert code_of(lambda: issue(FakeApprovals(one), ENGINEER, grant_id(one)), Conflict) == "grant_ended"


def test_issue_token_when_its_time_is_over_conflicts_even_before_the_sweep() -> None:
    one = granted()
    approvals = FakeApprovals(one)
    assert issue(approvals, ENGINEER, grant_id(one), END - timedelta(microseconds=1))
    assert code_of(lambda: issue(approvals, ENGINEER, grant_id(one), END), Conflict) == "grant_ended"
    assert approvals.states[REQUEST_ID] == one


def test_issue_token_when_it_starts_later_is_not_valid_before() -> None:
    start = NOW + timedelta(hours=2)
    one = granted(starts_at=start)
    token = issue(FakeApprovals(one), ENGINEER, grant_id(one))
    with pytest.raises(Forbidden) as refused:
        verify(GRANT_TOKEN, token, public_keys(KEY), start - timedelta(microseconds=1))
    assert refused.value.code == "token_not_yet_valid"
    assert verify(GRANT_TOKEN, token, public_keys(KEY), start)


def test_get_keys_when_asked_publishes_what_grants_verify_with() -> None:
    keys = usecases.get_keys(KEY).keys
    assert [key["kid"] for key in keys] == [KEY.kid]
    assert "d" not in keys[0]


# --- revoking ------------------------------------------------------------------------------------------------------


def revocation(wanted: str) -> RevokeGrant:
    return RevokeGrant(grant_id=wanted, comment="enough", idempotency_key="k-1")


def test_revoke_grant_when_named_by_the_grants_id_ends_it() -> None:
    one = granted()
    approvals = FakeApprovals(one)
    view = usecases.revoke_grant(approvals, ALICE, revocation(grant_id(one)), SOON)
    assert (view.state, view.ended_by, view.comment) == (GrantState.REVOKED, "alice@contoso.example", "enough")
    assert approvals.types == ["grant_revoked"]
    assert approvals.acts[0].key == "alice@contoso.example revoke_grant k-1"
    assert usecases.list_revocations(approvals, SOON).grant_ids == (grant_id(one),)


@pytest.mark.parametrize(("reader", "kind"), [(FRANK, NotFound), (OTHER_ENGINEER, NotFound), (ENGINEER, Forbidden)])
def test_revoke_grant_when_not_entitled_changes_nothing(reader: Caller, kind: type[LockboxError]) -> None:
    one = granted()
    approvals = FakeApprovals(one)
    code_of(lambda: usecases.revoke_grant(approvals, reader, revocation(grant_id(one)), SOON), kind)
    assert approvals.states[REQUEST_ID] == one


def test_revoke_grant_when_there_is_no_such_grant_says_so() -> None:
    approvals = FakeApprovals(approval())
    assert (
        code_of(lambda: usecases.revoke_grant(approvals, ALICE, revocation(UNKNOWN), SOON), NotFound)
        == "grant_not_found"
    )


def test_complete_grant_when_its_engineer_is_done_ends_it_and_its_token() -> None:
    one = granted()
    approvals = FakeApprovals(one)
    command = CompleteGrant(grant_id=grant_id(one), comment="fixed", idempotency_key="k-1")
    view = usecases.complete_grant(approvals, ENGINEER, command, SOON)
    assert (view.state, view.ended_by, view.comment) == (GrantState.COMPLETED, ENGINEER.email, "fixed")
    assert approvals.types == ["grant_completed"]
    assert usecases.list_revocations(approvals, SOON).grant_ids == (grant_id(one),)
    assert code_of(lambda: issue(approvals, ENGINEER, grant_id(one)), Conflict) == "grant_ended"


@pytest.mark.parametrize(("reader", "kind"), [(FRANK, NotFound), (OTHER_ENGINEER, NotFound), (ALICE, Forbidden)])
def test_complete_grant_when_not_ones_own_changes_nothing(reader: Caller, kind: type[LockboxError]) -> None:
    one = granted()
    approvals = FakeApprovals(one)
    command = CompleteGrant(grant_id=grant_id(one), idempotency_key="k-1")
    code_of(lambda: usecases.complete_grant(approvals, reader, command, SOON), kind)
    assert approvals.states[REQUEST_ID] == one


def test_list_revocations_when_the_token_would_not_verify_any_more_leaves_it_out() -> None:
    approvals = FakeApprovals(granted().revoke(ALICE, "", SOON).state)
    listed = usecases.list_revocations(approvals, END)
    assert (listed.as_of, listed.grant_ids) == (END, ())


# --- policy --------------------------------------------------------------------------------------------------------

POLICIES = {"contoso": policy(), "fabrikam": replace(policy(), tenant="fabrikam")}


@pytest.mark.parametrize("reader", [ALICE, ADMIN, AUDITOR, ENGINEER, VENDOR_APPROVER, VENDOR_AUDITOR])
def test_get_policy_when_of_ones_own_tenant_or_at_the_vendor_gives_it(reader: Caller) -> None:
    assert usecases.get_policy(FakePolicies(**POLICIES), reader, GetPolicy(tenant="contoso")) == policy()


@pytest.mark.parametrize("reader", [FRANK, FIONA])
def test_get_policy_when_of_another_tenant_says_the_same_as_for_none(reader: Caller) -> None:
    for tenant in ("contoso", "nowhere"):
        with pytest.raises(NotFound) as refused:
            usecases.get_policy(FakePolicies(**POLICIES), reader, GetPolicy(tenant=tenant))
        assert (refused.value.code, refused.value.message) == ("tenant_not_found", "there is no such tenant")


def test_get_policy_when_there_is_no_such_tenant_says_so_to_the_vendor_too() -> None:
    policies = FakePolicies(**POLICIES)
    wanted = GetPolicy(tenant="nowhere")
    assert code_of(lambda: usecases.get_policy(policies, VENDOR_APPROVER, wanted), NotFound) == "tenant_not_found"


def put(policies: FakePolicies, by: Caller, tenant: str = "contoso", version: int | None = None) -> Any:
    new = replace(DEFAULT_SETTINGS, require_approval=False)
    command = PutPolicy(tenant=tenant, settings=new, version=version, idempotency_key="k-1")
    return usecases.put_policy(policies, by, command, SOON)


def test_put_policy_when_of_ones_own_tenant_replaces_it() -> None:
    policies = FakePolicies(**POLICIES)
    view = put(policies, ADMIN, version=1)
    assert (view.require_approval, view.version, view.changed_by) == (False, 2, "carol@contoso.example")
    assert policies.types == ["policy_changed"]
    assert policies.states["fabrikam"] == POLICIES["fabrikam"]


@pytest.mark.parametrize("by", [FIONA, VENDOR_APPROVER, OPERATOR])
def test_put_policy_when_of_another_tenant_says_that_there_is_none(by: Caller) -> None:
    policies = FakePolicies(**POLICIES)
    assert code_of(lambda: put(policies, by), NotFound) == "tenant_not_found"
    assert policies.states == POLICIES


def test_put_policy_when_somebody_was_faster_conflicts() -> None:
    policies = FakePolicies(**POLICIES)
    put(policies, ADMIN, version=1)
    assert code_of(lambda: put(policies, ADMIN, version=1), Conflict) == "policy_version_stale"


# --- access and time -----------------------------------------------------------------------------------------------


def test_record_access_when_the_tenant_is_known_puts_it_on_record() -> None:
    accesses = FakeAccesses()
    answer = usecases.record_access(accesses, FakePolicies(**POLICIES), POINT, ATTEMPT, SOON)
    assert answer.access_id == EVENT_ID
    [fact] = accesses.facts
    assert (fact.type, fact.enforcement_point) == ("access_denied", POINT.email)  # type: ignore[attr-defined]
    assert changed_by(accesses) == [POINT.email]


def test_record_access_when_it_comes_twice_is_on_record_once() -> None:
    accesses = FakeAccesses()
    for _ in range(2):
        usecases.record_access(accesses, FakePolicies(**POLICIES), POINT, ATTEMPT, SOON)
    assert accesses.types == ["access_denied"]


def test_record_access_when_the_tenant_is_unknown_is_refused() -> None:
    accesses = FakeAccesses()

    def attempt() -> None:
        usecases.record_access(accesses, FakePolicies(), POINT, ATTEMPT, SOON)

    assert code_of(attempt, Invalid) == "tenant_unknown"
    assert accesses.facts == []


def test_advance_due_when_time_has_passed_expires_what_waits() -> None:
    other = replace(approval(), request_id=UNKNOWN, expires_at=NOW + timedelta(days=2))
    approvals = FakeApprovals(approval(), other)
    cause = Cause("approval_service", CORRELATION_ID)
    assert usecases.advance_due(approvals, cause, NOW + timedelta(hours=12)) == 1
    assert approvals.states[REQUEST_ID].state == RequestState.EXPIRED
    assert approvals.states[UNKNOWN] == other
    assert approvals.types == ["request_expired"]
    assert approvals.acts[0].cause == cause
    assert usecases.advance_due(approvals, cause, NOW + timedelta(hours=12)) == 0


def test_advance_due_when_a_grant_has_ended_tells_so() -> None:
    approvals = FakeApprovals(granted())
    usecases.advance_due(approvals, Cause("approval_service", CORRELATION_ID), END)
    assert approvals.types == ["grant_expired"]


def test_advance_due_when_somebody_was_faster_changes_nothing() -> None:
    approvals = FakeApprovals(granted().revoke(ALICE, "", SOON).state)
    usecases.advance_due(approvals, Cause("approval_service", CORRELATION_ID), END)
    assert approvals.facts == []
