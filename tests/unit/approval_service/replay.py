"""The state of an approval, rebuilt from its events alone, by rules of its own: none of the domain's steps is used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.deliberation import Deliberation
from approval_service.domain.approval.extension import Extension
from approval_service.domain.grant import Grant
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
)
from lockbox.contracts.approval.terms import Changes, Note
from lockbox.contracts.approval.views import BreakGlassView, Decision, Stage
from lockbox.contracts.events import Fact
from lockbox.contracts.grant.facts import (
    AccessGranted,
    ExtensionDecided,
    ExtensionRequested,
    GrantActivated,
    GrantBound,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
)
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.request.facts import RequestCreated
from lockbox.contracts.request.terms import AccessTerms, RequestState


@dataclass(frozen=True)
class Told:
    """A fact, when it became one, and who acted."""

    at: datetime
    by: str
    fact: Any


def replay(asked: RequestCreated, events: list[Told]) -> Approval:
    """What the events say."""
    first, *later = events
    approval = _evaluated(asked, first.fact)
    for told in later:
        approval = STEPS[type(told.fact)](approval, told, told.fact)
    return approval


def _evaluated(asked: RequestCreated, fact: RequestEvaluated) -> Approval:
    return Approval(
        request_id=fact.request_id,
        tenant=str(fact.tenant),
        requester=fact.requester,
        state=RequestState.PENDING_VENDOR,
        created_at=fact.created_at,
        expires_at=fact.expires_at,
        limits=fact.limits,
        deliberation=_unopened(AccessTerms.of(asked), fact.stages),
        why=fact.why,
        rule=fact.rule,
    )


def _unopened(terms: AccessTerms, stages: Any) -> Deliberation:
    plain = ("name", "side", "groups", "denials")
    return Deliberation(
        terms=terms, stages=tuple(Stage(**{name: getattr(stage, name) for name in plain}) for stage in stages)
    )


def _stage_opened(approval: Approval, told: Told, fact: StageOpened) -> Approval:
    if fact.extension is not None:
        extension = _extension(approval, fact.extension)
        deliberation = _opened(extension.deliberation, fact.number, told.at)
        return _with(approval, replace(extension, deliberation=deliberation))
    state = RequestState(f"PENDING_{fact.stage}")
    return replace(approval, state=state, deliberation=_opened(approval.deliberation, fact.number, told.at))


def _opened(deliberation: Deliberation, number: int, at: datetime) -> Deliberation:
    stages = list(deliberation.stages)
    if number > 1:
        stages[number - 2] = replace(stages[number - 2], closed_at=at)
    if number <= len(stages):
        stages[number - 1] = replace(stages[number - 1], opened_at=at)
    return replace(deliberation, stages=tuple(stages))


def _decided(approval: Approval, told: Told, fact: DecisionRecorded) -> Approval:
    if fact.extension is not None:
        extension = _extension(approval, fact.extension)
        return _with(approval, replace(extension, deliberation=_said(extension.deliberation, told, fact)))
    return replace(approval, deliberation=_said(approval.deliberation, told, fact))


def _said(deliberation: Deliberation, told: Told, fact: DecisionRecorded) -> Deliberation:
    word = Decision(
        stage=fact.stage_number,
        side=fact.stage,
        approver=fact.approver,
        decision=fact.decision,
        comment=fact.comment,
        decided_at=told.at,
        counts_for=fact.counts_for,
        request_digest=fact.request_digest,
        changes=fact.changes,
    )
    others = [one for one in deliberation.decisions if (one.stage, one.approver) != (word.stage, word.approver)]
    assert fact.instead is (len(others) < len(deliberation.decisions))
    return replace(deliberation, terms=_less(deliberation.terms, fact.changes), decisions=(*others, word))


def _less(terms: AccessTerms, changes: Changes | None) -> AccessTerms:
    taken = {} if changes is None else {one.name: getattr(changes, one.name) for one in fields(changes)}
    return replace(terms, **{name: value for name, value in taken.items() if value is not None})


def _asked_back(approval: Approval, told: Told, fact: InfoRequested) -> Approval:
    number = sum(note.kind == "question" for note in approval.notes) + 1
    note = Note(kind="question", number=number, by=fact.approver, at=told.at, text=fact.question)
    return replace(approval, state=RequestState.INFO_REQUESTED, notes=(*approval.notes, note))


def _resumed(approval: Approval, told: Told, fact: ReviewResumed) -> Approval:
    number = sum(note.kind == "answer" for note in approval.notes) + 1
    note = Note(kind="answer", number=number, by=fact.requester, at=told.at, text=fact.answer)
    return replace(approval, state=RequestState(f"PENDING_{fact.stage}"), notes=(*approval.notes, note))


def _approved(approval: Approval, told: Told, fact: RequestApproved) -> Approval:
    return replace(approval, state=RequestState.APPROVED)


def _granted(approval: Approval, told: Told, fact: AccessGranted) -> Approval:
    deliberation = approval.deliberation
    if fact.opened_by == "approval":
        deliberation = _opened(deliberation, len(deliberation.stages) + 1, told.at)
    grant = Grant(
        id=fact.grant_id,
        request_id=fact.request_id,
        tenant=str(fact.tenant),
        requester=fact.requester,
        service_request=fact.service_request,
        resources=fact.resources,
        actions=fact.actions,
        state=GrantState.SCHEDULED,
        granted_at=told.at,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        opened_by=fact.opened_by,
    )
    return replace(approval, deliberation=deliberation, grant=grant)


def _ended(state: RequestState) -> Callable[[Approval, Told, Any], Approval]:
    return lambda approval, told, fact: replace(approval, state=state)


def _activated(approval: Approval, told: Told, fact: GrantActivated) -> Approval:
    return replace(approval, grant=replace(approval.granted(), state=GrantState.ACTIVE))


def _over(state: GrantState) -> Callable[[Approval, Told, Any], Approval]:
    def over(approval: Approval, told: Told, fact: Any) -> Approval:
        grant = replace(approval.granted(), state=state, ended_at=told.at, ended_by=told.by, comment=fact.comment)
        return replace(approval, grant=grant)

    return over


def _expired(approval: Approval, told: Told, fact: GrantExpired) -> Approval:
    grant = approval.granted()
    over = replace(grant, state=GrantState.EXPIRED, ended_at=grant.ends_at, ended_by="approval_service")
    return replace(approval, grant=over)


def _extension_requested(approval: Approval, told: Told, fact: ExtensionRequested) -> Approval:
    terms = replace(
        approval.deliberation.terms,
        duration=fact.duration,
        justification=fact.justification,
        starts_at=approval.granted().ends_at,
    )
    extension = Extension(
        number=fact.number,
        duration=fact.duration,
        justification=fact.justification,
        asked_at=told.at,
        deliberation=_unopened(terms, approval.deliberation.stages),
    )
    return _with(approval, extension)


def _extension_decided(approval: Approval, told: Told, fact: ExtensionDecided) -> Approval:
    extension = _extension(approval, fact.number)
    state: Any = {"approve": "APPROVED", "deny": "DENIED", "lapse": "LAPSED"}[fact.outcome]
    deliberation = extension.deliberation
    if fact.outcome == "approve":
        deliberation = _opened(deliberation, len(deliberation.stages) + 1, told.at)
        approval = replace(approval, grant=replace(approval.granted(), ends_at=fact.ends_at))
    return _with(approval, replace(extension, state=state, deliberation=deliberation))


def _glass_wanted(approval: Approval, told: Told, fact: BreakGlassRequested) -> Approval:
    wanted = BreakGlassView(asked_by=fact.approver, asked_at=told.at, comment=fact.comment)
    return replace(approval, break_glass=wanted)


def _glass_broken(approval: Approval, told: Told, fact: BreakGlassUsed) -> Approval:
    assert approval.break_glass is not None
    return replace(
        approval,
        break_glass=replace(
            approval.break_glass, opened_by=fact.approvers[1], opened_at=told.at, agreement=fact.comments[1]
        ),
    )


def _glass_known(approval: Approval, told: Told, fact: BreakGlassAcknowledged) -> Approval:
    assert approval.break_glass is not None
    known = replace(
        approval.break_glass, acknowledged_by=told.by, acknowledged_at=told.at, acknowledgement=fact.comment
    )
    return replace(approval, break_glass=known)


def _bound(approval: Approval, told: Told, fact: GrantBound) -> Approval:
    grant = approval.granted()
    return replace(approval, grant=replace(grant, bound_to=(*grant.bound_to, fact.thumbprint)))


def _extension(approval: Approval, number: int) -> Extension:
    [found] = [one for one in approval.extensions if one.number == number]
    return found


def _with(approval: Approval, extension: Extension) -> Approval:
    others = [one for one in approval.extensions if one.number != extension.number]
    return replace(approval, extensions=(*others, extension))


STEPS: Mapping[type[Fact], Callable[[Approval, Told, Any], Approval]] = {
    StageOpened: _stage_opened,
    DecisionRecorded: _decided,
    InfoRequested: _asked_back,
    ReviewResumed: _resumed,
    RequestApproved: _approved,
    RequestDenied: _ended(RequestState.DENIED),
    RequestCancelled: _ended(RequestState.CANCELLED),
    RequestExpired: _ended(RequestState.EXPIRED),
    AccessGranted: _granted,
    GrantActivated: _activated,
    GrantBound: _bound,
    GrantCompleted: _over(GrantState.COMPLETED),
    GrantRevoked: _over(GrantState.REVOKED),
    GrantExpired: _expired,
    ExtensionRequested: _extension_requested,
    ExtensionDecided: _extension_decided,
    BreakGlassRequested: _glass_wanted,
    BreakGlassUsed: _glass_broken,
    BreakGlassAcknowledged: _glass_known,
}
