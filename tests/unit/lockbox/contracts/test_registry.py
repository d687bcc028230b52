"""Declarations of operations that are wrong: refused at import or at start, by the name of the class."""

from dataclasses import dataclass
from typing import Any, cast

import pytest
from tests.unit.builders import ADMIN, ALICE, ENGINEER, VENDOR_APPROVER, caller

from lockbox.contracts import registry
from lockbox.contracts.calls import APPROVAL, EVERY, NO_ROUTE, PUBLIC, SIGNED_IN, Call, RestRoute
from lockbox.contracts.fields import Uuid
from lockbox.contracts.grant.operations import RevokeGrant
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.identity import CUSTOMER_ROLES, VENDOR_ROLES, Caller, Role
from lockbox.errors import Forbidden

ENGINEERS = (Role.ENGINEER,)


def declared(**declaration: Any) -> type[Call[Any]]:
    """An operation `PauseGrant` with this declaration."""
    complete = {"service": APPROVAL, "roles": ENGINEERS, "rest": "POST /grants/{grant_id}/pause"} | declaration

    class PauseGrant(Call[GrantView], **{name: value for name, value in complete.items() if value is not None}):
        grant_id: Uuid

    return dataclass(frozen=True, kw_only=True)(PauseGrant)


def refusal_of(*operations: type[Call[Any]]) -> str:
    with pytest.raises(TypeError) as refused:
        registry.check_operations(operations)
    return str(refused.value)


@pytest.mark.parametrize("missing", ["service", "roles", "rest"])
def test_operation_when_a_part_is_missing_fails_at_import_by_name(missing: str) -> None:
    with pytest.raises(TypeError, match=rf"\.PauseGrant declares no {missing}$"):
        declared(**{missing: None})


@pytest.mark.parametrize(("part", "value"), [("roles", ()), ("roles", NO_ROUTE), ("rest", ""), ("rest", PUBLIC)])
def test_operation_when_a_part_is_empty_fails_at_import_by_name(part: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"\.PauseGrant declares no {part}$"):
        declared(**{part: value})


@pytest.mark.parametrize(
    "rest",
    [
        "/grants",
        "PATCH /grants",
        "post /grants",
        "POST grants",
        "POST /grants/<grant_id>",
        "POST  /grants",
        "POST /",
        "POST /grants/",
        "POST /grants/{grant_id}/revoke/",
        "POST /grants//revoke",
        "POST /grants/./revoke",
        "POST /grants/{grant_id",
        "POST /grants/{}",
        "POST /grants/{grant1}",
        "POST /grants\n",
        5,
        ["POST /grants"],
        ("POST /grants", NO_ROUTE),
    ],
)
def test_operation_when_its_route_is_none_fails_at_import_by_name(rest: object) -> None:
    with pytest.raises(TypeError, match=r"\.PauseGrant: expected a route such as"):
        declared(rest=rest)


@pytest.mark.parametrize(
    "roles", ["engineer", Role.ENGINEER, [Role.ENGINEER], VENDOR_ROLES], ids=["text", "role", "list", "set"]
)
def test_operation_when_its_roles_are_no_tuple_fails_at_import_by_name(roles: object) -> None:
    with pytest.raises(TypeError, match=r"\.PauseGrant: expected a tuple of roles"):
        declared(roles=roles)


@pytest.mark.parametrize("status", [404, 302, 999])
def test_operation_when_its_status_is_none_of_success_fails_at_import_by_name(status: int) -> None:
    with pytest.raises(TypeError, match=rf"\.PauseGrant: expected an HTTP status of success, got {status}"):
        declared(status=status)


def test_operation_when_it_has_no_answer_fails_at_import_by_name() -> None:
    with pytest.raises(TypeError, match=r"\.EndGrant declares no answer"):

        class EndGrant(Call, service=APPROVAL, roles=ENGINEERS, rest=NO_ROUTE):  # type: ignore[type-arg]
            pass


def test_operation_when_it_is_no_dataclass_is_refused_by_name() -> None:
    class EndGrant(Call[GrantView], service=APPROVAL, roles=ENGINEERS, rest=NO_ROUTE):
        pass

    assert refusal_of(EndGrant) == "EndGrant: expected a dataclass"


def test_operation_when_its_service_does_not_exist_is_refused_by_name() -> None:
    assert refusal_of(declared(service="aproval_service")) == "PauseGrant: there is no service 'aproval_service'"


def test_operations_when_they_share_a_method_are_refused_by_name() -> None:
    refused = refusal_of(declared(), declared(rest="POST /grants/{grant_id}/rest"))
    assert refused == "method pause_grant: declared by PauseGrant and PauseGrant"


@pytest.mark.parametrize(
    ("declaration", "fault"),
    [
        ({"rest": "POST /grants/{grant_id}/{grant_id}"}, "has {grant_id} twice"),
        ({"body": "grant_id"}, "has {grant_id}, which is the body or a header"),
        ({"body": "grant_id", "rest": "GET /grants"}, "GET /grants has no body"),
    ],
)
def test_operation_when_its_route_can_not_carry_its_fields_is_refused_by_name(
    declaration: dict[str, Any], fault: str
) -> None:
    refused = refusal_of(declared(**declaration))
    assert refused.startswith("PauseGrant: ")
    assert refused.endswith(fault)


def test_operations_when_they_share_a_route_are_refused_by_name() -> None:
    one = declared(rest="POST /grants/{grant_id}/revoke")
    assert refusal_of(RevokeGrant, one) == "RevokeGrant and PauseGrant: both on POST /grants/{grant_id}/revoke"


def test_operations_when_routes_differ_in_the_names_of_parameters_alone_are_refused_by_name() -> None:
    @dataclass(frozen=True, kw_only=True)
    class EndGrant(Call[GrantView], service=APPROVAL, roles=ENGINEERS, rest="POST /grants/{id}/pause"):
        id: Uuid

    assert "EndGrant and PauseGrant: both on" in refusal_of(EndGrant, declared())


def test_operation_when_a_role_does_not_exist_is_refused_by_name() -> None:
    unknown = cast(tuple[Role, ...], (Role.ENGINEER, "wizard"))
    assert refusal_of(declared(roles=unknown)) == "PauseGrant: there is no role wizard"


def test_operation_when_its_path_names_no_field_is_refused_by_name() -> None:
    refused = refusal_of(declared(rest="POST /tenants/{tenant}/grants/{grant_id}"))
    assert refused == "PauseGrant: POST /tenants/{tenant}/grants/{grant_id} has {tenant}, which is no field"


def test_operation_when_its_body_is_no_field_is_refused_by_name() -> None:
    assert refusal_of(declared(body="terms")) == "PauseGrant: the body 'terms' is no field"


@pytest.mark.parametrize(
    "declaration",
    [{"only": VENDOR_ROLES}, {"service": EVERY}, {"rest": "POST /ops/grants/{grant_id}"}, {"rest": "POST /ops"}],
)
def test_operation_of_the_vendor_when_open_to_a_customer_is_refused_by_name(declaration: dict[str, Any]) -> None:
    refused = refusal_of(declared(roles=(Role.OPERATOR, Role.CUSTOMER_ADMIN), **declaration))
    assert refused == "PauseGrant: an operation of the vendor alone is open to customer_admin"
    refused = refusal_of(declared(roles=PUBLIC, **declaration))
    assert refused == "PauseGrant: an operation of the vendor alone is open to everybody"


def test_operation_of_the_customer_when_open_to_the_vendor_is_refused_by_name() -> None:
    refused = refusal_of(declared(roles=(Role.CUSTOMER_ADMIN, Role.ENGINEER), only=CUSTOMER_ROLES))
    assert refused == "PauseGrant: an operation of the customer alone is open to engineer"


def test_operations_when_several_are_wrong_are_all_named() -> None:
    refused = refusal_of(declared(body="terms"), declared(rest="GET /grants/{kid}", roles=SIGNED_IN))
    assert refused.count("PauseGrant: ") == 2


def test_operations_when_checked_at_start_are_all_right() -> None:
    registry.check()
    assert len(registry.OPERATIONS) == len(set(registry.OPERATIONS))


@pytest.mark.parametrize(("by", "admitted"), [(VENDOR_APPROVER, True), (ALICE, True), (ADMIN, True), (ENGINEER, False)])
def test_operation_when_asked_admits_the_callers_with_its_roles(by: Caller, admitted: bool) -> None:
    assert RevokeGrant.admits(by) is admitted
    if not admitted:
        with pytest.raises(Forbidden) as refused:
            RevokeGrant.require_role(by)
        assert refused.value.code == "role_required"
        assert refused.value.params == {"roles": ["vendor_approver", "customer_approver", "customer_admin"]}
        assert all(role in refused.value.message for role in RevokeGrant.roles)


def test_operation_when_a_role_is_held_in_the_wrong_organisation_does_not_admit() -> None:
    assert not RevokeGrant.admits(caller("x@contoso.example", "contoso", Role.VENDOR_APPROVER))
    assert not declared(roles=SIGNED_IN).admits(caller("x@contoso.example", "contoso", Role.ENGINEER))


def test_operation_when_public_admits_a_caller_without_roles() -> None:
    assert declared(roles=PUBLIC).admits(caller("portal_service", "vendor"))
    assert not declared(roles=SIGNED_IN).admits(caller("portal_service", "vendor"))


def test_route_when_read_knows_method_path_and_parameters() -> None:
    route = RestRoute.of("POST /ops/parked/{queue}/{parked_id}/replay")
    assert (route.method, route.parameters) == ("POST", ("queue", "parked_id"))
    assert str(route) == "POST /ops/parked/{queue}/{parked_id}/replay"
