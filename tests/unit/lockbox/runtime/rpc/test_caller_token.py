from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.builders import ADMIN, NOW, REQUEST_ID, terms
from tests.unit.keys import public_keys, signing_key

from approval_service.domain.grant import Grant
from lockbox.contracts.identity import Caller, Role
from lockbox.crypto.tokens import GRANT_TOKEN, sign, verify
from lockbox.errors import Forbidden
from lockbox.runtime.rpc.caller_token import CallScope, identify, mint

KEY = signing_key()
KEYS = public_keys(KEY)
SCOPE = CallScope("approval_service", "put_policy", "ab" * 32, "reply")
TOKEN = mint(ADMIN, SCOPE, KEY, NOW)


def code_of(token: object, now: datetime = NOW, scope: CallScope = SCOPE) -> str:
    with pytest.raises(Forbidden) as refused:
        identify(token, scope, KEYS, now)
    return refused.value.code


def claims(**changes: Any) -> dict[str, Any]:
    return {**verify(SCOPE.kind, TOKEN, KEYS, NOW), **changes}


def test_identify_when_minted_gives_the_same_caller() -> None:
    assert identify(TOKEN, SCOPE, KEYS, NOW) == ADMIN


@given(
    organisation=st.sampled_from(["vendor", "contoso"]),
    roles=st.frozensets(st.sampled_from(Role)),
    ago=st.timedeltas(timedelta(0), timedelta(days=1)),
)
def test_identify_when_any_caller_is_minted_gives_the_same(
    organisation: str, roles: frozenset[Role], ago: timedelta
) -> None:
    caller = replace(ADMIN, organisation=organisation, roles=roles, authenticated_at=NOW - ago)
    assert identify(mint(caller, SCOPE, KEY, NOW), SCOPE, KEYS, NOW) == caller


@pytest.mark.parametrize("tenants", [None, frozenset[str](), frozenset({"contoso"}), frozenset({"*"})])
def test_identify_when_an_api_token_is_for_tenants_names_them(tenants: frozenset[str] | None) -> None:
    point = replace(ADMIN, tenants=tenants)
    assert identify(mint(point, SCOPE, KEY, NOW), SCOPE, KEYS, NOW) == point


def test_mint_when_done_lives_thirty_seconds_in_all() -> None:
    assert claims()["exp"] - claims()["nbf"] == 30


@pytest.mark.parametrize("after", [timedelta(seconds=-5), timedelta(0), timedelta(seconds=24)])
def test_identify_when_in_time_lets_through(after: timedelta) -> None:
    assert identify(TOKEN, SCOPE, KEYS, NOW + after) == ADMIN


@pytest.mark.parametrize("after", [timedelta(seconds=25), timedelta(seconds=31), timedelta(days=1)])
def test_identify_when_too_late_is_expired(after: timedelta) -> None:
    assert code_of(TOKEN, NOW + after) == "token_expired"


@pytest.mark.parametrize("before", [timedelta(seconds=6), timedelta(days=1)])
def test_identify_when_it_is_of_tomorrow_is_not_yet_valid(before: timedelta) -> None:
    assert code_of(TOKEN, NOW - before) == "token_not_yet_valid"


@pytest.mark.parametrize(
    ("part", "value", "code"),
    [
        ("service", "audit_service", "token_other_audience"),
        ("service", "", "token_other_audience"),
        ("method", "decide", "token_other_method"),
        ("sha256", "cd" * 32, "token_other_message"),
        ("reply_to", "another", "token_other_reply"),
    ],
)
def test_identify_when_the_token_is_for_another_call_is_refused(part: str, value: str, code: str) -> None:
    assert code_of(TOKEN, scope=replace(SCOPE, **{part: value})) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [("method", "token_other_method"), ("sha256", "token_other_message"), ("reply_to", "token_other_reply")],
)
def test_identify_when_the_token_names_no_call_is_refused(name: str, code: str) -> None:
    unnamed = {key: value for key, value in claims().items() if key != name}
    assert code_of(sign(SCOPE.kind, unnamed, KEY)) == code
    assert code_of(sign(SCOPE.kind, claims(**{name: None}), KEY)) == code
    assert code_of(sign(SCOPE.kind, claims(**{name: [claims()[name]]}), KEY)) == code


def test_identify_when_it_is_a_grant_is_refused() -> None:
    grant = Grant.of(REQUEST_ID, "erin@vendor.example", terms(), "approval", NOW)
    assert code_of(sign(GRANT_TOKEN, grant.claims(), KEY)) == "token_malformed"


def test_verify_when_it_is_a_caller_token_is_no_grant() -> None:
    with pytest.raises(Forbidden) as refused:
        verify(GRANT_TOKEN, TOKEN, KEYS, NOW)
    assert refused.value.code == "token_malformed"


def test_identify_when_another_key_signed_is_refused() -> None:
    assert code_of(mint(ADMIN, SCOPE, signing_key(2), NOW)) == "token_key_unknown"


@pytest.mark.parametrize("name", ["org", "roles", "authenticated_at", "correlation_id"])
def test_identify_when_a_claim_is_missing_is_refused(name: str) -> None:
    some = {key: value for key, value in claims().items() if key != name}
    assert code_of(sign(SCOPE.kind, some, KEY)) == "token_malformed"


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
    assert code_of(sign(SCOPE.kind, claims(**{name: value}), KEY)) == "token_malformed"


@pytest.mark.parametrize("token", [None, "", b"token", 7, "a.b.c", ["token"], {"token": "x"}])
def test_identify_when_there_is_no_token_is_refused(token: object) -> None:
    assert code_of(token) == "token_malformed"


def test_caller_when_identified_has_the_roles_of_its_organisation_alone() -> None:
    both = Caller("x@contoso.example", "contoso", frozenset(Role), NOW, REQUEST_ID)
    identified = identify(mint(both, SCOPE, KEY, NOW), SCOPE, KEYS, NOW)
    assert identified.has(Role.CUSTOMER_ADMIN)
    assert not identified.has(Role.VENDOR_APPROVER)
