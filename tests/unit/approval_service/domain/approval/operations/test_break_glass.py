from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    FRANK,
    NOW,
    OPERATOR,
    VENDOR_APPROVER,
    acknowledge,
    approval,
    caller,
    decide,
    use_break_glass,
)

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.facts import BreakGlassUsed
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import BreakGlass, Freeze
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict, Forbidden, NotFound

SOON = NOW + timedelta(minutes=5)
VINCE = caller("vince@vendor.example", "vendor", Role.VENDOR_APPROVER)
ALLOWED = {"break_glass": BreakGlass(allowed=True, duration=timedelta(minutes=30))}


def asked(**changes: Any) -> Approval:
    return approval(settings=ALLOWED, **changes)


def use(one: Approval, by: Caller, why: str = "Everything is down.") -> Changed[Approval]:
    return use_break_glass(one, by, why, SOON)


def opened(**changes: Any) -> Changed[Approval]:
    return use(use(asked(**changes), VENDOR_APPROVER).state, VINCE, "I agree.")


def types(changed: Changed[Approval]) -> list[str]:
    return [fact.type for fact in changed.facts]


def test_glass_when_one_wants_it_broken_opens_nothing() -> None:
    changed = use(asked(), VENDOR_APPROVER)
    assert types(changed) == ["break_glass_requested"]
    assert (changed.state.state, changed.state.grant) == (RequestState.PENDING_VENDOR, None)


def test_glass_when_a_second_one_agrees_opens_a_short_access_at_once() -> None:
    changed = opened()
    assert types(changed) == ["break_glass_used", "request_approved", "access_granted", "grant_activated"]
    used, approved, granted = changed.facts[:3]
    assert isinstance(used, BreakGlassUsed)
    assert used.approvers == (VENDOR_APPROVER.email, VINCE.email)
    assert used.comments == ("Everything is down.", "I agree.")
    assert approved.approval_required is False  # type: ignore[attr-defined]
    assert granted.opened_by == "break_glass"  # type: ignore[attr-defined]
    grant = changed.state.granted()
    assert (grant.state, grant.ends_at) == (GrantState.ACTIVE, SOON + timedelta(minutes=30))


def test_glass_when_less_was_asked_for_opens_no_more_than_that_and_at_once() -> None:
    grant = opened(duration=timedelta(minutes=10), starts_at=NOW + timedelta(hours=2)).state.granted()
    assert (grant.starts_at, grant.ends_at) == (SOON, SOON + timedelta(minutes=10))
    assert grant.resources == ("mailbox/alice",)


def test_glass_when_the_customers_stage_waits_or_in_a_freeze_opens_too() -> None:
    at_customer = decide(asked(), VENDOR_APPROVER, now=SOON).state
    assert use(use(at_customer, VENDOR_APPROVER).state, VINCE).state.grant is not None
    freeze = Freeze(name="x", starts="2026-01-31T09:35", ends="2026-01-31T20:00", time_zone="UTC", effect="no_access")
    scheduled = approval(settings={**ALLOWED, "freezes": (freeze,)}, starts_at=NOW + timedelta(days=2))
    assert use(use(scheduled, VENDOR_APPROVER).state, VINCE).state.grant is not None


def test_glass_when_the_policy_does_not_allow_it_stays_whole() -> None:
    with pytest.raises(Forbidden) as refused:
        use(approval(), VENDOR_APPROVER)
    assert refused.value.code == "break_glass_not_allowed"


def test_glass_when_the_same_one_wants_it_twice_stays_whole() -> None:
    with pytest.raises(Conflict) as refused:
        use(use(asked(), VENDOR_APPROVER).state, VENDOR_APPROVER)
    assert refused.value.code == "already_decided"


@pytest.mark.parametrize(
    ("by", "kind", "code"),
    [
        (caller(ENGINEER.email, "vendor", Role.ENGINEER, Role.VENDOR_APPROVER), Forbidden, "own_request"),
        (ALICE, Forbidden, "role_required"),
        (ADMIN, Forbidden, "role_required"),
        (OPERATOR, NotFound, "request_not_found"),
        (FRANK, NotFound, "request_not_found"),
    ],
)
def test_glass_when_wanted_by_somebody_else_stays_whole(by: Caller, kind: Any, code: str) -> None:
    with pytest.raises(kind) as refused:
        use(use(asked(), VINCE).state, by)
    assert refused.value.code == code


def test_glass_when_the_request_has_ended_stays_whole() -> None:
    denied = decide(asked(), VENDOR_APPROVER, "deny", now=SOON).state
    with pytest.raises(Conflict) as refused:
        use(denied, VENDOR_APPROVER)
    assert refused.value.code == "request_denied"


@pytest.mark.parametrize("by", [ALICE, ADMIN])
def test_acknowledgement_when_given_by_the_customer_is_recorded_once(by: Caller) -> None:
    changed = acknowledge(opened().state, by, "We saw it.", SOON)
    assert types(changed) == ["break_glass_acknowledged"]
    broken = changed.state.break_glass
    assert broken is not None
    assert (broken.acknowledged_by, broken.acknowledgement) == (by.email, "We saw it.")
    with pytest.raises(Conflict) as refused:
        acknowledge(changed.state, ADMIN, "", SOON)
    assert refused.value.code == "already_acknowledged"


@pytest.mark.parametrize("by", [AUDITOR, VENDOR_APPROVER, ENGINEER])
def test_acknowledgement_when_given_by_somebody_else_is_refused(by: Caller) -> None:
    with pytest.raises(Forbidden) as refused:
        acknowledge(opened().state, by, "", SOON)
    assert refused.value.code == "role_required"


def test_acknowledgement_when_nothing_was_broken_is_refused() -> None:
    for one in (asked(), use(asked(), VENDOR_APPROVER).state):
        with pytest.raises(Conflict) as refused:
            acknowledge(one, ALICE, "", SOON)
        assert refused.value.code == "break_glass_unused"
