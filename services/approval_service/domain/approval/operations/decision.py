"""Decisions: the vote of an approver in the open stage, and the outcome that it leads to."""

from dataclasses import replace
from datetime import datetime

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.deliberation import Deliberation, PendingDecision
from approval_service.domain.approval.operations import extension
from approval_service.domain.approval.operations.narrowing import narrow, only_shorter
from approval_service.domain.approval.present import Present
from lockbox.contracts import plain_text
from lockbox.contracts.approval.facts import DecisionRecorded, RequestDenied, StagesAdded
from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.approval.views import ApprovalEffect, NextStage
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.facts import ExtensionDecided
from lockbox.contracts.grant.token import require_acceptable
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.terms import AccessTerms
from lockbox.errors import Conflict, LockboxError, invalid
from lockbox.faults import Expected


def require_decidable(approval: Approval, caller: Caller) -> None:
    """Raise unless a decision is open and the policy lets this caller decide in its stage."""
    approval.require_decision().deliberation.require_eligible(caller)


def decide(approval: Approval, caller: Caller, command: Decide, present: Present) -> Changed[Approval]:
    """Record a vote in the open stage; open the next stage, or end, as it demands."""
    pending, document = approval.require_decision(), approval.document
    if document is None or command.request_digest != document.digest:
        raise Conflict("request_changed", "this is not, or not any more, what you were shown; look at it again")
    terms = _terms_left(approval, pending, command, present.now)
    deliberation = pending.deliberation.vote(caller, command, terms, present.now)
    voted = Changed(_with(approval, pending, deliberation), (_recorded(approval, pending, deliberation),))
    return voted.then(lambda after: _conclude_stage(after, present))


def effect(approval: Approval, present: Present) -> ApprovalEffect | None:
    """Return the effect of the approval that closes the open stage now: the step is taken, and its state dropped."""
    advanced = approval.advance(present.now).state
    if advanced.document is None:
        return None
    try:
        return _effect(_close(advanced, "", present))
    except LockboxError as error:
        return ApprovalEffect(outcome="refusal", code=error.code, message=error.message, params=error.params)


def _effect(closed: Changed[Approval]) -> ApprovalEffect:
    pending = closed.state.pending_decision
    if pending is not None:
        number, stage = pending.deliberation.opened()
        added = tuple(why for fact in closed.facts if isinstance(fact, StagesAdded) for why in fact.why)
        return ApprovalEffect(
            outcome="stage", why=added, next=NextStage(stage=number, name=stage.name, side=stage.side)
        )
    for fact in closed.facts:
        if isinstance(fact, RequestDenied) or (isinstance(fact, ExtensionDecided) and fact.outcome == "deny"):
            return ApprovalEffect(outcome="denial", why=(fact.comment,))
    grant = closed.state.granted()
    return ApprovalEffect(outcome="access", starts_at=grant.starts_at, ends_at=grant.ends_at)


def _terms_left(approval: Approval, pending: PendingDecision, command: Decide, now: datetime) -> AccessTerms:
    terms, changes = pending.deliberation.terms, command.changes
    if command.decision == "deny":
        if changes is not None:
            raise invalid("changes", Expected("changes_with_denial"), "changes")
        if approval.limits.comment_on_denial and not plain_text.shows(command.comment):
            raise invalid("comment", Expected("comment_required"), command.comment)
    if changes is None:
        return terms
    if pending.extension is not None:
        return only_shorter(terms, changes)
    left = narrow(terms, changes, now)
    require_acceptable(left, approval.requester, "changes.resources")
    return left


def _recorded(approval: Approval, pending: PendingDecision, after: Deliberation) -> DecisionRecorded:
    decision = after.decisions[-1]
    return DecisionRecorded(
        tenant=approval.tenant,
        request_id=approval.request_id,
        stage=decision.side,
        approver=decision.approver,
        decision=decision.decision,
        comment=decision.comment,
        stage_number=decision.stage,
        counts_for=decision.counts_for,
        changes=decision.changes,
        request_digest=decision.request_digest,
        instead=len(after.decisions) == len(pending.deliberation.decisions),
        extension=pending.extension,
    )


def _with(approval: Approval, pending: PendingDecision, deliberation: Deliberation) -> Approval:
    if pending.extension is None or approval.extension is None:
        return replace(approval, deliberation=deliberation)
    return approval.with_extension(replace(approval.extension, deliberation=deliberation))


def _conclude_stage(approval: Approval, present: Present) -> Changed[Approval]:
    deliberation = approval.require_decision().deliberation
    verdict, last = deliberation.verdict, deliberation.decisions[-1]
    if verdict is None:
        return Changed(approval)
    if verdict == "approve":
        return _close(approval, last.comment, present)
    if approval.extension is not None:
        return extension.deny(approval, approval.extension, last.comment)
    return approval.deny(last.approver, last.comment)


def _close(approval: Approval, comment: str, present: Present) -> Changed[Approval]:
    """Close the open stage with an approval."""
    if approval.extension is not None:
        return extension.open_next_stage(approval, approval.extension, comment, present)
    return approval.open_next_stage(present)
