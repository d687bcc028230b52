"""What somebody may do with a request or a grant, and what it means.

The services decide; this only hides what they would refuse, and says beforehand what would happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lockbox.contracts.approval import LIVE, ApprovalView, Decision, GrantView, Stage, StageName, Verdict
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.request import PENDING, RequestView
from portal_service.usecases import RequestDetails
from portal_service.web import words
from portal_service.web.layout import DECIDERS, REVOKERS

STAGE_ROLES = {StageName.VENDOR: Role.VENDOR_APPROVER, StageName.CUSTOMER: Role.CUSTOMER_APPROVER}


@dataclass(frozen=True)
class Act:
    """An act as a page offers it; `done` follows "You", `verdict` is what it says to a stage."""

    title: str
    button: str
    done: str
    tone: str
    comment: str
    verdict: Verdict | None = None


APPROVE = Act("Approve this request?", "Approve", "approved", "good", "Comment for the record (optional)", "approve")
REJECT = Act("Reject this request?", "Reject", "rejected", "bad", "Why (optional; the engineer reads it)", "deny")
REJECT_WITH_REASON = replace(REJECT, comment="Why (the engineer reads it)")
CANCEL = Act("Cancel this request?", "Cancel request", "cancelled", "bad", "Why (optional)")
REVOKE = Act("Revoke this access?", "Revoke access", "revoked", "bad", "Why (optional; the engineer reads it)")
COMPLETE = Act(
    "Complete this access?", "Complete access", "completed", "good", "What was done (optional; approvers read it)"
)
ON_REQUESTS: Mapping[str, Act] = {"approve": APPROVE, "reject": REJECT, "cancel": CANCEL}


def open_stage(request: RequestDetails) -> Stage:
    """The stage that is being decided; a request that has just come in waits for the vendor."""
    opened = [stage for stage in request.stages if stage.opened_at]
    return opened[-1] if opened else Stage(name=StageName.VENDOR, quorum=1)


def decisions_in(stage: Stage, decided: RequestDetails | ApprovalView) -> list[Decision]:
    """The decisions that a stage has so far."""
    return [decision for decision in decided.decisions if decision.stage == stage.name]


def obstacle(person: Caller, request: RequestDetails) -> str | None:
    """Why this person can't decide now, for people who decide at all; None if nothing is in the way."""
    stage = open_stage(request)
    if request.state not in PENDING:
        return f"This request is {words.state(request.state).lower()}; nothing can change that."
    if person.email == request.requester:
        return "Nobody decides on an own request."
    if not person.has(STAGE_ROLES[stage.name]):
        return f"The request waits for the {words.STAGES[stage.name]}'s approvers."
    if person.email in {decision.approver for decision in decisions_in(stage, request)}:
        return "You have decided in this stage; others have to decide too."
    return None


def may_decide(person: Caller, request: RequestDetails) -> bool:
    """Whether this person can approve or reject now."""
    return person.has(*DECIDERS) and obstacle(person, request) is None


def may_cancel(person: Caller, request: RequestView) -> bool:
    """Whether this person can take the request back."""
    return person.has(Role.ENGINEER) and person.email == request.requester and request.state in PENDING


def may_revoke(person: Caller, grant: GrantView | None) -> bool:
    """Whether this person can end this access."""
    return grant is not None and grant.state in LIVE and person.has(*REVOKERS)


def may_complete(person: Caller, grant: GrantView | None) -> bool:
    """Whether this person can close this access early."""
    return grant is not None and grant.state in LIVE and person.has(Role.ENGINEER) and person.email == grant.requester


def obstacle_to_end(act: Act, person: Caller, grant: GrantView) -> str | None:
    """Why this person can't end this access in this way, or None."""
    if grant.state not in LIVE:
        return "This access has ended already."
    if act is COMPLETE:
        return None if may_complete(person, grant) else "Only its own engineer completes an access."
    return None if may_revoke(person, grant) else "Only approvers and the customer's administrators revoke access."


def obstacle_to(name: str, person: Caller, request: RequestDetails) -> str | None:
    """Why an act on a request is not possible now, or None."""
    if name != "cancel":
        return obstacle(person, request) if person.has(*DECIDERS) else "Only approvers decide on requests."
    return None if may_cancel(person, request) else "Only the requestor can cancel, and only a request that is pending."


def offered(name: str, request: RequestDetails) -> Act:
    """An act on a request as its page offers it."""
    return REJECT_WITH_REASON if name == "reject" and request.comment_on_denial else ON_REQUESTS[name]


def meaning(name: str, request: RequestDetails) -> str:
    """What an act on a request leads to."""
    if name == "cancel":
        return "The request ends without a decision and gives no access. You can ask again with a new request."
    if name == "reject":
        return "One rejection is final: the request is denied and gives no access."
    return _meaning_of_yes(request)


def _meaning_of_yes(request: RequestDetails) -> str:
    stage = open_stage(request)
    missing = stage.quorum - len(decisions_in(stage, request)) - 1
    if missing > 0:
        return f"After yours, this stage still needs {words.counted(missing, 'approval')}. No access opens yet."
    if not request.stages:
        return "Where the customer requires approval, its own approvers decide next."
    if request.stages[-1] != stage:
        return f"{request.tenant}'s own approvers decide next. No access opens yet."
    return f"This is the last approval that is needed. {opening(request)}"


def opening(request: RequestView) -> str:
    """When access opens, and for how long."""
    duration = words.spoken(request.duration)
    if request.starts_at is None:
        return f"Access opens at once and ends by itself after {duration}."
    return f"Access opens at {words.minute(request.starts_at)} UTC and ends by itself {duration} later."
