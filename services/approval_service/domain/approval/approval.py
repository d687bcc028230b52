"""An approval: the state of one request from its first stage to its outcome and, after a yes, its grant.

The operations of callers are in `operations`, behind the gate in `gate`. This module is longer than 250 lines: the
steps of one state machine stand together.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from approval_service.domain.approval import consent
from approval_service.domain.approval.break_glass import BreakGlassUse
from approval_service.domain.approval.deliberation import Deliberation, PendingDecision
from approval_service.domain.approval.extension import Extension
from approval_service.domain.approval.present import Present
from approval_service.domain.grant import Grant
from approval_service.domain.policy.evaluation import Evaluation, PolicyInput, evaluate, excerpt_of
from approval_service.domain.policy.hours import Span
from approval_service.domain.policy.policy import Policy
from lockbox.contracts.approval.facts import (
    RequestApproved,
    RequestDenied,
    RequestEvaluated,
    RequestExpired,
    StageOpened,
    StagesAdded,
)
from lockbox.contracts.approval.terms import Limits, Note, PolicyExcerpt
from lockbox.contracts.approval.views import DecisionDocument
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import Email, TenantName, Timestamp, Uuid
from lockbox.contracts.grant.facts import ExtensionDecided
from lockbox.contracts.grant.terms import OpenedBy
from lockbox.contracts.policy.document import Side
from lockbox.contracts.request.facts import RequestCreated
from lockbox.contracts.request.terms import PENDING, AccessTerms, RequestState
from lockbox.errors import Conflict, NotFound

POLICY = "policy"
STAGE_STATE = {Side.VENDOR: RequestState.PENDING_VENDOR, Side.CUSTOMER: RequestState.PENDING_CUSTOMER}


@dataclass(frozen=True, kw_only=True)
class Approval:
    """The outcome of one request. Every step returns the next state and its facts, or raises and changes nothing."""

    request_id: Uuid
    tenant: TenantName
    requester: Email
    state: RequestState
    created_at: Timestamp
    expires_at: Timestamp
    limits: Limits
    deliberation: Deliberation
    why: tuple[str, ...] = ()
    rule: str | None = None
    excerpt: PolicyExcerpt | None = None
    notes: tuple[Note, ...] = ()
    break_glass: BreakGlassUse | None = None
    extensions: tuple[Extension, ...] = ()
    grant: Grant | None = None

    @classmethod
    def open(cls, request: RequestCreated, policy: Policy, now: datetime) -> "Changed[Approval]":
        """Open an approval under the policy in force: in its first stage, or with an outcome."""
        terms = AccessTerms.of(request)
        arrival = PolicyInput(terms, request.requester, now)
        evaluation = evaluate(policy, arrival)
        approval = cls(
            request_id=request.request_id,
            tenant=request.tenant,
            requester=request.requester,
            state=RequestState.PENDING_VENDOR,
            created_at=request.created_at,
            expires_at=request.created_at + policy.request_lifetime,
            limits=policy.limits(),
            deliberation=Deliberation.on(terms, evaluation.stages),
            why=evaluation.why,
            rule=evaluation.rule,
            excerpt=None if evaluation.outcome == "deny" else excerpt_of(policy, arrival),
        )
        evaluated = RequestEvaluated(
            **approval.outcome(),
            created_at=approval.created_at,
            expires_at=approval.expires_at,
            outcome=evaluation.outcome,
            why=evaluation.why,
            rule=evaluation.rule,
            stages=evaluation.stages,
            limits=approval.limits,
            excerpt=approval.excerpt,
        )
        opened = Changed(approval, (evaluated,))
        if evaluation.outcome == "deny":
            return opened.then(lambda approval: approval.deny(POLICY, "; ".join(evaluation.why)))
        if now >= approval.expires_at:
            return opened.then(lambda approval: approval.advance(now))
        if evaluation.outcome == "approve":
            return opened.then(lambda approval: approval.approve("policy", now))
        return opened.then(lambda approval: approval.open_next_stage(Present(now, lambda _tenant: policy)))

    @property
    def pending(self) -> bool:
        """Whether the request can still be decided."""
        return self.state in PENDING

    @property
    def extension(self) -> Extension | None:
        """The extension that waits for a decision."""
        return next((one for one in self.extensions if one.state == "PENDING"), None)

    def asked_extension(self) -> Extension:
        """Return the extension that waits for a decision; raises `Conflict` if there is none."""
        if self.extension is None:
            raise Conflict("nothing_open", "no extension waits for a decision")
        return self.extension

    @property
    def pending_decision(self) -> PendingDecision | None:
        """The decision that approvers have to make now."""
        if self.pending:
            return PendingDecision(self.deliberation, self.expires_at)
        if self.extension and self.grant:
            return PendingDecision(self.extension.deliberation, self.grant.ends_at, self.extension.number)
        return None

    @property
    def document(self) -> DecisionDocument | None:
        """The document that an approver decides on now; None while no stage is open."""
        pending = self.pending_decision
        if pending is None or pending.deliberation.number is None:
            return None
        return DecisionDocument(
            request_id=self.request_id,
            tenant=self.tenant,
            requester=self.requester,
            created_at=self.created_at,
            expires_at=pending.ends_at,
            stage=pending.deliberation.number,
            extension=pending.extension,
            terms=pending.deliberation.terms,
            notes=self.notes,
        )

    def advance(self, now: datetime) -> "Changed[Approval]":
        """Expire an undecided request at its end; start and end the grant on time."""
        if self.pending and now >= self.expires_at:
            expired = replace(self, state=RequestState.EXPIRED)
            return Changed(expired, (RequestExpired(**self.outcome()),))
        return self.with_grant(lambda grant: grant.advance(now)) if self.grant else Changed(self)

    def granted(self) -> Grant:
        """Return the grant; raises `NotFound` if there is none."""
        if self.grant is None:
            raise NotFound("grant_not_found", "there is no such grant")
        return self.grant

    def require_decision(self) -> PendingDecision:
        """Return the decision that approvers have to make now; raises `Conflict` if there is none."""
        if self.pending_decision is None:
            raise self._ended("nothing waits for a decision")
        return self.pending_decision

    def require_pending(self) -> None:
        """Raise `Conflict` if the request has ended."""
        if not self.pending:
            raise self._ended("nothing can change that")

    def open_next_stage(self, present: Present) -> "Changed[Approval]":
        """Open the next stage; after the last one the request is approved, if the policy needs no further stage."""
        deliberation = self.deliberation.open_next_stage(present.now)
        after = replace(self, deliberation=deliberation)
        if deliberation.stage is None:
            return after._review(present)
        pending = replace(after, state=STAGE_STATE[deliberation.stage.side])
        return Changed(pending, (pending.stage_opened(),))

    def approve(self, opened_by: OpenedBy, now: datetime, terms: AccessTerms | None = None) -> "Changed[Approval]":
        """Grant the terms that are left, or, by break-glass, `terms`."""
        grant = Grant.of(self.request_id, self.requester, terms or self.deliberation.terms, opened_by, now)
        if opened_by != "break_glass":
            consent.require_no_freeze(self.limits.frozen, Span(grant.starts_at, grant.ends_at))
        consented = opened_by == "approval" and self.deliberation.includes_customer
        after = replace(self, state=RequestState.APPROVED, grant=grant)
        facts = (
            RequestApproved(**self.outcome(), approval_required=consented),
            grant.announce(self.deliberation.terms, approval_required=consented),
        )
        return Changed(after, facts).then(lambda approval: approval.advance(now))

    def deny(self, by: str, comment: str) -> "Changed[Approval]":
        """End the request without access."""
        after = replace(self, state=RequestState.DENIED)
        return Changed(after, (RequestDenied(**self.outcome(), denied_by=by, comment=comment),))

    def with_grant(self, step: "Callable[[Grant], Changed[Grant]]") -> "Changed[Approval]":
        """Take a step of the grant; a pending extension lapses when the access ends."""
        changed = step(self.granted())
        after = Changed(replace(self, grant=changed.state), changed.facts)
        return after if changed.state.live else after.then(Approval._lapse)

    def with_extension(self, extension: Extension) -> "Approval":
        """Return the approval with this extension, in place of the one of its number if there is one."""
        others = tuple(one for one in self.extensions if one.number != extension.number)
        return replace(self, extensions=(*others, extension))

    def stage_opened(self) -> StageOpened:
        """Return the fact that the stage of the pending decision is open."""
        pending = self.require_decision()
        number, stage = pending.deliberation.opened()
        return StageOpened(
            **pending.deliberation.terms.within(
                request_id=self.request_id,
                requester=self.requester,
                created_at=self.created_at,
                expires_at=pending.ends_at,
                stage=stage.side,
                quorum=sum(group.approvals for group in stage.groups),
                policy_version=self.limits.policy_version,
                name=stage.name,
                number=number,
                groups=stage.groups,
                extension=pending.extension,
            )
        )

    def stages_added(self, review: Evaluation, extension: int | None = None) -> StagesAdded:
        """Return the fact that further stages decide."""
        return StagesAdded(**self.outcome(), why=review.why, stages=review.stages, extension=extension)

    def outcome(self) -> dict[str, Any]:
        """Return the fields that every outcome of the request has."""
        return {
            "tenant": self.tenant,
            "request_id": self.request_id,
            "requester": self.requester,
            "service_request": self.deliberation.terms.service_request,
        }

    def _ended(self, consequence: str) -> Conflict:
        message = f"this request is {self.state}; {consequence}"
        return Conflict(f"request_{self.state.lower()}", message, params={"state": self.state})

    def _review(self, present: Present) -> "Changed[Approval]":
        """Evaluate the policy again for the access as it would open now: grant it, deny it, or open further stages."""
        terms = self.deliberation.terms
        grant = Grant.of(self.request_id, self.requester, terms, "approval", present.now)
        access = Span(grant.starts_at, grant.ends_at)
        opening = consent.Opening(terms, self.requester, access, self.deliberation.stages)
        review = consent.review(consent.KeptPolicy(self.limits, self.excerpt), opening, present)
        if review.outcome == "deny":
            return self.deny(POLICY, "; ".join(review.why))
        if review.outcome == "approve":
            return self.approve("approval", present.now)
        after = replace(self, why=(*self.why, *review.why), deliberation=self.deliberation.with_stages(review.stages))
        return Changed(after, (self.stages_added(review),)).then(lambda approval: approval.open_next_stage(present))

    def _lapse(self) -> "Changed[Approval]":
        if self.extension is None:
            return Changed(self)
        grant = self.granted()
        fact = ExtensionDecided(**grant.about(), number=self.extension.number, outcome="lapse", ends_at=grant.ends_at)
        return Changed(self.with_extension(replace(self.extension, state="LAPSED")), (fact,))
