from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.builders import NOW, REQUEST_ID, public_keys, signing_key, terms

from approval_service.domain.grant import Grant
from lockbox.crypto.keys import PublicKeys
from lockbox.crypto.tokens import GRANT_TOKEN, TokenKind, sign
from lockbox.guard.decision import Attempt, Decision, decide

KEY = signing_key()
KEYS = public_keys(KEY)
TERMS = terms(resources=("mailbox/alice", "files/report"), actions=("read", "export"))
GRANT = Grant.of(REQUEST_ID, "erin@vendor.example", TERMS, "approval", NOW)
TOKEN = sign(GRANT_TOKEN, GRANT.claims(), KEY)
ATTEMPT = Attempt(tenant="contoso", resource="mailbox/alice", action="read")
SOON = NOW + timedelta(minutes=5)
NEAR_MISSES = [
    "contoso", "Contoso", "contoso ", "fabrikam", "", "vendor",
    "mailbox/alice", "mailbox/Alice", "mailbox/alice/", "mailbox/alice2", "mailbox", "mailbox/*", "files/report",
    "mailbox/alice\n",
    "read", "Read", "export", "write", "rea", "read ", "*",
]  # fmt: skip


def asked(
    token: str | None = TOKEN, now: datetime = SOON, revoked: frozenset[str] = frozenset(), **attempt: Any
) -> Decision:
    return decide(token, replace(ATTEMPT, **attempt), KEYS, revoked, now)


def test_decide_when_granted_says_to_whom_and_by_which_request() -> None:
    assert asked() == Decision(
        allowed=True,
        reason="granted",
        attempt=ATTEMPT,
        grant_id=GRANT.id,
        request_id=REQUEST_ID,
        engineer="erin@vendor.example",
    )


@pytest.mark.parametrize("resource", TERMS.resources)
@pytest.mark.parametrize("action", TERMS.actions)
def test_decide_when_any_of_the_granted_items_is_asked_for_allows_it(resource: str, action: str) -> None:
    assert asked(resource=resource, action=action).allowed


@pytest.mark.parametrize("token", [None, ""])
def test_decide_when_there_is_no_token_says_so(token: str | None) -> None:
    assert asked(token) == Decision(allowed=False, reason="no_grant", attempt=ATTEMPT)


@pytest.mark.parametrize("token", ["x", "a.b.c", TOKEN.encode(), 7, ["x"], TOKEN + "\n.", "x" * 10**6])
def test_decide_when_the_token_is_nonsense_says_so(token: Any) -> None:
    assert asked(token) == Decision(allowed=False, reason="token_malformed", attempt=ATTEMPT)


def test_decide_when_no_key_is_known_lets_nobody_in() -> None:
    assert decide(TOKEN, ATTEMPT, PublicKeys({}), frozenset(), SOON).reason == "token_key_unknown"


def test_decide_when_another_key_signed_says_so() -> None:
    assert asked(sign(GRANT_TOKEN, GRANT.claims(), signing_key(2))).reason == "token_key_unknown"


def test_decide_when_altered_or_not_signed_says_so() -> None:
    head, claims, signature = TOKEN.split(".")
    other = sign(GRANT_TOKEN, GRANT.claims() | {"tenant": "fabrikam"}, KEY).split(".")[1]
    for forged in (f"{head}.{other}.{signature}", f"{head}.{claims}.", f"{head}.{claims}.{'A' * 86}"):
        decision = asked(forged)
        assert (decision.allowed, decision.reason, decision.grant_id) == (False, "token_forged", None)


def test_decide_when_it_is_a_token_of_another_kind_says_so() -> None:
    caller = TokenKind(typ="lockbox-caller+jwt", issuer="portal_service", audience="lockbox-rpc")
    assert asked(sign(caller, GRANT.claims(), KEY)).reason == "token_malformed"


def test_decide_when_too_early_or_too_late_says_so() -> None:
    assert asked(now=NOW - timedelta(microseconds=1)).reason == "token_not_yet_valid"
    assert asked(now=NOW).allowed
    assert asked(now=NOW + timedelta(hours=4) - timedelta(microseconds=1)).allowed
    assert asked(now=NOW + timedelta(hours=4)).reason == "token_expired"


def test_decide_when_revoked_says_so_whatever_is_asked_for() -> None:
    for attempt in ({}, {"tenant": "fabrikam"}, {"resource": "x/y"}):
        decision = asked(revoked=frozenset({GRANT.id}), **attempt)
        assert (decision.allowed, decision.reason) == (False, "grant_revoked")
        assert (decision.grant_id, decision.request_id, decision.engineer) == (
            GRANT.id,
            REQUEST_ID,
            "erin@vendor.example",
        )


def test_decide_when_another_grant_was_revoked_lets_through() -> None:
    assert asked(revoked=frozenset({REQUEST_ID, GRANT.id.upper(), GRANT.id[:-1]})).allowed


@pytest.mark.parametrize("tenant", ["fabrikam", "Contoso", "contoso ", "", "contoso\n", "contos"])
def test_decide_when_it_is_anothers_content_says_so(tenant: str) -> None:
    decision = asked(tenant=tenant)
    assert (decision.allowed, decision.reason) == (False, "other_tenant")
    assert decision.grant_id == GRANT.id


@pytest.mark.parametrize(
    "resource",
    [
        "mailbox/bob", "mailbox/Alice", "mailbox", "mailbox/", "mailbox/alice/inbox", "mailbox/alice ", "mailbox/*", "",
        "mailbox/./alice", "mailbox%2Falice", "mailbox/al", "alice",
    ],
)  # fmt: skip
def test_decide_when_it_is_another_resource_says_so(resource: str) -> None:
    assert asked(resource=resource).reason == "other_resource"


@pytest.mark.parametrize(
    "resource",
    [
        "mailbox/../files/x", "mailbox/./alice", "mailbox//alice", "mailbox/", "mailbox/*", "mailbox/**", "*/x",
        "mailbox/a%2Fb", "mailbox/..", "mailbox/al\u0456ce", "mailbox/alice\n", "mailbox/alice ", "/mailbox/alice",
        "mailbox/a\\b",
    ],
)  # fmt: skip
@pytest.mark.parametrize("pattern", ["mailbox/**", "*/**"])
def test_decide_when_a_pattern_would_match_a_trick_says_that_it_is_another_resource(
    resource: str, pattern: str
) -> None:
    wide = sign(GRANT_TOKEN, GRANT.claims() | {"resources": [pattern]}, KEY)
    assert asked(wide, resource=resource).reason == "other_resource"
    assert asked(wide, resource="mailbox/alice").allowed


@pytest.mark.parametrize("action", ["write", "Read", "", "re", "read ", "read,export", "*"])
def test_decide_when_it_is_another_action_says_so(action: str) -> None:
    assert asked(action=action).reason == "other_action"


@pytest.mark.parametrize("name", ["tenant", "resources", "actions"])
@pytest.mark.parametrize("value", [None, "", [], {}, 0])
def test_decide_when_the_grant_names_nothing_allows_nothing(name: str, value: object) -> None:
    assert not asked(sign(GRANT_TOKEN, GRANT.claims() | {name: value}, KEY)).allowed


def test_decide_when_the_grant_has_no_id_that_could_be_revoked_allows_nothing() -> None:
    claims = GRANT.claims()
    del claims["jti"]
    assert not asked(sign(GRANT_TOKEN, claims, KEY)).allowed


def test_decide_when_the_grant_names_a_text_in_place_of_a_list_does_not_look_inside() -> None:
    assert not asked(sign(GRANT_TOKEN, GRANT.claims() | {"resources": "a mailbox/alice b"}, KEY)).allowed
    assert not asked(sign(GRANT_TOKEN, GRANT.claims() | {"actions": "bread"}, KEY)).allowed


@given(
    tenant=st.sampled_from(NEAR_MISSES) | st.text(),
    resource=st.sampled_from(NEAR_MISSES) | st.text(),
    action=st.sampled_from(NEAR_MISSES) | st.text(),
    minutes=st.integers(-10, 300),
    revoked=st.booleans(),
)
@example(tenant="contoso", resource="mailbox/alice", action="read", minutes=5, revoked=False)
def test_decide_when_allowed_every_field_equals_what_was_granted(
    tenant: str, resource: str, action: str, minutes: int, revoked: bool
) -> None:
    decision = asked(
        now=NOW + timedelta(minutes=minutes),
        revoked=frozenset({GRANT.id} if revoked else ()),
        tenant=tenant,
        resource=resource,
        action=action,
    )
    granted = (
        tenant == TERMS.tenant
        and resource in TERMS.resources
        and action in TERMS.actions
        and 0 <= minutes < 240
        and not revoked
    )
    assert decision.allowed is granted
    assert (decision.reason == "granted") is granted


@given(st.text() | st.binary())
def test_decide_when_the_token_is_anything_at_all_refuses(token: Any) -> None:
    assert not asked(token).allowed
