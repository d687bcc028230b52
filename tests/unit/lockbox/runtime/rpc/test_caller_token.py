from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.builders import ADMIN, NOW, REQUEST_ID, public_keys, signing_key, terms

from approval_service.domain.grant import Grant
from lockbox.contracts.identity import Caller, Role
from lockbox.crypto.tokens import GRANT_TOKEN, sign, verify
from lockbox.errors import Forbidden
from lockbox.runtime.rpc.caller_token import CALLER_TOKEN, LIFETIME, identify, mint

KEY = signing_key()
KEYS = public_keys(KEY)
TOKEN = mint(ADMIN, KEY, NOW)


def code_of(token: object, now: datetime = NOW) -> str:
    with pytest.raises(Forbidden) as refused:
        identify(token, KEYS, now)
    return refused.value.code


def claims(**changes: Any) -> dict[str, Any]:
    return {**verify(CALLER_TOKEN, TOKEN, KEYS, NOW), **changes}


def test_identify_when_minted_gives_the_same_caller() -> None:
    assert identify(TOKEN, KEYS, NOW) == ADMIN


@given(
    organisation=st.sampled_from(["vendor", "contoso"]),
    roles=st.frozensets(st.sampled_from(Role)),
    ago=st.timedeltas(timedelta(0), timedelta(days=1)),
)
def test_identify_when_any_caller_is_minted_gives_the_same(
    organisation: str, roles: frozenset[Role], ago: timedelta
) -> None:
    caller = replace(ADMIN, organisation=organisation, roles=roles, authenticated_at=NOW - ago)
    assert identify(mint(caller, KEY, NOW), KEYS, NOW) == caller


def test_mint_when_done_lives_five_minutes() -> None:
    assert timedelta(minutes=5) == LIFETIME
    assert claims()["exp"] - NOW.timestamp() == pytest.approx(300, abs=1)
    assert claims()["exp"] - claims()["nbf"] <= 302


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=4, seconds=59)])
def test_identify_when_within_five_minutes_lets_through(after: timedelta) -> None:
    assert identify(TOKEN, KEYS, NOW + after) == ADMIN


@pytest.mark.parametrize("after", [timedelta(minutes=5), timedelta(minutes=5, microseconds=1), timedelta(days=1)])
def test_identify_when_five_minutes_have_passed_is_expired(after: timedelta) -> None:
    assert code_of(TOKEN, NOW + after) == "token_expired"


def test_identify_when_the_clocks_differ_by_a_second_lets_through() -> None:
    assert identify(TOKEN, KEYS, NOW - timedelta(seconds=1)) == ADMIN
    assert code_of(TOKEN, NOW - timedelta(minutes=1)) == "token_not_yet_valid"


def test_identify_when_it_is_a_grant_is_refused() -> None:
    grant = Grant.of(REQUEST_ID, "erin@vendor.example", terms(), "approval", NOW)
    assert code_of(sign(GRANT_TOKEN, grant.claims(), KEY)) == "token_malformed"


def test_verify_when_it_is_a_caller_token_is_no_grant() -> None:
    with pytest.raises(Forbidden) as refused:
        verify(GRANT_TOKEN, TOKEN, KEYS, NOW)
    assert refused.value.code == "token_malformed"


def test_identify_when_another_key_signed_is_refused() -> None:
    assert code_of(mint(ADMIN, signing_key(2), NOW)) == "token_key_unknown"


@pytest.mark.parametrize("name", ["org", "roles", "authenticated_at", "correlation_id"])
def test_identify_when_a_claim_is_missing_is_refused(name: str) -> None:
    some = {key: value for key, value in claims().items() if key != name}
    assert code_of(sign(CALLER_TOKEN, some, KEY)) == "token_malformed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("roles", ["customer_admin", "root"]),
        ("roles", "customer_admin"),
        ("roles", None),
        ("roles", 7),
        ("roles", [["customer_admin"]]),
        ("authenticated_at", "yesterday"),
        ("authenticated_at", "2026-01-31T09:30:00"),
        ("authenticated_at", 7),
        ("authenticated_at", None),
        ("authenticated_at", "0001-01-01T00:00:00+01:00"),
    ],
)
def test_identify_when_a_claim_is_nonsense_is_refused(name: str, value: object) -> None:
    assert code_of(sign(CALLER_TOKEN, claims(**{name: value}), KEY)) == "token_malformed"


@pytest.mark.parametrize("token", [None, "", b"token", 7, "a.b.c", ["token"], {"token": "x"}])
def test_identify_when_there_is_no_token_is_refused(token: object) -> None:
    assert code_of(token) == "token_malformed"


def test_caller_when_identified_has_the_roles_of_its_organisation_alone() -> None:
    both = Caller("x@contoso.example", "contoso", frozenset(Role), NOW, REQUEST_ID)
    identified = identify(mint(both, KEY, NOW), KEYS, NOW)
    assert identified.has(Role.CUSTOMER_ADMIN)
    assert not identified.has(Role.VENDOR_APPROVER)
