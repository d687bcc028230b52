import re
from dataclasses import dataclass, is_dataclass

import pytest
from tests.unit.strategies import EVERY_ADDRESS, EVERY_CALL

from approval_service.service import ApprovalService
from audit_service.service import AuditService
from lockbox.contracts import wire
from lockbox.contracts.approval.operations import Decide, GetApproval
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.calls import EVERY, NO_ROUTE, REQUEST, SIGNED_IN, Call
from lockbox.contracts.grant.operations import ListGrants
from lockbox.contracts.grant.views import SignedGrant
from lockbox.contracts.identity import CUSTOMER_ROLES, Role
from lockbox.contracts.request.views import RequestPage
from notify_service.service import NotifyService
from request_service.service import RequestService

SERVICES = {service.name: service for service in (ApprovalService, AuditService, NotifyService, RequestService)}
DECIDERS = {Role.VENDOR_APPROVER, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN}
ROLES: dict[str, set[Role]] = {
    "decide": DECIDERS,
    "request_info": DECIDERS,
    "evaluate_policy": {Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR, *CUSTOMER_ROLES},
    "list_records": {Role.VENDOR_AUDITOR, Role.CUSTOMER_AUDITOR, Role.CUSTOMER_ADMIN},
    "get_keys": set(),
    "acknowledge_break_glass": {Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN},
    "cancel_request": {Role.ENGINEER},
    "check_topology": {Role.OPERATOR},
    "decide_policy_change": {Role.CUSTOMER_ADMIN},
    "diff_policy": {Role.CUSTOMER_ADMIN},
    "drop_parked": {Role.OPERATOR},
    "get_grant_usage": {Role.VENDOR_AUDITOR, *CUSTOMER_ROLES},
    "get_outbox": {Role.OPERATOR},
    "get_usage": {Role.VENDOR_AUDITOR, *CUSTOMER_ROLES},
    "list_parked": {Role.OPERATOR},
    "read_parked": {Role.OPERATOR},
    "replay_parked": {Role.OPERATOR},
    "complete_grant": {Role.ENGINEER},
    "create_request": {Role.ENGINEER},
    "get_policy": {Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR, *CUSTOMER_ROLES},
    "get_grant_token": {Role.ENGINEER},
    "list_keys": {Role.OPERATOR},
    "list_revocations": {Role.ENFORCEMENT_POINT},
    "provide_info": {Role.ENGINEER},
    "put_policy": {Role.CUSTOMER_ADMIN},
    "record_access": {Role.ENFORCEMENT_POINT},
    "record_accesses": {Role.ENFORCEMENT_POINT},
    "request_extension": {Role.ENGINEER},
    "revoke_key": {Role.OPERATOR},
    "rotate_keys": {Role.OPERATOR},
    "revoke_grant": {Role.VENDOR_APPROVER, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN},
    "use_break_glass": {Role.VENDOR_APPROVER},
}


@pytest.mark.parametrize("call", EVERY_CALL)
def test_call_when_declared_knows_its_service_its_method_and_its_answer(call: type[Call[object]]) -> None:
    assert call.service in {*SERVICES, EVERY}
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", call.method)
    assert call.method.replace("_", "") == call.__name__.lower()
    assert is_dataclass(call.answer)
    assert wire.schema(call)
    assert wire.schema(call.answer)


def test_call_when_its_name_has_several_words_has_underscores_between_them() -> None:
    assert (Decide.service, Decide.method, Decide.answer) == ("approval_service", "decide", ApprovalView)
    assert GetApproval.method == "get_approval"
    assert ListGrants.method == "list_grants"


def test_call_when_it_has_other_bases_too_takes_its_answer_off_the_right_one() -> None:
    @dataclass(frozen=True)
    class Wide:
        width: int = 1

    @dataclass(frozen=True)
    class ListWideThings(Wide, Call[RequestPage], service=REQUEST, rest=NO_ROUTE, roles=SIGNED_IN):
        pass

    assert (ListWideThings.method, ListWideThings.answer) == ("list_wide_things", RequestPage)


def test_calls_when_taken_together_have_different_addresses() -> None:
    addresses = [(call.service, call.method) for call in EVERY_CALL]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize(("service", "call"), EVERY_ADDRESS)
def test_call_when_sent_is_answered_by_an_entrypoint_of_that_kind(service: str, call: type[Call[object]]) -> None:
    [entrypoint] = getattr(SERVICES[service], call.method).nameko_entrypoints
    assert entrypoint.kind is call


@pytest.mark.parametrize("call", EVERY_CALL)
def test_call_when_declared_has_the_roles_that_are_meant(call: type[Call[object]]) -> None:
    assert set(call.roles) == ROLES.get(call.method, set(Role))
    assert call.public is (call.method == "get_keys")


@pytest.mark.parametrize("call", EVERY_CALL)
def test_call_when_it_changes_something_carries_an_idempotency_key(call: type[Call[object]]) -> None:
    reads = call.method.startswith(("get_", "list_", "read_", "check_", "evaluate_", "diff_"))
    keys = {
        "record_access": "access_id",
        "record_accesses": "attempts",
        "replay_parked": "parked_id",
        "drop_parked": "parked_id",
    }
    key = keys.get(call.method, "idempotency_key")
    assert (key in call.__dataclass_fields__) is not reads  # type: ignore[attr-defined]


def test_answer_when_it_holds_a_secret_names_it_so_that_faults_do_not_repeat_it() -> None:
    assert set(SignedGrant.__dataclass_fields__) & wire.SECRET_FIELDS == {"token"}
