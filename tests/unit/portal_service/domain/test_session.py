from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.builders import NOW

from lockbox.contracts.member import ApiTokenChanged, ApiTokenCreated, SignedIn, SignInFailed
from portal_service.domain.account import Account
from portal_service.domain.session import (
    ApiToken,
    FailedAttempt,
    Session,
)

CAROL = Account(email="carol@contoso.example", organisation="contoso", roles=("customer_admin",), password_hash="hash")
POINT = Account(email="point@vendor.example", organisation="vendor", roles=("enforcement_point",), password_hash=None)


def test_session_when_begun_lasts_eight_hours() -> None:
    changed = Session.begin(CAROL, NOW)
    assert changed.state == Session(email=CAROL.email, created_at=NOW, expires_at=NOW + timedelta(hours=8))
    assert changed.facts == (SignedIn(tenant="contoso", email=CAROL.email),)


def test_api_token_when_made_lets_a_machine_in() -> None:
    changed = ApiToken.create(POINT, ("contoso",), NOW)
    assert changed.state == ApiToken(email=POINT.email, created_at=NOW, tenants=("contoso",))
    assert changed.facts == (ApiTokenCreated(tenant=None, email=POINT.email, tenants=("contoso",)),)


def test_api_token_when_it_is_for_other_tenants_from_now_on_tells_it_once() -> None:
    token = ApiToken.create(POINT, ("contoso",), NOW).state
    changed = token.name_tenants(POINT, ("contoso", "fabrikam"))
    assert changed.state == replace(token, tenants=("contoso", "fabrikam"))
    fact = ApiTokenChanged(tenant=None, email=POINT.email, tenants=("contoso", "fabrikam"))
    assert changed.facts == (fact,)
    assert changed.state.name_tenants(POINT, ("contoso", "fabrikam")).facts == ()


@pytest.mark.parametrize(("account", "tenant"), [(CAROL, "contoso"), (POINT, None), (None, None)])
def test_failed_attempt_when_noted_is_for_the_tenant_of_the_account(
    account: Account | None, tenant: str | None
) -> None:
    changed = FailedAttempt.note("carol@contoso.example", account, "198.51.100.7", NOW)
    assert changed.state == FailedAttempt(email="carol@contoso.example", at=NOW)
    assert changed.facts == (SignInFailed(tenant=tenant, email="carol@contoso.example", source_address="198.51.100.7"),)
