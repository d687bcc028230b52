"""The state of an approval, rebuilt from its events alone, by separate rules: none of the domain's steps is used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.break_glass import BreakGlassUse
from approval_service.domain.approval.deliberation import CastVote, Deliberation, StageProgress
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
    StagesAdded,
)
from lockbox.contracts.approval.terms import Changes, Note
from lockbox.contracts.events import Fact
from lockbox.contracts.grant.facts import (
    AccessGranted,
    ExtendedWithoutCustomer,
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
class RecordedFact:
    """A fact with its time and its actor."""

    at: datetime
    by: str
    fact: Any


def replay(asked: RequestCreated, events: list[RecordedFact]) -> Approval:
    """Return the approval that the events lead to."""
    first, *later = events
    approval = _evaluated(asked, first.fact)
    for record in later:
        approval = STEPS[type(record.fact)](approval, record, record.fact)
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
        excerpt=fact.excerpt,
    )


def _unopened(terms: AccessTerms, stages: Any) -> Deliberation:
    plain = ("name", "side", "groups", "denials")
    return Deliberation(
        terms=terms, stages=tuple(StageProgress(**{name: getattr(stage, name) for name in plain}) for stage in stages)
    )


def _stages_added(approval: Approval, record: RecordedFact, fact: StagesAdded) -> Approval:
    if fact.extension is None:
        more = _more(approval.deliberation, fact, record.at)
        return replace(approval, why=(*approval.why, *fact.why), deliberation=more)
    extension = _extension(approval, fact.extension)
    return _with(approval, replace(extension, deliberation=_more(extension.deliberation, fact, record.at)))


def _more(deliberation: Deliberation, fact: StagesAdded, at: datetime) -> Deliberation:
    added = _unopened(deliberation.terms, fact.stages)
    return replace(deliberation, stages=(*deliberation.stages, *added.stages))


def _extended_without_customer(approval: Approval, record: RecordedFact, fact: ExtendedWithoutCustomer) -> Approval:
    extension = _extension(approval, fact.number)
    assert not any(stage.side == "CUSTOMER" for stage in extension.deliberation.stages)
    assert approval.granted().ends_at == fact.ends_at
    return approval


def _stage_opened(approval: Approval, record: RecordedFact, fact: StageOpened) -> Approval:
    if fact.extension is not None:
        extension = _extension(approval, fact.extension)
        deliberation = _opened(extension.deliberation, fact.number, record.at)
        return _with(approval, replace(extension, deliberation=deliberation))
    state = RequestState(f"PENDING_{fact.stage}")
    return replace(approval, state=state, deliberation=_opened(approval.deliberation, fact.number, record.at))


def _opened(deliberation: Deliberation, number: int, at: datetime) -> Deliberation:
    stages = list(deliberation.stages)
    if number > 1:
        stages[number - 2] = replace(stages[number - 2], closed_at=at)
    if number <= len(stages):
        stages[number - 1] = replace(stages[number - 1], opened_at=at)
    return replace(deliberation, stages=tuple(stages))


def _decided(approval: Approval, record: RecordedFact, fact: DecisionRecorded) -> Approval:
    if fact.extension is not None:
        extension = _extension(approval, fact.extension)
        return _with(approval, replace(extension, deliberation=_said(extension.deliberation, record, fact)))
    return replace(approval, deliberation=_said(approval.deliberation, record, fact))


def _said(deliberation: Deliberation, record: RecordedFact, fact: DecisionRecorded) -> Deliberation:
    vote = CastVote(
        stage=fact.stage_number,
        side=fact.stage,
        approver=fact.approver,
        decision=fact.decision,
        comment=fact.comment,
        decided_at=record.at,
        counts_for=fact.counts_for,
        request_digest=fact.request_digest,
        changes=fact.changes,
    )
    others = [one for one in deliberation.decisions if (one.stage, one.approver) != (vote.stage, vote.approver)]
    earlier = [one.votes for one in deliberation.decisions if one not in others]
    vote = replace(vote, votes=1 + sum(earlier))
    assert fact.instead is (len(others) < len(deliberation.decisions))
    return replace(deliberation, terms=_less(deliberation.terms, fact.changes), decisions=(*others, vote))


def _less(terms: AccessTerms, changes: Changes | None) -> AccessTerms:
    taken = {} if changes is None else {one.name: getattr(changes, one.name) for one in fields(changes)}
    return replace(terms, **{name: value for name, value in taken.items() if value is not None})


def _asked_back(approval: Approval, record: RecordedFact, fact: InfoRequested) -> Approval:
    number = sum(note.kind == "question" for note in approval.notes) + 1
    note = Note(kind="question", number=number, by=fact.approver, at=record.at, text=fact.question)
    return replace(approval, state=RequestState.INFO_REQUESTED, notes=(*approval.notes, note))


def _resumed(approval: Approval, record: RecordedFact, fact: ReviewResumed) -> Approval:
    number = sum(note.kind == "answer" for note in approval.notes) + 1
    note = Note(kind="answer", number=number, by=fact.requester, at=record.at, text=fact.answer)
    return replace(approval, state=RequestState(f"PENDING_{fact.stage}"), notes=(*approval.notes, note))


def _approved(approval: Approval, record: RecordedFact, fact: RequestApproved) -> Approval:
    return replace(approval, state=RequestState.APPROVED)


def _granted(approval: Approval, record: RecordedFact, fact: AccessGranted) -> Approval:
    deliberation = approval.deliberation
    if fact.opened_by == "approval":
        deliberation = _opened(deliberation, len(deliberation.stages) + 1, record.at)
    grant = Grant(
        id=fact.grant_id,
        request_id=fact.request_id,
        tenant=str(fact.tenant),
        requester=fact.requester,
        service_request=fact.service_request,
        resources=fact.resources,
        actions=fact.actions,
        state=GrantState.SCHEDULED,
        granted_at=record.at,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        opened_by=fact.opened_by,
    )
    return replace(approval, deliberation=deliberation, grant=grant)


def _denied(approval: Approval, record: RecordedFact, fact: RequestDenied) -> Approval:
    """A denial after a yes is the policy's: the yes has closed the stage."""
    closed = _closed_by_yes(approval.deliberation, record.at)
    return replace(approval, state=RequestState.DENIED, deliberation=closed)


def _closed_by_yes(deliberation: Deliberation, at: datetime) -> Deliberation:
    last = deliberation.decisions[-1] if deliberation.decisions else None
    if last is None or last.decision != "approve":
        return deliberation
    return _opened(deliberation, last.stage + 1, at)


def _ended(state: RequestState) -> Callable[[Approval, RecordedFact, Any], Approval]:
    return lambda approval, record, fact: replace(approval, state=state)


def _activated(approval: Approval, record: RecordedFact, fact: GrantActivated) -> Approval:
    return replace(approval, grant=replace(approval.granted(), state=GrantState.ACTIVE))


def _over(state: GrantState) -> Callable[[Approval, RecordedFact, Any], Approval]:
    def over(approval: Approval, record: RecordedFact, fact: Any) -> Approval:
        grant = replace(approval.granted(), state=state, ended_at=record.at, ended_by=record.by, comment=fact.comment)
        return replace(approval, grant=grant)

    return over


def _expired(approval: Approval, record: RecordedFact, fact: GrantExpired) -> Approval:
    grant = approval.granted()
    over = replace(grant, state=GrantState.EXPIRED, ended_at=grant.ends_at, ended_by="approval_service")
    return replace(approval, grant=over)


def _extension_requested(approval: Approval, record: RecordedFact, fact: ExtensionRequested) -> Approval:
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
        asked_at=record.at,
        deliberation=_unopened(terms, approval.deliberation.stages),
    )
    return _with(approval, extension)


def _extension_decided(approval: Approval, record: RecordedFact, fact: ExtensionDecided) -> Approval:
    extension = _extension(approval, fact.number)
    state: Any = {"approve": "APPROVED", "deny": "DENIED", "lapse": "LAPSED"}[fact.outcome]
    deliberation = extension.deliberation
    if fact.outcome == "approve":
        deliberation = _opened(deliberation, len(deliberation.stages) + 1, record.at)
        approval = replace(approval, grant=replace(approval.granted(), ends_at=fact.ends_at))
    elif fact.outcome == "deny":
        deliberation = _closed_by_yes(deliberation, record.at)
    return _with(approval, replace(extension, state=state, deliberation=deliberation))


def _break_glass_requested(approval: Approval, record: RecordedFact, fact: BreakGlassRequested) -> Approval:
    wanted = BreakGlassUse(asked_by=fact.approver, asked_at=record.at, comment=fact.comment)
    return replace(approval, break_glass=wanted)


def _break_glass_used(approval: Approval, record: RecordedFact, fact: BreakGlassUsed) -> Approval:
    assert approval.break_glass is not None
    return replace(
        approval,
        break_glass=replace(
            approval.break_glass, opened_by=fact.approvers[1], opened_at=record.at, agreement=fact.comments[1]
        ),
    )


def _break_glass_acknowledged(approval: Approval, record: RecordedFact, fact: BreakGlassAcknowledged) -> Approval:
    assert approval.break_glass is not None
    known = replace(
        approval.break_glass, acknowledged_by=record.by, acknowledged_at=record.at, acknowledgement=fact.comment
    )
    return replace(approval, break_glass=known)


def _bound(approval: Approval, record: RecordedFact, fact: GrantBound) -> Approval:
    grant = approval.granted()
    return replace(approval, grant=replace(grant, bound_to=(*grant.bound_to, fact.thumbprint)))


def _extension(approval: Approval, number: int) -> Extension:
    [found] = [one for one in approval.extensions if one.number == number]
    return found


def _with(approval: Approval, extension: Extension) -> Approval:
    others = [one for one in approval.extensions if one.number != extension.number]
    return replace(approval, extensions=(*others, extension))


STEPS: Mapping[type[Fact], Callable[[Approval, RecordedFact, Any], Approval]] = {
    StagesAdded: _stages_added,
    StageOpened: _stage_opened,
    DecisionRecorded: _decided,
    InfoRequested: _asked_back,
    ReviewResumed: _resumed,
    RequestApproved: _approved,
    RequestDenied: _denied,
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
    ExtendedWithoutCustomer: _extended_without_customer,
    BreakGlassRequested: _break_glass_requested,
    BreakGlassUsed: _break_glass_used,
    BreakGlassAcknowledged: _break_glass_acknowledged,
}
