from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.builders import ALICE, EVENT_ID, NOW, REQUEST_ID, caller

from approval_service.domain.access_check import SLACK, SPOOLED_FOR, AccessCheck
from approval_service.domain.grant import Grant
from lockbox.contracts.access import AccessAttempt
from lockbox.contracts.identity import Role

MICROSECOND, HOUR = timedelta(microseconds=1), timedelta(hours=1)
TERMS = {"resources": ("mailbox/alice", "files/**"), "actions": ("read", "export")}
GRANT = builders.granted(NOW, **TERMS).granted()
OTHER_ID = "3b241101-e2bb-4255-8caf-4136c566a962"
POINT = replace(
    caller("content-service@vendor.example", "vendor", Role.ENFORCEMENT_POINT), tenants=frozenset({"contoso"})
)


def refusal(grant: Grant = GRANT, now: Any = None, tenants: frozenset[str] | None = None, **changes: Any) -> str | None:
    """The code of the refusal of an allowed use, right but for the changes."""
    named = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read", "reason": "granted"}
    about = {"grant_id": grant.id, "request_id": grant.request_id, "engineer": grant.requester}
    given = {"access_id": EVENT_ID, "allowed": True, "at": NOW + HOUR, **named, **about, **changes}
    point = POINT if tenants is None else replace(POINT, tenants=tenants)
    check = AccessCheck(point, {"contoso", "fabrikam"}, {grant.id: grant}, now or given["at"])
    refused = check.refusal(AccessAttempt(**given))
    return refused and refused.code


def test_use_when_within_its_grant_is_not_refused() -> None:
    assert refusal() is None
    assert refusal(resource="files/a/b", action="export") is None
    assert refusal(tenants=frozenset({"*"})) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tenant": "fabrikam"}, "tenant_not_of_token"),
        ({"tenants": frozenset()}, "tenant_not_of_token"),
        ({"tenant": "nobodys", "tenants": frozenset({"*"})}, "tenant_unknown"),
        ({"tenant": "fabrikam", "tenants": frozenset({"*"})}, "grant_of_another_tenant"),
        ({"grant_id": OTHER_ID}, "grant_unknown"),
        ({"grant_id": None}, "grant_unknown"),
        ({"engineer": "eve@vendor.example"}, "grant_of_another_engineer"),
        ({"engineer": None}, "grant_of_another_engineer"),
        ({"request_id": OTHER_ID}, "grant_of_another_request"),
        ({"request_id": None}, "grant_of_another_request"),
        ({"resource": "mailbox/bob"}, "outside_grant"),
        ({"resource": "files/**"}, "outside_grant"),
        ({"resource": "files/../mailbox"}, "outside_grant"),
        ({"action": "write"}, "outside_grant"),
    ],
)
def test_use_when_token_or_grant_contradict_it_is_refused_by_its_own_code(changes: dict[str, Any], code: str) -> None:
    assert refusal(**changes) == code


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW - SLACK, None),
        (NOW - SLACK - MICROSECOND, "at_out_of_range"),
        (GRANT.ends_at + SLACK, None),
        (GRANT.ends_at + SLACK + MICROSECOND, "grant_expired"),
    ],
)
def test_use_when_at_the_edges_of_its_grant_has_the_slack_of_a_clock(at: Any, code: str | None) -> None:
    assert refusal(at=at) == code


@pytest.mark.parametrize(("after", "code"), [(SLACK, None), (SLACK + MICROSECOND, "grant_revoked")])
def test_use_when_its_grant_was_revoked_counts_by_its_own_time_not_by_that_of_the_report(
    after: timedelta, code: str | None
) -> None:
    revoked = builders.revoke(builders.granted(NOW, **TERMS), ALICE, "", NOW + HOUR).state.granted()
    assert refusal(revoked, at=NOW + HOUR + after, now=NOW + 2 * HOUR) == code


def test_use_when_its_grant_has_expired_meanwhile_counts_by_its_own_time() -> None:
    expired = GRANT.advance(GRANT.ends_at).state
    assert refusal(expired, now=GRANT.ends_at + timedelta(days=2)) is None


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (SLACK, None),
        (SLACK + MICROSECOND, "at_out_of_range"),
        (timedelta(days=1), "at_out_of_range"),
        (-SPOOLED_FOR, None),
        (-SPOOLED_FOR - MICROSECOND, "at_out_of_range"),
    ],
)
@pytest.mark.parametrize("allowed", [True, False])
def test_time_when_of_tomorrow_or_longer_ago_than_spools_keep_is_refused(
    ahead: timedelta, code: str | None, allowed: bool
) -> None:
    now = NOW + timedelta(days=10)
    grant = replace(GRANT, starts_at=now - timedelta(days=9), ends_at=now + timedelta(days=2))
    assert refusal(grant, now=now, at=now + ahead, allowed=allowed) == code


def test_denial_when_it_names_any_grant_is_not_checked_against_one() -> None:
    denied = {"allowed": False, "reason": "other_tenant"}
    for grant_id in (GRANT.id, OTHER_ID, None):
        assert refusal(**denied, grant_id=grant_id, request_id=REQUEST_ID, resource="../*", action="?") is None
    assert refusal(**denied, tenant="fabrikam") == "tenant_not_of_token"


def test_refusal_when_given_names_the_field_and_the_value() -> None:
    check = AccessCheck(POINT, {"contoso"}, {GRANT.id: GRANT}, NOW)
    attempt = AccessAttempt(
        access_id=EVENT_ID,
        allowed=True,
        tenant="contoso",
        grant_id=GRANT.id,
        request_id=GRANT.request_id,
        engineer="eve@vendor.example",
        resource="mailbox/alice",
        action="read",
        reason="granted",
        at=NOW,
    )
    refused = check.refusal(attempt)
    assert refused is not None
    assert refused.access_id == EVENT_ID
    assert refused.message == f"engineer: expected that of grant {GRANT.id}, got 'eve@vendor.example'"
