from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from tests.unit.builders import NOW, REQUEST_ID, terms
from tests.unit.keys import public_keys, signing_key

from approval_service.domain.grant import Grant, grant_id_of
from lockbox.contracts.grant.facts import AccessGranted, GrantActivated, GrantCompleted, GrantExpired, GrantRevoked
from lockbox.contracts.grant.terms import GrantState
from lockbox.crypto.tokens import GRANT_TOKEN, sign, verify
from lockbox.errors import Conflict

TERMS = terms(resources=("mailbox/alice", "files/x"), actions=("read", "export"), duration=timedelta(hours=1))
GRANT = Grant.of(REQUEST_ID, "erin@vendor.example", TERMS, "approval", NOW)
ACTIVE = GRANT.advance(NOW).state
END = NOW + timedelta(hours=1)


def test_grant_id_when_of_the_same_request_is_the_same() -> None:
    assert grant_id_of(REQUEST_ID) == grant_id_of(REQUEST_ID) == GRANT.id
    assert UUID(GRANT.id).version == 5


def test_grant_id_when_of_another_request_is_another() -> None:
    assert grant_id_of("566924bd-d58b-45eb-a91f-e689a1d37c44") != GRANT.id
    assert grant_id_of(REQUEST_ID) != REQUEST_ID


def test_grant_when_given_names_exactly_what_was_asked_for() -> None:
    assert (GRANT.tenant, GRANT.requester, GRANT.service_request) == ("contoso", "erin@vendor.example", "SR-359423")
    assert (GRANT.resources, GRANT.actions) == (TERMS.resources, TERMS.actions)
    assert (GRANT.state, GRANT.granted_at, GRANT.starts_at, GRANT.ends_at) == (GrantState.SCHEDULED, NOW, NOW, END)
    assert (GRANT.ended_at, GRANT.ended_by, GRANT.comment) == (None, None, "")


def test_grant_when_scheduled_counts_its_duration_from_its_start() -> None:
    start = NOW + timedelta(days=2)
    later = Grant.of(REQUEST_ID, "erin@vendor.example", replace(TERMS, starts_at=start), "approval", NOW)
    assert (later.starts_at, later.ends_at) == (start, start + timedelta(hours=1))


def test_grant_when_its_scheduled_start_has_passed_counts_from_now() -> None:
    late = Grant.of(
        REQUEST_ID, "erin@vendor.example", replace(TERMS, starts_at=NOW - timedelta(hours=3)), "approval", NOW
    )
    assert (late.starts_at, late.ends_at) == (NOW, END)


def test_announce_when_granted_tells_everything_that_people_need() -> None:
    assert GRANT.announce(TERMS, approval_required=False) == AccessGranted(
        tenant="contoso",
        grant_id=GRANT.id,
        request_id=REQUEST_ID,
        requester="erin@vendor.example",
        service_request="SR-359423",
        reason_code="CUSTOMER_INITIATED_SUPPORT",
        justification=TERMS.justification,
        resources=TERMS.resources,
        actions=TERMS.actions,
        starts_at=NOW,
        ends_at=END,
        approval_required=False,
    )


def test_advance_when_its_start_comes_makes_it_active() -> None:
    assert GRANT.advance(NOW - timedelta(microseconds=1)).facts == ()
    changed = GRANT.advance(NOW)
    assert changed.state.state == GrantState.ACTIVE
    assert [type(fact) for fact in changed.facts] == [GrantActivated]
    assert changed.state.advance(NOW).facts == ()


def test_advance_when_its_end_comes_makes_it_expire_by_itself() -> None:
    assert ACTIVE.advance(END - timedelta(microseconds=1)).facts == ()
    changed = ACTIVE.advance(END + timedelta(minutes=3))
    assert [type(fact) for fact in changed.facts] == [GrantExpired]
    assert changed.state == replace(ACTIVE, state=GrantState.EXPIRED, ended_at=END, ended_by="approval_service")


@pytest.mark.parametrize("grant", [GRANT, ACTIVE], ids=["scheduled", "active"])
def test_revoke_when_it_can_be_used_now_or_later_ends_it(grant: Grant) -> None:
    changed = grant.revoke("alice@contoso.example", "enough", NOW)
    assert changed.state == replace(
        grant, state=GrantState.REVOKED, ended_at=NOW, ended_by="alice@contoso.example", comment="enough"
    )
    [fact] = changed.facts
    assert isinstance(fact, GrantRevoked)
    assert (fact.comment, fact.subject) == ("enough", GRANT.id)


@pytest.mark.parametrize("grant", [GRANT, ACTIVE], ids=["scheduled", "active"])
def test_complete_when_it_can_be_used_now_or_later_ends_it_by_its_engineer(grant: Grant) -> None:
    changed = grant.complete("done", NOW)
    assert changed.state == replace(
        grant, state=GrantState.COMPLETED, ended_at=NOW, ended_by=grant.requester, comment="done"
    )
    [fact] = changed.facts
    assert isinstance(fact, GrantCompleted)
    assert (fact.comment, fact.subject) == ("done", GRANT.id)


@pytest.mark.parametrize("state", [GrantState.REVOKED, GrantState.EXPIRED, GrantState.COMPLETED])
def test_grant_when_it_has_ended_stays_ended(state: GrantState) -> None:
    ended = replace(ACTIVE, state=state)
    assert not ended.live
    assert ended.advance(END + timedelta(days=1)).facts == ()
    for attempt in (lambda: ended.revoke("a@b", "", NOW), lambda: ended.complete("", NOW), ended.require_live):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "grant_ended"
        assert state in refused.value.message


def test_claims_when_made_say_who_what_whose_and_how_long() -> None:
    assert GRANT.claims() == {
        "sub": "erin@vendor.example",
        "jti": GRANT.id,
        "request": REQUEST_ID,
        "tenant": "contoso",
        "resources": ["mailbox/alice", "files/x"],
        "actions": ["read", "export"],
        "iat": int(NOW.timestamp()),
        "nbf": int(NOW.timestamp()),
        "exp": END.timestamp(),
    }


def test_claims_when_it_begins_at_once_count_from_the_whole_second_and_a_later_start_to_the_microsecond() -> None:
    issued, later = NOW + timedelta(microseconds=1), NOW + timedelta(seconds=9, microseconds=1)
    at_once = replace(GRANT, granted_at=issued, starts_at=issued).claims()
    assert (at_once["iat"], at_once["nbf"]) == (int(NOW.timestamp()), int(NOW.timestamp()))
    assert replace(GRANT, granted_at=issued, starts_at=later).claims()["nbf"] == later.timestamp()


def test_claims_when_signed_hold_from_start_to_end_to_the_microsecond() -> None:
    token = sign(GRANT_TOKEN, GRANT.claims(), signing_key())
    keys = public_keys(signing_key())
    assert verify(GRANT_TOKEN, token, keys, NOW)["jti"] == GRANT.id
    assert verify(GRANT_TOKEN, token, keys, END - timedelta(microseconds=1))["jti"] == GRANT.id


def test_claims_when_the_grant_ends_by_time_are_the_same_so_that_the_token_is_too() -> None:
    assert GRANT.claims() == ACTIVE.claims() == ACTIVE.advance(END).state.claims()
