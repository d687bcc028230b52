from dataclasses import replace

import pytest
from tests.unit.builders import CORRELATION_ID, NOW, caller

from lockbox.contracts.events import Cause
from lockbox.contracts.identity import CUSTOMER_ROLES, VENDOR_ROLES, Caller, Role
from lockbox.errors import NotFound

REQUESTER = "erin@vendor.example"


def of(organisation: str, *roles: Role, email: str = "somebody@vendor.example") -> Caller:
    return caller(email, organisation, *roles)


def test_roles_when_divided_belong_to_the_vendor_or_to_customers() -> None:
    assert set(Role) == VENDOR_ROLES | CUSTOMER_ROLES
    assert not VENDOR_ROLES & CUSTOMER_ROLES
    assert {role for role in Role if role.startswith("customer_")} == CUSTOMER_ROLES


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("organisation", ["vendor", "contoso"])
def test_has_when_the_role_is_of_the_callers_organisation_is_true(role: Role, organisation: str) -> None:
    fitting = role in (VENDOR_ROLES if organisation == "vendor" else CUSTOMER_ROLES)
    assert of(organisation, role).has(role) is fitting
    assert of(organisation, *Role).has(role) is fitting


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("organisation", ["vendor", "contoso"])
def test_has_when_only_other_roles_are_held_is_false(role: Role, organisation: str) -> None:
    assert not of(organisation, *(set(Role) - {role})).has(role)


def test_has_when_nothing_is_asked_for_is_false() -> None:
    assert not of("vendor", *Role).has()
    assert not of("vendor").has(*Role)


@pytest.mark.parametrize(
    ("organisation", "role", "sees"),
    [
        ("vendor", Role.ENGINEER, False),
        ("vendor", Role.VENDOR_APPROVER, True),
        ("vendor", Role.VENDOR_AUDITOR, True),
        ("vendor", Role.OPERATOR, False),
        ("vendor", Role.ENFORCEMENT_POINT, False),
        ("vendor", Role.CUSTOMER_APPROVER, False),
        ("vendor", Role.CUSTOMER_ADMIN, False),
        ("contoso", Role.CUSTOMER_APPROVER, True),
        ("contoso", Role.CUSTOMER_ADMIN, True),
        ("contoso", Role.CUSTOMER_AUDITOR, True),
        ("contoso", Role.VENDOR_APPROVER, False),
        ("contoso", Role.VENDOR_AUDITOR, False),
        ("contoso", Role.ENGINEER, False),
        ("fabrikam", Role.CUSTOMER_APPROVER, False),
        ("fabrikam", Role.CUSTOMER_ADMIN, False),
        ("fabrikam", Role.CUSTOMER_AUDITOR, False),
        ("fabrikam", Role.VENDOR_APPROVER, False),
        ("", Role.CUSTOMER_ADMIN, False),
        ("Contoso", Role.CUSTOMER_ADMIN, False),
        ("contoso ", Role.CUSTOMER_ADMIN, False),
    ],
)
def test_sees_when_a_request_is_somebody_elses_depends_on_role_and_organisation(
    organisation: str, role: Role, sees: bool
) -> None:
    assert of(organisation, role).sees("contoso", REQUESTER) is sees
    if sees:
        of(organisation, role).require_sight("request", "contoso", REQUESTER)
    else:
        with pytest.raises(NotFound):
            of(organisation, role).require_sight("request", "contoso", REQUESTER)


@pytest.mark.parametrize("organisation", ["vendor", "contoso", "fabrikam"])
def test_sees_when_there_is_no_role_is_false(organisation: str) -> None:
    assert not of(organisation).sees("contoso", REQUESTER)


def test_sees_when_it_is_ones_own_request_is_true_at_the_vendor_alone() -> None:
    assert of("vendor", Role.ENGINEER, email=REQUESTER).sees("contoso", REQUESTER)
    assert not of("fabrikam", Role.CUSTOMER_ADMIN, email=REQUESTER).sees("contoso", REQUESTER)


def test_sees_when_a_tenant_is_called_like_the_vendor_is_still_the_vendors_rule() -> None:
    assert not of("vendor", Role.CUSTOMER_ADMIN).sees("vendor", REQUESTER)


@pytest.mark.parametrize("noun", ["request", "grant"])
def test_require_sight_when_out_of_sight_says_that_there_is_nothing(noun: str) -> None:
    with pytest.raises(NotFound) as refused:
        of("fabrikam", Role.CUSTOMER_ADMIN).require_sight(noun, "contoso", REQUESTER)
    assert refused.value.code == f"{noun}_not_found"
    assert refused.value.message == f"there is no such {noun}"


@pytest.mark.parametrize(
    ("tenants", "named"), [(None, False), ((), False), (("fabrikam",), False), (("contoso",), True), (("*",), True)]
)
def test_is_for_when_the_token_names_the_tenant_or_all_is_true(tenants: tuple[str, ...] | None, named: bool) -> None:
    names = None if tenants is None else frozenset(tenants)
    assert replace(of("vendor", Role.ENFORCEMENT_POINT), tenants=names).is_for("contoso") is named


def test_cause_when_a_caller_acts_names_the_caller() -> None:
    made = Caller("alice@contoso.example", "contoso", frozenset(), NOW, CORRELATION_ID)
    assert made.cause() == Cause("alice@contoso.example", CORRELATION_ID)
