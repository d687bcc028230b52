"""What people do with a request or a grant, as the pages offer it.

Who may decide comes with the request, as its judgement. The few conditions here only keep away what a service would
refuse.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lockbox.contracts.approval.operations import AcknowledgeBreakGlass, CancelRequest, RequestInfo, UseBreakGlass
from lockbox.contracts.approval.views import BreakGlassView
from lockbox.contracts.grant.terms import LIVE, GrantState
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.request.operations import ProvideInfo
from lockbox.contracts.request.terms import PENDING, RequestState
from portal_service.usecases import RequestDetails
from portal_service.web.views.matter import matter_of, pending_extension

REVOKERS = (Role.VENDOR_APPROVER, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)
Command = CancelRequest | RequestInfo | ProvideInfo | UseBreakGlass | AcknowledgeBreakGlass


@dataclass(frozen=True)
class Act:
    """An act with a page of its own; `field` is the text that goes with it, `done` what is said afterwards."""

    title: str
    button: str
    done: str
    tone: str
    label: str
    field: str = "comment"
    longest: int = 2000


@dataclass(frozen=True, kw_only=True)
class OnRequest(Act):
    """An act on a request: its command, what it leads to, and whether this person can do it now."""

    command: type[Command]
    meaning: Callable[[Caller, RequestDetails], str]
    possible: Callable[[Caller, RequestDetails], bool]
    otherwise: str


def may_decide(request: RequestDetails) -> bool:
    """Whether whoever it was read for can approve or reject now, be it in place of an earlier word."""
    return matter_of(request) is not None and request.you.may_decide


def may_ask(_person: Caller, request: RequestDetails) -> bool:
    """Whether this person can ask the engineer for information."""
    return may_decide(request) and request.state in PENDING


def may_answer(person: Caller, request: RequestDetails) -> bool:
    """Whether this person is asked for information."""
    return person.email == request.requester and request.state == RequestState.INFO_REQUESTED


def may_cancel(person: Caller, request: RequestDetails) -> bool:
    """Whether this person can take the request back."""
    return person.has(Role.ENGINEER) and person.email == request.requester and request.state in PENDING


def may_break_glass(person: Caller, request: RequestDetails) -> bool:
    """Whether this person can want access opened without the customer."""
    wanted = request.break_glass
    return (
        request.break_glass_allowed
        and request.state in PENDING
        and person.has(Role.VENDOR_APPROVER)
        and person.email != request.requester
        and (wanted is None or wanted.asked_by != person.email)
    )


def may_acknowledge(person: Caller, broken: BreakGlassView | None) -> bool:
    """Whether this person can take note of access that was opened without the customer."""
    unnoticed = broken is not None and broken.opened_at is not None and broken.acknowledged_at is None
    return unnoticed and person.has(Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)


def may_revoke(person: Caller, grant: GrantView | None) -> bool:
    """Whether this person can end this access."""
    return grant is not None and grant.state in LIVE and person.has(*REVOKERS)


def may_complete(person: Caller, grant: GrantView | None) -> bool:
    """Whether this person can close this access early."""
    return grant is not None and grant.state in LIVE and person.email == grant.requester


def may_extend(person: Caller, grant: GrantView | None) -> bool:
    """Whether this person can ask for more time."""
    return grant is not None and grant.state == GrantState.ACTIVE and person.email == grant.requester


def breaks_as_second(person: Caller, request: RequestDetails) -> bool:
    """Whether somebody else wants access opened already, so that this person would open it."""
    return request.break_glass is not None and request.break_glass.asked_by != person.email


def obstacle_to_extension(person: Caller, request: RequestDetails) -> str | None:
    """Why this person can't ask for more time, or None."""
    if not may_extend(person, request.grant):
        return "Only its own engineer asks for more time, and only while the access is open."
    if pending_extension(request):
        return "An extension is asked for already; it has to be decided on first."
    return None


def obstacle_to_end(act: Act, person: Caller, grant: GrantView) -> str | None:
    """Why this person can't end this access in this way, or None."""
    if grant.state not in LIVE:
        return "This access has ended already."
    if act is COMPLETE:
        return None if may_complete(person, grant) else "Only its own engineer completes an access."
    return None if may_revoke(person, grant) else "Only approvers and the customer's administrators revoke access."


def _meaning_of_break_glass(person: Caller, request: RequestDetails) -> str:
    if not breaks_as_second(person, request):
        return (
            "You would be the first to want this, so nothing opens yet. Access opens as soon as a second approver of "
            f"the vendor wants it too; then {request.tenant} is told, and has to acknowledge it."
        )
    return (
        f"You would be the second approver who wants this: access opens at once, without the approval of "
        f"{request.tenant}, for the short time that its policy allows. {request.tenant} is told at once, and has to "
        "acknowledge it."
    )


REVOKE = Act("Revoke this access?", "Revoke access", "revoked", "bad", "Why (optional; the engineer reads it)")
COMPLETE = Act(
    "Complete this access?", "Complete access", "completed", "good", "What was done (optional; approvers read it)"
)
EXTEND = Act("Ask for more time", "Ask for more time", "asked for more time", "good", "Why", "justification", 4000)
CANCEL = OnRequest(
    "Cancel this request?",
    "Cancel request",
    "You cancelled this request.",
    "bad",
    "Why (optional)",
    command=CancelRequest,
    meaning=lambda _person, _request: (
        "The request ends without a decision and gives no access. You can ask again with a new request."
    ),
    possible=may_cancel,
    otherwise="Only the requestor can cancel, and only a request that is pending.",
)
ASK = OnRequest(
    "Ask for information",
    "Send question",
    "Your question is sent. The request waits for the answer.",
    "good",
    "What you want to know (the engineer reads it)",
    "question",
    4000,
    command=RequestInfo,
    meaning=lambda _person, _request: (
        "The engineer is told at once. The request waits for the answer and goes on expiring meanwhile; whoever can "
        "decide on it still can."
    ),
    possible=may_ask,
    otherwise="Whoever could decide on the request now can ask.",
)
ANSWER = OnRequest(
    "Answer the question",
    "Send answer",
    "Your answer is on its way to the approvers.",
    "good",
    "Your answer (the approvers read it)",
    "answer",
    4000,
    command=ProvideInfo,
    meaning=lambda _person, _request: "The approvers are told, and go on deciding.",
    possible=may_answer,
    otherwise="No question waits for your answer.",
)
BREAK_GLASS = OnRequest(
    "Open access without the customer?",
    "Break the glass",
    "You asked for break-glass access. Nothing is open until a second approver wants it too.",
    "bad",
    "Why it can't wait (the customer reads it)",
    "comment",
    4000,
    command=UseBreakGlass,
    meaning=_meaning_of_break_glass,
    possible=may_break_glass,
    otherwise=(
        "Break-glass is for the vendor's approvers, once for each of them, on a request of somebody else that is "
        "pending, where the customer's policy allows it."
    ),
)
ACKNOWLEDGE = OnRequest(
    "Acknowledge this access?",
    "Acknowledge",
    "You acknowledged this access.",
    "good",
    "Comment for the record (optional)",
    command=AcknowledgeBreakGlass,
    meaning=lambda _person, _request: (
        "You put on record that your organisation knows of this access. That approves nothing and ends nothing: to "
        "end it, revoke it."
    ),
    possible=lambda person, request: may_acknowledge(person, request.break_glass),
    otherwise="There is nothing here that your organisation has to acknowledge, or it has been acknowledged.",
)
ON_REQUESTS: Mapping[str, OnRequest] = {
    "cancel": CANCEL,
    "ask": ASK,
    "answer": ANSWER,
    "break-glass": BREAK_GLASS,
    "acknowledge": ACKNOWLEDGE,
}
