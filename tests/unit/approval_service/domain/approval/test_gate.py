"""The gate: every operation on a request or a grant passes it, in the order sight, role, relation, time, state."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    ANN,
    AUDITOR,
    ENGINEER,
    FRANK,
    LEAD,
    NOW,
    OPERATOR,
    OTHER_ENGINEER,
    OWN_LEAD,
    REQUEST_ID,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    acknowledge,
    approval,
    ask_back,
    complete,
    decide,
    digest_of,
    extend,
    granted,
    perform,
    use_break_glass,
)

from approval_service.domain.approval import gate
from approval_service.domain.approval.approval import Approval
from lockbox.contracts.access import AccessAttempt
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.calls import APPROVAL, SIGNED_IN, Call
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, GetGrantToken, RevokeGrant
from lockbox.contracts.grant.terms import Confirmation
from lockbox.contracts.identity import CUSTOMER_ROLES, VENDOR_ROLES, Caller, Role
from lockbox.contracts.policy.document import BreakGlass
from lockbox.contracts.registry import OPERATIONS
from lockbox.contracts.request.operations import ProvideInfo
from lockbox.errors import Forbidden, LockboxError, NotFound

KEY = {"idempotency_key": "k-1"}
SOON = NOW + timedelta(minutes=5)
MUCH_LATER = NOW + timedelta(days=3)
ALLOWED = approval(settings={"break_glass": BreakGlass(allowed=True)})
OPENED = use_break_glass(use_break_glass(ALLOWED, VENDOR_APPROVER).state, LEAD).state
GRANTED = granted()
GRANT_ID = GRANTED.granted().id


class Case(NamedTuple):
    """An operation that is allowed; `relation` and `late` are its codes for the wrong person and after the end."""

    message: Call[Any]
    on: Approval
    by: Caller
    relation: str | None = None
    late: str | None = None


CASES = (
    Case(GetApproval(request_id=REQUEST_ID), ALLOWED, ALICE),
    Case(
        Decide(request_id=REQUEST_ID, request_digest=digest_of(ALLOWED), decision="approve", **KEY),
        ALLOWED,
        VENDOR_APPROVER,
        "own_request",
        "request_expired",
    ),
    Case(
        RequestInfo(request_id=REQUEST_ID, question="Why?", **KEY),
        ALLOWED,
        VENDOR_APPROVER,
        "own_request",
        "request_expired",
    ),
    Case(
        ProvideInfo(request_id=REQUEST_ID, text="So.", **KEY),
        ask_back(ALLOWED, VENDOR_APPROVER).state,
        ENGINEER,
        "not_requester",
        "nothing_asked",
    ),
    Case(CancelRequest(request_id=REQUEST_ID, **KEY), ALLOWED, ENGINEER, "not_requester", "request_expired"),
    Case(
        UseBreakGlass(request_id=REQUEST_ID, comment="All is down.", **KEY),
        ALLOWED,
        VENDOR_APPROVER,
        "own_request",
        "request_expired",
    ),
    Case(AcknowledgeBreakGlass(request_id=REQUEST_ID, **KEY), OPENED, ALICE),
    Case(GetGrant(grant_id=GRANT_ID), GRANTED, ALICE),
    Case(
        GetGrantToken(grant_id=GRANT_ID, confirmation=Confirmation(jkt="a" * 43)),
        GRANTED,
        ENGINEER,
        "grant_not_found",
        "grant_ended",
    ),
    Case(RevokeGrant(grant_id=GRANT_ID, **KEY), GRANTED, ALICE, None, "grant_ended"),
    Case(CompleteGrant(grant_id=GRANT_ID, **KEY), GRANTED, ENGINEER, "not_requester", "grant_ended"),
    Case(
        RequestExtension(grant_id=GRANT_ID, duration=timedelta(hours=1), justification="Longer.", **KEY),
        GRANTED,
        ENGINEER,
        "not_requester",
        "grant_ended",
    ),
)
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: type(case.message).method)


def on_request_or_grant() -> Iterator[type[Call[Any]]]:
    """All operations that name a request or a grant; a report of an attempt to use content is none on its grant."""
    for kind in OPERATIONS:
        names = {field.name for field in fields(kind)} & {"request_id", "grant_id"}  # type: ignore[arg-type]
        if kind.service == APPROVAL and names and not issubclass(kind, AccessAttempt):
            yield kind


def code_of(case: Case, by: Caller, now: datetime = SOON, kind: type[LockboxError] = LockboxError) -> str:
    with pytest.raises(kind) as refused:
        perform(case.on, by, case.message, now)
    return refused.value.code


def refusal(one: Approval, by: Caller, message: Call[Any], now: datetime) -> tuple[str, str] | None:
    try:
        perform(one, by, message, now)
    except LockboxError as error:
        return error.code, error.message
    return None


def noun(case: Case) -> str:
    return "grant" if hasattr(case.message, "grant_id") else "request"


def test_operations_when_declared_all_stand_in_the_gate_and_are_tried_here() -> None:
    assert set(on_request_or_grant()) | {ProvideInfo} == set(gate.OPERATIONS)
    assert {type(case.message) for case in CASES} == set(gate.OPERATIONS)
    assert {*gate.ON_REQUEST, GetApproval, GetGrant} == set(gate.OPERATIONS)


@every_case
def test_operation_when_allowed_takes_its_step(case: Case) -> None:
    assert gate.permission(type(case.message), case.on, case.by, SOON).allowed
    perform(case.on, case.by, case.message, SOON)


@every_case
@pytest.mark.parametrize("organisation", ["fabrikam", "vendor"])
def test_operation_when_the_caller_may_not_know_of_it_says_not_found(case: Case, organisation: str) -> None:
    seeing = {Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR}
    stranger = replace(FRANK, organisation=organisation, roles=frozenset(Role) - seeing)
    assert code_of(case, stranger, kind=NotFound) == f"{noun(case)}_not_found"


@every_case
def test_operation_when_the_role_is_missing_is_forbidden(case: Case) -> None:
    roles = frozenset() if case.message.roles == SIGNED_IN else {Role.VENDOR_AUDITOR, Role.CUSTOMER_AUDITOR}
    by = ENGINEER if case.message.roles == SIGNED_IN else case.by
    assert code_of(case, replace(by, roles=frozenset(roles)), kind=Forbidden) == "role_required"


@pytest.mark.parametrize("case", [case for case in CASES if case.relation], ids=lambda case: type(case.message).method)
def test_operation_when_the_relation_is_wrong_says_so(case: Case) -> None:
    wrong = OWN_LEAD if case.relation == "own_request" else LEAD
    assert code_of(case, wrong) == case.relation


@every_case
def test_operation_when_time_is_over_lets_the_request_or_grant_end_first(case: Case) -> None:
    ended = "request_expired" if case.on.pending else "grant_expired"
    assert [fact.type for fact in case.on.advance(MUCH_LATER).facts] == [ended]
    if case.late is not None:
        assert code_of(case, case.by, MUCH_LATER) == case.late
    else:
        assert perform(case.on, case.by, case.message, MUCH_LATER).facts[0].type == ended


# --- permissions ---------------------------------------------------------------------------------------------------

EVERYBODY = (
    *(ADMIN, ALICE, ANN, AUDITOR, ENGINEER, FRANK, LEAD, OPERATOR, OTHER_ENGINEER, OWN_LEAD),
    *(VENDOR_APPROVER, VENDOR_AUDITOR),
    replace(ENGINEER, roles=VENDOR_ROLES),
    replace(ALICE, roles=CUSTOMER_ROLES),
)
STATES = {
    "pending": ALLOWED,
    "without break-glass": approval(),
    "at the customer": decide(approval(), VENDOR_APPROVER).state,
    "asked back": ask_back(ALLOWED, VENDOR_APPROVER).state,
    "denied": decide(approval(), VENDOR_APPROVER, "deny").state,
    "break-glass asked for": use_break_glass(ALLOWED, VENDOR_APPROVER).state,
    "break-glass opened": OPENED,
    "break-glass acknowledged": acknowledge(OPENED, ALICE).state,
    "granted": GRANTED,
    "scheduled": granted(starts_at=NOW + timedelta(hours=9)),
    "extension pending": extend(GRANTED, ENGINEER, timedelta(hours=1)).state,
    "completed": complete(GRANTED, ENGINEER).state,
}
OF_THE_INPUT = {"request_changed", "already_decided", "extension_beyond_cap"}
"""Codes of refusals that depend on what is sent, beside who sends it and when."""


@pytest.mark.parametrize("now", [SOON, MUCH_LATER], ids=["soon", "much later"])
@pytest.mark.parametrize("state", STATES)
def test_permission_when_asked_is_what_the_operation_itself_would_say(state: str, now: datetime) -> None:
    one = STATES[state]
    for case in CASES:
        message = case.message
        if isinstance(message, Decide):
            message = replace(message, request_digest=digest_of(one))
        for by in EVERYBODY:
            permission = gate.permission(type(message), one, by, now)
            assert permission.allowed is (permission.code is None) is (permission.message is None)
            refused = refusal(one, by, message, now)
            if permission.allowed:
                assert refused is None or refused[0] in OF_THE_INPUT
            else:
                assert refused == (permission.code, permission.message)


def test_rights_when_read_name_each_operation_once() -> None:
    may = gate.rights(gate.ON_REQUEST, approval(), ALICE, SOON).may
    assert [name for name, permission in may.items() if permission.allowed] == []
    assert {name: permission.code for name, permission in may.items()} == {
        "decide": "not_your_stage",
        "request_info": "not_your_stage",
        "provide_info": "role_required",
        "cancel_request": "role_required",
        "use_break_glass": "role_required",
        "acknowledge_break_glass": "break_glass_unused",
        "revoke_grant": "grant_not_found",
        "complete_grant": "role_required",
        "request_extension": "role_required",
        "get_grant_token": "role_required",
    }
