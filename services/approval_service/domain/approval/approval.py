"""An approval: the way of one request through its stages to an outcome and, after a yes, its grant.

What people do with it is in modules of their own: `deciding`, `inquiry`, `extending`, `emergency`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from approval_service.domain.approval.deliberation import Deliberation
from approval_service.domain.approval.extension import Extension
from approval_service.domain.grant import Grant
from approval_service.domain.policy import hours
from approval_service.domain.policy.evaluation import Asked, evaluate
from approval_service.domain.policy.hours import Span
from approval_service.domain.policy.policy import Policy
from lockbox.contracts.approval.facts import (
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestEvaluated,
    RequestExpired,
    StageOpened,
)
from lockbox.contracts.approval.terms import Limits, Note
from lockbox.contracts.approval.views import BreakGlassView
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import Email, TenantName, Timestamp, Uuid
from lockbox.contracts.grant.facts import ExtensionDecided
from lockbox.contracts.grant.terms import Confirmation, OpenedBy
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import Side
from lockbox.contracts.request.facts import RequestCreated
from lockbox.contracts.request.terms import PENDING, AccessTerms, RequestState
from lockbox.errors import Conflict, Forbidden, NotFound
from lockbox.values.timestamps import format_timestamp

POLICY = "policy"
STAGE_STATE = {Side.VENDOR: RequestState.PENDING_VENDOR, Side.CUSTOMER: RequestState.PENDING_CUSTOMER}


@dataclass(frozen=True)
class Matter:
    """What people decide on now: the request itself, or the extension of this number."""

    deliberation: Deliberation
    expires_at: datetime
    extension: int | None = None


@dataclass(frozen=True, kw_only=True)
class Approval:
    """The outcome of one request. Every step gives the next state and its facts, or raises and changes nothing."""

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
    notes: tuple[Note, ...] = ()
    break_glass: BreakGlassView | None = None
    extensions: tuple[Extension, ...] = ()
    grant: Grant | None = None

    @classmethod
    def open(cls, request: RequestCreated, policy: Policy, now: datetime) -> "Changed[Approval]":
        """Begin as the policy in force says: with its first stage, or with an outcome."""
        terms = AccessTerms.of(request)
        evaluation = evaluate(policy, Asked(terms, request.requester, now))
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
        )
        begun = Changed(approval, (evaluated,))
        if evaluation.outcome == "deny":
            return begun.then(lambda approval: approval.deny(POLICY, "; ".join(evaluation.why)))
        if now >= approval.expires_at:
            return begun.then(lambda approval: approval.advance(now))
        if evaluation.outcome == "approve":
            return begun.then(lambda approval: approval.approve("policy", now))
        return begun.then(lambda approval: approval.go_on(now))

    @property
    def pending(self) -> bool:
        """Whether the request can still be decided."""
        return self.state in PENDING

    @property
    def extension(self) -> Extension | None:
        """The extension that waits for a decision."""
        return next((one for one in self.extensions if one.state == "PENDING"), None)

    @property
    def matter(self) -> Matter | None:
        """What people decide on now."""
        if self.pending:
            return Matter(self.deliberation, self.expires_at)
        if self.extension and self.grant:
            return Matter(self.extension.deliberation, self.grant.ends_at, self.extension.number)
        return None

    def cancel(self, caller: Caller, comment: str, now: datetime) -> "Changed[Approval]":
        """Take the request back; only its requester can, and only while it is pending."""
        caller.require_sight("request", self.tenant, self.requester)
        if caller.email != self.requester:
            raise Forbidden("not_requester", "only the requester can cancel a request")

        def cancelled(approval: Approval) -> Changed[Approval]:
            approval.require_pending()
            after = replace(approval, state=RequestState.CANCELLED)
            return Changed(after, (RequestCancelled(**approval.outcome(), comment=comment),))

        return self.advance(now).then(cancelled)

    def revoke(self, caller: Caller, comment: str, now: datetime) -> "Changed[Approval]":
        """End the grant before its time; approvers of both sides can, and the customer's administrators."""
        caller.require_sight("grant", self.tenant, self.requester)
        caller.require(Role.VENDOR_APPROVER, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)
        return self.advance(now).then(
            lambda approval: approval.with_grant(lambda grant: grant.revoke(caller.email, comment, now))
        )

    def bind(self, confirmation: Confirmation, now: datetime) -> "Changed[Approval]":
        """Have the grant fetched for a key or a certificate."""
        return self.advance(now).then(lambda approval: approval.with_grant(lambda grant: grant.bind(confirmation)))

    def complete(self, caller: Caller, comment: str, now: datetime) -> "Changed[Approval]":
        """Close the grant before its time; only its engineer can."""
        caller.require_sight("grant", self.tenant, self.requester)
        if caller.email != self.requester:
            raise Forbidden("not_requester", "only its engineer can complete a grant; others can revoke it")
        return self.advance(now).then(lambda approval: approval.with_grant(lambda grant: grant.complete(comment, now)))

    def advance(self, now: datetime) -> "Changed[Approval]":
        """What time alone does by `now`: a request that nobody decided expires; a grant starts and ends."""
        if self.pending and now >= self.expires_at:
            expired = replace(self, state=RequestState.EXPIRED)
            return Changed(expired, (RequestExpired(**self.outcome()),))
        return self.with_grant(lambda grant: grant.advance(now)) if self.grant else Changed(self)

    def granted(self) -> Grant:
        """The grant; raises `NotFound` if there is none."""
        if self.grant is None:
            raise NotFound("grant_not_found", "there is no such grant")
        return self.grant

    def require_matter(self) -> Matter:
        """What people decide on now; raises `Conflict` if there is nothing."""
        if self.matter is None:
            raise Conflict(
                f"request_{self.state.lower()}", f"this request is {self.state}; nothing waits for a decision"
            )
        return self.matter

    def require_pending(self) -> None:
        """Raise `Conflict` if the request has ended."""
        if not self.pending:
            raise Conflict(f"request_{self.state.lower()}", f"this request is {self.state}; nothing can change that")

    def require_thawed(self, access: Span) -> None:
        """Raise `Conflict` if the tenant's policy allows no access at that time."""
        for freeze in self.limits.frozen:
            span = hours.frozen(freeze)
            if span.touches(access):
                until = format_timestamp(span.end)
                raise Conflict("access_frozen", f"no access in the freeze {freeze.name!r}, until {until}")

    def go_on(self, now: datetime) -> "Changed[Approval]":
        """Open the next stage; after the last one the request is approved."""
        deliberation = self.deliberation.go_on(now)
        after = replace(self, deliberation=deliberation)
        if deliberation.stage is None:
            return after.approve("approval", now)
        pending = replace(after, state=STAGE_STATE[deliberation.stage.side])
        return Changed(pending, (pending.stage_opened(),))

    def approve(self, opened_by: OpenedBy, now: datetime, terms: AccessTerms | None = None) -> "Changed[Approval]":
        """Grant what is left of the terms, or `terms` in an emergency."""
        grant = Grant.of(self.request_id, self.requester, terms or self.deliberation.terms, opened_by, now)
        if opened_by != "break_glass":
            self.require_thawed(Span(grant.starts_at, grant.ends_at))
        consented = opened_by == "approval" and self.deliberation.customers_say
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
        """Take a step with the grant; an extension that waits lapses when the access ends."""
        changed = step(self.granted())
        after = Changed(replace(self, grant=changed.state), changed.facts)
        return after if changed.state.live else after.then(Approval._lapse)

    def with_extension(self, extension: Extension) -> "Approval":
        """This extension in place of the one of its number, or added."""
        others = tuple(one for one in self.extensions if one.number != extension.number)
        return replace(self, extensions=(*others, extension))

    def stage_opened(self) -> StageOpened:
        """The fact that the open stage of the matter is open."""
        matter = self.require_matter()
        number, stage = matter.deliberation.opened()
        return StageOpened(
            **matter.deliberation.terms.within(
                request_id=self.request_id,
                requester=self.requester,
                created_at=self.created_at,
                expires_at=matter.expires_at,
                stage=stage.side,
                quorum=sum(group.approvals for group in stage.groups),
                policy_version=self.limits.policy_version,
                name=stage.name,
                number=number,
                groups=stage.groups,
                extension=matter.extension,
            )
        )

    def outcome(self) -> dict[str, Any]:
        """What every outcome of the request names."""
        return {
            "tenant": self.tenant,
            "request_id": self.request_id,
            "requester": self.requester,
            "service_request": self.deliberation.terms.service_request,
        }

    def _lapse(self) -> "Changed[Approval]":
        if self.extension is None:
            return Changed(self)
        grant = self.granted()
        fact = ExtensionDecided(**grant.about(), number=self.extension.number, outcome="lapse", ends_at=grant.ends_at)
        return Changed(self.with_extension(replace(self.extension, state="LAPSED")), (fact,))
