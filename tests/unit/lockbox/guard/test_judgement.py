import re
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.builders import NOW, REQUEST_ID
from tests.unit.keys import public_keys
from tests.unit.lockbox.guard.grants import (
    ATTEMPT,
    BY_A_REVOKED_KEY,
    ERIN,
    ERINS_CERTIFICATE,
    EVE,
    FACTS,
    GRANT,
    KEY,
    LASTS,
    ORIGIN,
    OTHER_KEY,
    REVOKED,
    SOON,
    TERMS,
    TOKEN,
    URL,
    decide,
    dpop,
    session,
    token,
)

from lockbox.crypto.tokens import GRANT_TOKEN, sign
from lockbox.errors import Forbidden
from lockbox.guard import Decision, Dpop, judgement
from lockbox.guard.decision import Shown
from lockbox.guard.judgement import Judge, Seen

# --- a yes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [dpop(TOKEN), session(TOKEN), ERINS_CERTIFICATE], ids=["dpop", "session", "tls"])
def test_decide_when_granted_says_to_whom_and_by_which_request(shown: Shown) -> None:
    assert decide(shown=shown) == Decision(
        allowed=True,
        reason="granted",
        attempt=ATTEMPT,
        grant_id=GRANT.id,
        request_id=REQUEST_ID,
        engineer="erin@vendor.example",
    )


@pytest.mark.parametrize("resource", ["mailbox/alice", "files/report", "files/2026/01/report.pdf", "files/a@b+c_d-e"])
@pytest.mark.parametrize("action", TERMS.actions)
def test_decide_when_any_of_the_granted_items_is_asked_for_allows_it(resource: str, action: str) -> None:
    assert decide(resource=resource, action=action).allowed


def test_decide_when_another_grant_or_key_was_revoked_lets_through() -> None:
    others = frozenset({REQUEST_ID, GRANT.id.upper(), GRANT.id[:-1], ""})
    assert decide(facts=replace(FACTS, revoked=others, revoked_keys=frozenset({OTHER_KEY.kid, ERIN.kid}))).allowed


def test_decide_when_it_is_unbound_allows_it_where_that_is_optional() -> None:
    judge = Judge("optional", skew=0.0)
    assert decide(token(cnf=None), None, judge=judge).allowed
    assert decide(token(cnf={}), None, judge=judge).reason == "proof_missing"
    assert decide(token(cnf={"kid": "x"}), None, judge=judge).reason == "proof_missing"
    assert decide(TOKEN, None, judge=judge).reason == "proof_missing"


def test_decide_when_the_binding_is_misspelt_is_strict() -> None:
    assert decide(token(cnf=None), None, judge=Judge("Optional", 0.0)).reason == "token_unbound"  # type: ignore[arg-type]


# --- time, proofs and memory ---------------------------------------------------------------------------------------


def test_decide_when_within_its_time_allows_it_with_skew_at_its_beginning_alone() -> None:
    judge = Judge("required", skew=5.0)
    for moment in (NOW - timedelta(seconds=5), NOW, NOW + LASTS - timedelta(microseconds=10)):
        assert decide(now=moment, judge=judge).allowed


@pytest.mark.parametrize("seconds", [-60, 0, 60])
def test_decide_when_a_proof_is_as_old_as_it_may_be_allows_it(seconds: float) -> None:
    made_at = float(int(SOON.timestamp()))
    assert decide(shown=dpop(TOKEN, made_at), now=datetime.fromtimestamp(made_at + seconds, SOON.tzinfo)).allowed


def test_decide_when_a_session_is_shown_allows_every_request_to_its_origin_for_some_minutes() -> None:
    judge, shown = Judge("required", skew=0.0), session(TOKEN)
    for number in range(5):
        other = replace(shown, method="PUT", url=f"{ORIGIN}:443/{number}?x=1")
        assert decide(shown=other, now=SOON + timedelta(seconds=74 * number), judge=judge).allowed


@pytest.mark.parametrize(
    "url", [URL + "?page=2", URL + "#top", URL.replace("https", "HTTPS"), URL.replace(".example/", ".EXAMPLE:443/")]
)
def test_decide_when_the_address_is_written_in_another_way_takes_the_proof(url: str) -> None:
    assert decide(shown=replace(dpop(TOKEN), url=url)).allowed


def test_decide_when_a_proof_was_refused_for_something_else_it_is_not_used_up() -> None:
    judge, proof = Judge("required", skew=0.0), dpop(TOKEN)
    assert decide(shown=replace(proof, method="PUT"), judge=judge).reason == "proof_of_another_request"
    assert decide(shown=proof, judge=judge).allowed


def test_decide_when_keys_change_does_not_rely_on_what_it_verified_before() -> None:
    judge = Judge("required", skew=0.0)
    assert decide(judge=judge).allowed
    assert decide(judge=judge, facts=replace(FACTS, keys=public_keys(OTHER_KEY))).reason == "token_key_unknown"
    assert decide(judge=judge, facts=replace(FACTS, keys=public_keys(KEY, OTHER_KEY))).allowed


def test_decide_when_a_known_grant_ends_or_is_revoked_denies_it() -> None:
    judge = Judge("required", skew=0.0)
    assert decide(judge=judge).allowed
    assert decide(judge=judge, facts=REVOKED).reason == "grant_revoked"
    assert decide(judge=judge, facts=BY_A_REVOKED_KEY).reason == "token_key_revoked"
    assert decide(judge=judge, now=NOW + LASTS).reason == "token_expired"


def test_decide_when_proofs_are_by_other_keys_keeps_none_of_them() -> None:
    judge = Judge("required", skew=0.0)
    for _ in range(50):
        decide(shown=dpop(TOKEN, key=EVE), judge=judge)
    assert judge._proofs.cache_info().currsize == 0
    decide(shown=dpop(TOKEN), judge=judge)
    assert judge._proofs.cache_info().currsize == 1


def test_seen_when_somebody_floods_it_others_still_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "SEEN_AT_MOST", 100)
    seen = Seen()
    for number in range(100):
        seen.require_new("eve", str(number), now=0.0)
    with pytest.raises(Forbidden, match="too many"):
        seen.require_new("eve", "another", now=1.0)
    seen.require_new("erin", "0", now=1.0)
    seen.require_new("eve", "another", now=120.0)
    with pytest.raises(Forbidden, match="used before"):
        seen.require_new("erin", "0", now=120.0)


def test_seen_when_time_goes_on_keeps_no_more_than_it_has_to() -> None:
    seen = Seen()
    for number in range(10_000):
        seen.require_new(f"engineer {number % 7}", str(number), now=float(number))
    assert len(seen._known) == len(seen._order) == sum(seen._many.values()) == 120


def test_decide_when_asked_by_many_at_once_takes_a_proof_once() -> None:
    judge, proofs, allowed = Judge("required", skew=0.0), [dpop(TOKEN) for _ in range(20)], []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        allowed.extend(decide(shown=proof, judge=judge).allowed for proof in proofs)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(allowed), sum(allowed)) == (160, 20)


# --- whatever is asked ---------------------------------------------------------------------------------------------

NEAR_MISSES = [
    "contoso", "Contoso", "contoso ", "fabrikam", "", "mailbox/alice", "mailbox/Alice", "mailbox/alice/", "mailbox/*",
    "mailbox/alice2", "files/report", "files/../x/y", "files/**", "read", "Read", "export", "write", "rea", "read ",
    "*",
]  # fmt: skip


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
    decision = decide(
        now=NOW + timedelta(minutes=minutes),
        facts=REVOKED if revoked else FACTS,
        tenant=tenant,
        resource=resource,
        action=action,
    )
    granted = (
        tenant == "contoso"
        and resource in ("mailbox/alice", "files/report")
        and action in TERMS.actions
        and 0 <= minutes < 240
        and not revoked
    )
    assert decision.allowed is granted or re.match(r"files/[A-Za-z0-9._@+/-]+\Z", resource)
    assert (decision.reason == "granted") is decision.allowed


@pytest.mark.parametrize("name", ["resources", "actions"])
@pytest.mark.parametrize(
    "value", [None, "", [], {}, 0, "a mailbox/alice b", "bread", [["read"]], [None], ["**"], ["*"], ["mailbox"]]
)
def test_decide_when_the_grant_names_nothing_allows_nothing(name: str, value: object) -> None:
    assert not decide(token(**{name: value})).allowed


@given(st.text() | st.binary() | st.none() | st.integers() | st.lists(st.text()))
def test_decide_when_the_token_is_anything_at_all_refuses(made: Any) -> None:
    assert not decide(made).allowed


@given(proof=st.text(), method=st.text() | st.none(), url=st.text() | st.none())
def test_decide_when_the_proof_is_anything_at_all_refuses(proof: str, method: Any, url: Any) -> None:
    assert not decide(shown=Dpop(proof, method, url)).allowed
    assert not decide(shown=replace(dpop(TOKEN), method=method, url=url)).allowed


def test_sign_when_claims_are_left_out_leaves_them_out() -> None:
    assert token(cnf=None) == sign(GRANT_TOKEN, GRANT.claims(), KEY)
