"""Deciding: what an approver is shown, who may decide, and what a decision leads to.

`judge` says beforehand what `decide` would object to: both ask the same.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from approval_service.domain.approval import extension_steps
from approval_service.domain.approval.approval import Approval, Matter
from approval_service.domain.approval.deliberation import Ballot, Deliberation, require_none
from approval_service.domain.approval.narrowing import narrow, only_shorter
from lockbox.contracts.approval.facts import DecisionRecorded
from lockbox.contracts.approval.views import (
    ApprovalReading,
    ApprovalView,
    Judgement,
    NextStage,
    Objection,
    OpenDecision,
    Shown,
)
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.terms import AccessTerms
from lockbox.errors import Conflict, invalid
from lockbox.faults import Expected


def judge(approval: Approval, caller: Caller) -> Judgement:
    """Where the open stage stands, and what forbids this caller to decide in it."""
    try:
        matter = approval.require_matter()
    except Conflict as ended:
        return Judgement(forbidden=(Objection(code=ended.code, message=ended.message),))
    return matter.deliberation.judge(caller, approval.requester)


def decide(approval: Approval, caller: Caller, ballot: Ballot, now: datetime) -> Changed[Approval]:
    """Record a yes or no for the open stage, and go on or end as it demands."""
    caller.require_sight("request", approval.tenant, approval.requester)
    return approval.advance(now).then(lambda current: _decide(current, caller, ballot, now))


def shown(approval: Approval, matter: Matter) -> Shown | None:
    """What an approver of the open stage decides on."""
    if matter.deliberation.number is None:
        return None
    return Shown(
        request_id=approval.request_id,
        tenant=approval.tenant,
        requester=approval.requester,
        created_at=approval.created_at,
        expires_at=matter.expires_at,
        stage=matter.deliberation.number,
        extension=matter.extension,
        terms=matter.deliberation.terms,
        notes=approval.notes,
    )


def as_view(approval: Approval) -> ApprovalView:
    """As its readers see it."""
    return ApprovalView(**_seen(approval))


def as_reading(approval: Approval, caller: Caller) -> ApprovalReading:
    """As this reader sees it."""
    return ApprovalReading(**_seen(approval), you=judge(approval, caller))


def _decide(approval: Approval, caller: Caller, ballot: Ballot, now: datetime) -> Changed[Approval]:
    matter = approval.require_matter()
    require_none(judge(approval, caller).forbidden)
    if ballot.request_digest != _digest(approval, matter):
        raise Conflict("request_changed", "this is not, or not any more, what you were shown; look at it again")
    terms = _terms_left(approval, matter, ballot, now)
    deliberation = matter.deliberation.decide(caller, ballot, terms, now)
    recorded = _recorded(approval, matter, deliberation)
    return Changed(_with(approval, matter, deliberation), (recorded,)).then(lambda after: _settle(after, now))


def _terms_left(approval: Approval, matter: Matter, ballot: Ballot, now: datetime) -> AccessTerms:
    terms, changes = matter.deliberation.terms, ballot.changes
    if ballot.decision == "deny":
        if changes is not None:
            raise invalid("changes", Expected("changes_with_denial"), "changes")
        if approval.limits.comment_on_denial and not ballot.comment.strip():
            raise invalid("comment", Expected("comment_required"), ballot.comment)
    if changes is None:
        return terms
    return narrow(terms, changes, now) if matter.extension is None else only_shorter(terms, changes)


def _recorded(approval: Approval, matter: Matter, after: Deliberation) -> DecisionRecorded:
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
        instead=len(after.decisions) == len(matter.deliberation.decisions),
        extension=matter.extension,
    )


def _with(approval: Approval, matter: Matter, deliberation: Deliberation) -> Approval:
    if matter.extension is None or approval.extension is None:
        return replace(approval, deliberation=deliberation)
    return approval.with_extension(replace(approval.extension, deliberation=deliberation))


def _settle(approval: Approval, now: datetime) -> Changed[Approval]:
    matter = approval.require_matter()
    verdict, last = matter.deliberation.verdict, matter.deliberation.decisions[-1]
    if verdict is None:
        return Changed(approval)
    if approval.extension is not None:
        return extension_steps.settle(approval, approval.extension, verdict, last.comment, now)
    return approval.deny(last.approver, last.comment) if verdict == "deny" else approval.go_on(now)


def _digest(approval: Approval, matter: Matter | None) -> str | None:
    document = shown(approval, matter) if matter else None
    return document.digest if document else None


def _open(matter: Matter, digest: str) -> OpenDecision:
    number, stage = matter.deliberation.opened()
    following = next(iter(matter.deliberation.stages[number:]), None)
    return OpenDecision(
        extension=matter.extension,
        stage=number,
        name=stage.name,
        side=stage.side,
        digest=digest,
        terms=matter.deliberation.terms,
        ends_at=matter.expires_at,
        next=NextStage(stage=number + 1, name=following.name, side=following.side) if following else None,
    )


def _seen(approval: Approval) -> dict[str, Any]:
    matter = approval.matter
    digest = _digest(approval, matter)
    of_request = matter is not None and matter.extension is None
    return {
        "request_id": approval.request_id,
        "tenant": approval.tenant,
        "requester": approval.requester,
        "state": approval.state,
        "created_at": approval.created_at,
        "expires_at": approval.expires_at,
        "terms": approval.deliberation.terms,
        "policy_version": approval.limits.policy_version,
        "why": approval.why,
        "rule": approval.rule,
        "comment_on_denial": approval.limits.comment_on_denial,
        "break_glass_allowed": approval.limits.break_glass.allowed,
        "notes": approval.notes,
        "break_glass": approval.break_glass,
        "extensions": tuple(
            one.as_view(digest if matter and matter.extension == one.number else None) for one in approval.extensions
        ),
        "grant": approval.grant,
        "open": _open(matter, digest) if matter and digest else None,
        "stages": approval.deliberation.stages,
        "decisions": approval.deliberation.decisions,
        "request_digest": digest if of_request else None,
    }
