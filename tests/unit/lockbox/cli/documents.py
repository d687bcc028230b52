"""What the portal shows, made by the rules themselves: it is what a real portal would show."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.builders import (
    ALICE,
    ENGINEER,
    NOW,
    VENDOR_APPROVER,
    approval,
    ask_back,
    caller,
    extend,
    granted,
    policy,
    present,
    terms,
    use_break_glass,
)

from approval_service.domain.approval import answer as answers
from approval_service.domain.approval import views
from approval_service.domain.approval.approval import Approval
from approval_service.domain.policy.policy import digest_of
from lockbox.contracts import wire
from lockbox.contracts.approval.views import ApprovalReading
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import BreakGlass, PolicySettings
from lockbox.contracts.policy.views import PolicyView, Proposal
from lockbox.contracts.request.facts import InfoProvided
from lockbox.contracts.request.terms import AccessTerms
from lockbox.contracts.request.views import HistoryEntry, RequestView
from portal_service.usecases import OUTCOME, RequestDetails

SOON = NOW + timedelta(minutes=5)
LENA = caller("lena@vendor.example", "vendor", Role.VENDOR_APPROVER)


def outcome(one: Approval) -> dict[str, Any]:
    """What the portal answers to an act."""
    return wire.encode(views.as_view(one))


def reading(one: Approval, reader: Caller = ALICE) -> dict[str, Any]:
    """An item of the queue."""
    return wire.encode(views.as_reading(one, reader, NOW))


def listed(*items: dict[str, Any], next_cursor: str | None = None) -> dict[str, Any]:
    """A part of a list."""
    return {"items": list(items), "next_cursor": next_cursor}


def details(
    one: Approval,
    reader: Caller = ALICE,
    asked: AccessTerms | None = None,
    history: tuple[HistoryEntry, ...] = (),
) -> dict[str, Any]:
    """A request with what became of it."""
    seen: ApprovalReading = views.with_effect(views.as_reading(one, reader, NOW), one, present())
    made = _request(one, asked or terms(), history)
    return wire.encode(RequestDetails(**vars(made) | {name: getattr(seen, name) for name in OUTCOME}))


def as_asked(one: Approval) -> dict[str, Any]:
    """A request as it stands in the list of requests."""
    return wire.encode(_request(one, one.deliberation.terms, ()))


def not_arrived() -> dict[str, Any]:
    """A request that the service which decides does not know yet."""
    return wire.encode(RequestDetails(**vars(_request(approval(), terms(), ()))))


def asked_back() -> Approval:
    """A request about which an approver wants to know more."""
    return ask_back(approval(), VENDOR_APPROVER, "Which mailbox?", NOW).state


def answered() -> Approval:
    """A request whose engineer has answered."""
    answer = InfoProvided(
        tenant="contoso", request_id=approval().request_id, requester=ENGINEER.email, number=1, answer="Alice's."
    )
    return answers.receive(asked_back(), answer, SOON).state


def extended(hours: int = 1) -> Approval:
    """A grant for which an extension is asked."""
    return extend(granted(), ENGINEER, timedelta(hours=hours), "There is more to do.", SOON).state


def broken_open(approvers: int = 2) -> Approval:
    """A request for which so many approvers want access at once."""
    one = approval(settings={"break_glass": BreakGlass(allowed=True)})
    for approver in (VENDOR_APPROVER, LENA)[:approvers]:
        one = use_break_glass(one, approver, f"{approver.email} sees fire", SOON).state
    return one


def policy_of(proposed: PolicySettings | None = None, **settings: Any) -> dict[str, Any]:
    """A policy, and what is proposed in its place."""
    one = policy(**settings)
    if proposed is not None:
        proposal = Proposal(
            settings=proposed, digest=digest_of(proposed), proposed_by="carol@contoso.example", proposed_at=SOON
        )
        one = replace(one, proposal=proposal)
    return wire.encode(one, PolicyView)


def _request(one: Approval, asked: AccessTerms, history: tuple[HistoryEntry, ...]) -> RequestView:
    about = {
        "id": one.request_id,
        "requester": one.requester,
        "state": one.state,
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "history": history,
    }
    return RequestView(**asked.within(**about))
