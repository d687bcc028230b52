"""Sentences about an approval: evaluation, stages, decisions, outcomes, break-glass."""

from lockbox.contracts.approval.facts import (
    BreakGlassAcknowledged,
    BreakGlassRequested,
    BreakGlassUsed,
    DecisionRecorded,
    InfoRequested,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestEvaluated,
    RequestExpired,
    ReviewResumed,
    StageOpened,
    StagesAdded,
)
from portal_service.web.wording import event_values as values
from portal_service.web.wording import words
from portal_service.web.wording.line import Line, Sentences

POLICY = "policy"


def _evaluated(fact: RequestEvaluated, _actor: str) -> Line:
    policy, why = f"The policy (version {fact.limits.policy_version})", values.reasons(fact.why)
    if fact.outcome == "approve":
        return Line(f"{policy} opens access by itself: {why}", tone="good")
    if fact.outcome == "deny":
        return Line(f"{policy} gives no access: {why}", tone="bad")
    because = f"; {why}" if why else ""
    return Line(f"{policy} asks people to decide: {values.stages(fact.stages)}{because}")


def _stages_added(fact: StagesAdded, _actor: str) -> Line:
    why = values.reasons(fact.why)
    because = f"; {why}" if why else ""
    needs = f"As it would open, the access needs more stages of the policy: {values.stages(fact.stages)}"
    return Line(f"{_of_extension(fact.extension)}{needs}{because}")


def _stage_opened(fact: StageOpened, _actor: str) -> Line:
    until = values.utc(fact.expires_at)
    if not fact.groups:
        quorum = words.counted(fact.quorum, "approval")
        return Line(f"The {words.side(fact.stage)}'s approvers can decide until {until}; {quorum} needed")
    stage = f"The stage {fact.name} is open until {until}; it takes {values.groups(fact.groups)}"
    return Line(f"{_of_extension(fact.extension)}{stage}")


def _decided(fact: DecisionRecorded, _actor: str) -> Line:
    approved = fact.decision == "approve"
    counts = f" ({', '.join(fact.counts_for)})" if fact.counts_for else ""
    instead = ", in place of an earlier decision" if fact.instead else ""
    less = f", but less than was asked: {values.narrowed(fact.changes)}" if fact.changes else ""
    decision = f"{fact.approver} {'approved' if approved else 'rejected'} for the {words.side(fact.stage)}"
    sentence = f"{_of_extension(fact.extension)}{decision}{counts}{instead}{less}"
    return Line(sentence, fact.comment, "good" if approved else "bad")


def _of_extension(number: int | None) -> str:
    return "" if number is None else f"Extension {number}: "


def _info_requested(fact: InfoRequested, _actor: str) -> Line:
    return Line(f"{fact.approver} asked {fact.requester} for information", fact.question)


def _resumed(fact: ReviewResumed, _actor: str) -> Line:
    return Line(f"The {words.side(fact.stage)}'s people go on deciding")


def _approved(fact: RequestApproved, _actor: str) -> Line:
    by = "every stage approved it" if fact.approval_required else "the customer's own people were not asked"
    return Line(f"The request was approved; {by}", tone="good")


def _denied(fact: RequestDenied, _actor: str) -> Line:
    if fact.denied_by == POLICY:
        return Line("The request was denied by the policy", words.spoken_within(fact.comment), "bad")
    return Line(f"The request was denied by {fact.denied_by}", fact.comment, "bad")


def _cancelled(fact: RequestCancelled, actor: str) -> Line:
    return Line(f"{actor} cancelled the request", fact.comment, "quiet")


def _expired(_fact: RequestExpired, _actor: str) -> Line:
    return Line("The request expired: nobody decided in time, so there is no access", tone="quiet")


def _break_glass_requested(fact: BreakGlassRequested, _actor: str) -> Line:
    asked = f"{fact.approver} asked for access without the customer"
    return Line(f"{asked}; nothing is open until a second approver agrees", fact.comment, "bad")


def _break_glass_used(fact: BreakGlassUsed, _actor: str) -> Line:
    opened = f"{values.joined(fact.approvers)} opened access without the customer, until {values.utc(fact.ends_at)}"
    return Line(opened, "\n".join(fact.comments), "bad")


def _break_glass_acknowledged(fact: BreakGlassAcknowledged, actor: str) -> Line:
    return Line(f"{actor} acknowledged the access that was opened without the customer", fact.comment)


SENTENCES: Sentences = {
    RequestEvaluated: _evaluated,
    StagesAdded: _stages_added,
    StageOpened: _stage_opened,
    DecisionRecorded: _decided,
    InfoRequested: _info_requested,
    ReviewResumed: _resumed,
    RequestApproved: _approved,
    RequestDenied: _denied,
    RequestCancelled: _cancelled,
    RequestExpired: _expired,
    BreakGlassRequested: _break_glass_requested,
    BreakGlassUsed: _break_glass_used,
    BreakGlassAcknowledged: _break_glass_acknowledged,
}
