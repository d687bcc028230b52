from datetime import timedelta

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    FRANK,
    LEAD,
    NOW,
    VENDOR_APPROVER,
    approval,
    complete,
    decide,
    revoke,
)

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.terms import GrantState
from lockbox.errors import Conflict, Forbidden, NotFound

SOON = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(hours=12)


def types(changed: Changed[Approval]) -> list[str]:
    return [fact.type for fact in changed.facts]


def at_customer(**settings: object) -> Approval:
    return decide(approval(settings=settings), VENDOR_APPROVER, "approve", "", SOON).state


def approved(**changes: object) -> Approval:
    return decide(
        decide(approval(**changes), VENDOR_APPROVER, "approve", "", SOON).state, ALICE, "approve", "", SOON
    ).state


@pytest.mark.parametrize("by", [VENDOR_APPROVER, ALICE, ADMIN])
def test_revoke_when_live_ends_it_for_either_side(by: object) -> None:
    changed = revoke(approved(), by, "enough", SOON)  # type: ignore[arg-type]
    assert changed.state.grant is not None
    assert changed.state.grant.state == GrantState.REVOKED
    assert types(changed) == ["grant_revoked"]


def test_revoke_when_not_entitled_is_refused() -> None:
    for by in (ENGINEER, AUDITOR):
        with pytest.raises(Forbidden):
            revoke(approved(), by, "", SOON)
    with pytest.raises(NotFound):
        revoke(approved(), FRANK, "", SOON)


def test_revoke_when_ended_conflicts() -> None:
    ended = revoke(approved(), ALICE, "", SOON).state
    with pytest.raises(Conflict) as refused:
        revoke(ended, ADMIN, "", SOON)
    assert refused.value.code == "grant_ended"
    with pytest.raises(Conflict):
        revoke(approved(), ALICE, "", SOON + timedelta(hours=5))


def test_complete_when_its_engineer_is_done_ends_it() -> None:
    changed = complete(approved(), ENGINEER, "fixed", SOON)
    assert changed.state.grant is not None
    assert (changed.state.grant.state, changed.state.grant.ended_by) == (GrantState.COMPLETED, ENGINEER.email)
    assert types(changed) == ["grant_completed"]


def test_complete_when_it_is_not_ones_own_is_refused() -> None:
    for by, code in ((LEAD, "not_requester"), *((by, "role_required") for by in (VENDOR_APPROVER, ALICE, ADMIN))):
        with pytest.raises(Forbidden) as refused:
            complete(approved(), by, "", SOON)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        complete(approved(), FRANK, "", SOON)


def test_complete_when_ended_conflicts() -> None:
    with pytest.raises(Conflict):
        complete(revoke(approved(), ALICE, "", SOON).state, ENGINEER, "", SOON)
    with pytest.raises(Conflict):
        complete(approved(), ENGINEER, "", SOON + timedelta(hours=5))
