import pytest
from tests.unit.builders import CORRELATION_ID, NOW

from lockbox.contracts.identity import CUSTOMER_ROLES, VENDOR_ROLES, Role
from lockbox.contracts.member import MemberAdded
from lockbox.errors import Invalid
from portal_service.domain.account import Account


def add(organisation: str, *roles: str, email: str = "carol@contoso.example") -> Account:
    return Account.add(email, organisation, roles, "hash").state


def test_add_when_the_roles_fit_names_the_member() -> None:
    changed = Account.add("carol@contoso.example", "contoso", ("customer_admin", "customer_auditor"), "hash")
    assert changed.state == Account(
        email="carol@contoso.example",
        organisation="contoso",
        roles=("customer_admin", "customer_auditor"),
        password_hash="hash",
    )
    assert changed.facts == (
        MemberAdded(tenant="contoso", email="carol@contoso.example", roles=("customer_admin", "customer_auditor")),
    )


def test_add_when_the_address_has_capitals_keeps_it_in_lower_case() -> None:
    changed = Account.add("Carol@Contoso.Example", "contoso", ("customer_admin",), None)
    [fact] = changed.facts
    assert changed.state.email == fact.subject == "carol@contoso.example"


def test_add_when_at_the_vendor_belongs_to_no_tenant() -> None:
    changed = Account.add("otto@vendor.example", "vendor", ("operator",), None)
    assert changed.state.tenant is None
    assert changed.facts[0].tenant is None
    assert add("contoso", "customer_admin").tenant == "contoso"


@pytest.mark.parametrize("role", Role)
def test_add_when_a_role_is_given_takes_it_where_it_belongs_alone(role: Role) -> None:
    for organisation, fitting in (("vendor", VENDOR_ROLES), ("contoso", CUSTOMER_ROLES)):
        if role in fitting:
            assert add(organisation, role).roles == (role,)
        else:
            with pytest.raises(Invalid) as refused:
                add(organisation, role)
            assert refused.value.code == "invalid_roles"


@pytest.mark.parametrize(
    "roles", [(), ("root",), ("Engineer",), ("engineer", "root"), ("engineer", "customer_admin"), ("",)]
)
def test_add_when_roles_are_missing_or_unknown_says_which_there_are(roles: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as refused:
        add("vendor", *roles)
    assert all(role in refused.value.message for role in VENDOR_ROLES)


def test_as_caller_when_signed_in_says_who_calls() -> None:
    caller = add("contoso", "customer_admin", "customer_approver").as_caller(NOW, CORRELATION_ID)
    assert (caller.email, caller.organisation) == ("carol@contoso.example", "contoso")
    assert caller.roles == {Role.CUSTOMER_ADMIN, Role.CUSTOMER_APPROVER}
    assert (caller.authenticated_at, caller.correlation_id) == (NOW, CORRELATION_ID)


def test_account_when_shown_in_a_message_does_not_name_its_password() -> None:
    with pytest.raises(Invalid) as refused:
        Account.add("carol@contoso.example", "contoso", ("operator",), "argon2-hash")
    assert "argon2-hash" not in str(refused.value)
