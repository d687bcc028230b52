"""The votes on an open decision, and the effect that each would have, from the judgement sent with the request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockbox.contracts.approval.terms import Verdict
from lockbox.contracts.approval.views import ApprovalEffect, Judgement, NextStage, OpenDecision
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import Side
from lockbox.contracts.request.terms import AccessTerms
from lockbox.values.scope import cautions
from portal_service.usecases import RequestDetails
from portal_service.web.views.open_decision import open_stage, vote_of, votes
from portal_service.web.wording import words
from portal_service.web.wording.refusals import refusal


@dataclass(frozen=True)
class Vote:
    """A vote as its page offers it; `done` follows "You"."""

    decision: Verdict
    button: str
    done: str
    tone: str


FROZEN = "access_frozen"
APPROVE = Vote("approve", "Approve", "approved", "good")
REJECT = Vote("deny", "Reject", "rejected", "bad")
VOTES: Mapping[str, Vote] = {"approve": APPROVE, "reject": REJECT}


def caution(decision: OpenDecision | None, changes: Mapping[str, Any] | None = None) -> str:
    """Return the access, less the changes, in words if an approval needs a tick as it is wide or can change things."""
    if decision is None:
        return ""
    left = {"resources": decision.terms.resources, "actions": decision.terms.actions}
    left |= {name: value for name, value in (changes or {}).items() if name in left and value is not None}
    return cautions(left["resources"], left["actions"])


def effect(vote: Vote, request: RequestDetails, person: Caller) -> str:
    """Return the effect of this person's vote on the open decision, in sentences; empty while none is open."""
    if request.open is None:
        return ""
    if vote is REJECT:
        return _effect_of_rejection(request, request.open, person)
    earlier = vote_of(request, person.email)
    if earlier is not None and earlier.decision == "approve":
        return "Your approval counts already. A new one replaces it; what you took away before stays away."
    return _effect_of_approval(request, request.open)


def _effect_of_rejection(request: RequestDetails, decision: OpenDecision, person: Caller) -> str:
    stage = open_stage(request)
    final = stage.denials if stage else 1
    others = [vote for vote in votes(request) if vote.decision == "deny" and vote.approver != person.email]
    missing = final - len(others) - 1
    if missing > 0:
        return f"{final} rejections are final in this stage; after yours, it takes {missing} more."
    first = "One rejection is final" if final == 1 else "With yours, the rejections are final"
    if decision.extension is not None:
        return f"{first}: the access is not extended. It goes on until {words.minute(decision.ends_at)} UTC."
    return f"{first}: the request is denied and gives no access."


def _effect_of_approval(request: RequestDetails, decision: OpenDecision) -> str:
    missing = _missing_after(request.you)
    if missing > 0:
        return f"After yours, this stage still needs {words.counted(missing, 'approval')}. {_not_yet(decision)}"
    if decision.effect is None:
        return "Lockbox looks at the policy again before it opens anything."
    return EFFECTS[decision.effect.outcome](request, decision, decision.effect)


def _stage_follows(request: RequestDetails, decision: OpenDecision, effect: ApprovalEffect) -> str:
    following = _next(effect.next, decision, request.tenant) if effect.next else ""
    return " ".join(filter(None, (following, _not_yet(decision), _reasons(effect))))


def _access_follows(_request: RequestDetails, decision: OpenDecision, effect: ApprovalEffect) -> str:
    if decision.extension is not None and effect.ends_at is not None:
        ends_at = words.minute(effect.ends_at)
        return f"This is the last approval that is needed. The access then ends at {ends_at} UTC."
    return f"This is the last approval that is needed. {_opening(decision.terms)}"


def _denial_follows(_request: RequestDetails, decision: OpenDecision, effect: ApprovalEffect) -> str:
    end = "the request is denied and gives no access" if decision.extension is None else "the access is not extended"
    return f"The customer's policy does not allow it any more: {end}. {_reasons(effect)}"


def _refusal_follows(_request: RequestDetails, decision: OpenDecision, effect: ApprovalEffect) -> str:
    why = refusal(str(effect.code), str(effect.message), effect.params)
    later = " Approve with a later start." if decision.extension is None and effect.code == FROZEN else ""
    return f"An approval is not possible now. {why}{later}"


def _reasons(effect: ApprovalEffect) -> str:
    """Return the reasons of the policy, as the service that decides words them."""
    return f"Reason: {'; '.join(effect.why)}." if effect.why else ""


EFFECTS: Mapping[str, Callable[[RequestDetails, OpenDecision, ApprovalEffect], str]] = {
    "stage": _stage_follows,
    "access": _access_follows,
    "denial": _denial_follows,
    "refusal": _refusal_follows,
}
"""The words for each effect that the approval can have which closes the stage."""


def _not_yet(decision: OpenDecision) -> str:
    return "No access opens yet." if decision.extension is None else "The access is not extended yet."


def _missing_after(you: Judgement) -> int:
    """Return the number of approvals that a stage needs after this person's, which counts for one."""
    counts = any(missing.group in you.counts_for for missing in you.missing)
    return sum(missing.approvals for missing in you.missing) - counts


def _next(following: NextStage, decision: OpenDecision, tenant: str) -> str:
    if following.side == decision.side:
        return f"The stage {following.name} decides next."
    return f"{tenant}'s own approvers decide next." if following.side == Side.CUSTOMER else "The vendor decides next."


def _opening(terms: AccessTerms) -> str:
    duration = words.spoken(terms.duration)
    if terms.starts_at is None:
        return f"Access opens at once and ends by itself after {duration}."
    return f"Access opens at {words.minute(terms.starts_at)} UTC and ends by itself {duration} later."
