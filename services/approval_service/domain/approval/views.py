"""The mapping of an approval and its grant to the views of the published language."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from approval_service.domain.approval import gate
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.deliberation import Deliberation, counts_for
from approval_service.domain.approval.extension import Extension
from approval_service.domain.approval.present import Present
from approval_service.domain.grant import Grant
from lockbox.contracts import wire
from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.approval.views import (
    ApprovalReading,
    ApprovalView,
    BreakGlassView,
    DecisionView,
    ExtensionView,
    Judgement,
    Missing,
    NextStage,
    Objection,
    OpenDecision,
    Stage,
)
from lockbox.contracts.grant.views import GrantReading, GrantView
from lockbox.contracts.identity import Caller


def as_view(approval: Approval) -> ApprovalView:
    """Return the view of an approval that is the same for all its readers."""
    return ApprovalView(**_fields(approval))


def as_reading(approval: Approval, caller: Caller, now: datetime) -> ApprovalReading:
    """Return the view of an approval with the standing and permissions of one reader."""
    return ApprovalReading(**_fields(approval), you=judgement(approval, caller, now))


def with_effect(reading: ApprovalReading, approval: Approval, present: Present) -> ApprovalReading:
    """Return a view with the effect that an approval would have now."""
    if reading.open is None:
        return reading
    return replace(reading, open=replace(reading.open, effect=gate.effect_of_approval(approval, present)))


def as_grant_reading(approval: Approval, caller: Caller, now: datetime) -> GrantReading:
    """Return the view of an approval's grant with the permissions of one reader."""
    rights = gate.rights(gate.ON_GRANT, approval, caller, now)
    return GrantReading(**wire.named(GrantView, approval.granted()), you=rights)


def as_grant_view(grant: Grant) -> GrantView:
    """Return the view of a grant."""
    return GrantView(**wire.named(GrantView, grant))


def judgement(approval: Approval, caller: Caller, now: datetime) -> Judgement:
    """Return the standing of the open stage for one reader, and the reader's permissions."""
    may = gate.rights(gate.ON_REQUEST, approval, caller, now).may
    decide, pending = may[Decide.method], approval.pending_decision
    forbidden = () if decide.allowed else (Objection(code=str(decide.code), message=str(decide.message)),)
    standing = _standing(pending.deliberation, caller) if pending else {}
    return Judgement(**standing, forbidden=forbidden, may=may)


def _standing(deliberation: Deliberation, caller: Caller) -> dict[str, Any]:
    if deliberation.stage is None:
        return {}
    stage, vote, lacking = deliberation.stage, deliberation.vote_of(caller.email), deliberation.missing()
    return {
        "satisfied": tuple(group.name for group in stage.groups if not lacking[group.name]),
        "missing": tuple(
            Missing(group=group.name, approvals=lacking[group.name], members=group.members)
            for group in stage.groups
            if lacking[group.name]
        ),
        "counts_for": counts_for(caller, stage),
        "said": vote.decision if vote else None,
    }


def _fields(approval: Approval) -> dict[str, Any]:
    decision = _open_decision(approval)
    digests = {decision.extension: decision.digest} if decision else {}
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
        "break_glass": approval.break_glass and BreakGlassView(**vars(approval.break_glass)),
        "extensions": tuple(_extension(one, digests.get(one.number)) for one in approval.extensions),
        "grant": approval.grant and as_grant_view(approval.grant),
        "open": decision,
        **_deliberating(approval.deliberation, digests.get(None)),
    }


def _open_decision(approval: Approval) -> OpenDecision | None:
    pending, document = approval.pending_decision, approval.document
    if pending is None or document is None:
        return None
    number, stage = pending.deliberation.opened()
    following = pending.deliberation.following
    return OpenDecision(
        extension=pending.extension,
        stage=number,
        name=stage.name,
        side=stage.side,
        digest=document.digest,
        terms=pending.deliberation.terms,
        ends_at=pending.ends_at,
        next=NextStage(stage=number + 1, name=following.name, side=following.side) if following else None,
    )


def _extension(extension: Extension, digest: str | None) -> ExtensionView:
    return ExtensionView(
        number=extension.number,
        duration=extension.duration,
        terms=extension.deliberation.terms,
        justification=extension.justification,
        asked_at=extension.asked_at,
        state=extension.state,
        **_deliberating(extension.deliberation, digest),
    )


def _deliberating(deliberation: Deliberation, digest: str | None) -> dict[str, Any]:
    return {
        "stages": tuple(Stage(**vars(stage)) for stage in deliberation.stages),
        "decisions": tuple(DecisionView(**wire.named(DecisionView, vote)) for vote in deliberation.decisions),
        "request_digest": digest,
    }
