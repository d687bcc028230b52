from datetime import timedelta

import pytest
from tests.unit.builders import (
    ALICE,
    ENGINEER,
    NOW,
    OTHER_ENGINEER,
    VENDOR_APPROVER,
    approval,
    cancel,
    decide,
)

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.events import Changed
from lockbox.contracts.request.terms import RequestState
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


def test_cancel_when_pending_ends_it() -> None:
    for before in (approval(), at_customer()):
        changed = cancel(before, ENGINEER, "solved", SOON)
        assert changed.state.state == RequestState.CANCELLED
        assert types(changed) == ["request_cancelled"]


def test_cancel_when_not_the_requester_is_refused() -> None:
    with pytest.raises(Forbidden):
        cancel(approval(), VENDOR_APPROVER, "", SOON)
    with pytest.raises(NotFound):
        cancel(approval(), OTHER_ENGINEER, "", SOON)


def test_cancel_when_approved_conflicts() -> None:
    with pytest.raises(Conflict) as refused:
        cancel(approved(), ENGINEER, "", SOON)
    assert refused.value.code == "request_approved"


def test_cancel_when_time_is_up_conflicts_even_before_the_sweep() -> None:
    with pytest.raises(Conflict) as refused:
        cancel(at_customer(), ENGINEER, "", LATER)
    assert refused.value.code == "request_expired"
