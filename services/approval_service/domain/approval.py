"""An approval: the way of one request through its stages to an outcome and, after a yes, its grant."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from approval_service.domain.grant import Grant
from approval_service.domain.policy import Policy
from lockbox.contracts.approval import (
    ApprovalView,
    Decision,
    DecisionRecorded,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestExpired,
    Stage,
    StageName,
    StageOpened,
    Verdict,
)
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import Timestamp
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.request import PENDING, AccessTerms, RequestCreated, RequestState
from lockbox.errors import Conflict, Forbidden, NotFound, invalid

POLICY = "policy"
STAGE_STATE = {StageName.VENDOR: RequestState.PENDING_VENDOR, StageName.CUSTOMER: RequestState.PENDING_CUSTOMER}
STAGE_ROLE = {StageName.VENDOR: Role.VENDOR_APPROVER, StageName.CUSTOMER: Role.CUSTOMER_APPROVER}


@dataclass(frozen=True, kw_only=True)
class Approval(ApprovalView):
    """The outcome of one request. Every method gives the next state and its facts, or raises and changes nothing."""

    terms: AccessTerms
    created_at: Timestamp
    policy_version: int
    grant: Grant | None = None

    @classmethod
    def open(cls, request: RequestCreated, policy: Policy, now: datetime) -> "Changed[Approval]":
        """Begin with the first stage of the policy in force, or deny what the policy does not allow at all."""
        terms = AccessTerms.of(request)
        approval = cls(
            request_id=request.request_id,
            tenant=request.tenant,
            requester=request.requester,
            state=RequestState.PENDING_VENDOR,
            expires_at=request.created_at + policy.request_lifetime,
            stages=policy.stages(),
            terms=terms,
            created_at=request.created_at,
            policy_version=policy.version,
            comment_on_denial=policy.comment_on_denial,
        )
        objection = policy.objection_to(terms)
        return approval._deny(POLICY, objection) if objection else approval._open_next_stage(now)

    @property
    def open_stage(self) -> Stage:
        """The stage that is being decided: the last one that opened."""
        return [stage for stage in self.stages if stage.opened_at][-1]

    @property
    def approval_required(self) -> bool:
        """Whether the customer has a say."""
        return any(stage.name == StageName.CUSTOMER for stage in self.stages)

    def decide(self, caller: Caller, verdict: Verdict, comment: str, now: datetime) -> "Changed[Approval]":
        """Record a yes or no for the open stage, and go on or end as it demands."""
        caller.require_sight("request", self.tenant, self.requester)
        if caller.email == self.requester:
            raise Forbidden("own_request", "nobody decides on an own request")
        caller.require(*STAGE_ROLE.values())
        return self.advance(now).then(lambda approval: approval._decide(caller, verdict, comment, now))

    def cancel(self, caller: Caller, comment: str, now: datetime) -> "Changed[Approval]":
        """Take the request back; only its requester can, and only while it is pending."""
        caller.require_sight("request", self.tenant, self.requester)
        if caller.email != self.requester:
            raise Forbidden("not_requester", "only the requester can cancel a request")

        def cancelled(approval: Approval) -> Changed[Approval]:
            approval._require_pending()
            after = replace(approval, state=RequestState.CANCELLED)
            return Changed(after, (RequestCancelled(**approval._outcome(), comment=comment),))

        return self.advance(now).then(cancelled)

    def revoke(self, caller: Caller, comment: str, now: datetime) -> "Changed[Approval]":
        """End the grant before its time; approvers of both sides can, and the customer's administrators."""
        caller.require_sight("grant", self.tenant, self.requester)
        caller.require(Role.VENDOR_APPROVER, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)
        return self.advance(now).then(
            lambda approval: approval._with_grant(lambda grant: grant.revoke(caller.email, comment, now))
        )

    def complete(self, caller: Caller, comment: str, now: datetime) -> "Changed[Approval]":
        """Close the grant before its time; only its engineer can."""
        caller.require_sight("grant", self.tenant, self.requester)
        if caller.email != self.requester:
            raise Forbidden("not_requester", "only its engineer can complete a grant; others can revoke it")
        return self.advance(now).then(lambda approval: approval._with_grant(lambda grant: grant.complete(comment, now)))

    def advance(self, now: datetime) -> "Changed[Approval]":
        """What time alone does by `now`: a request that nobody decided expires; a grant starts and ends."""
        if self.state in PENDING and now >= self.expires_at:
            expired = replace(self, state=RequestState.EXPIRED)
            return Changed(expired, (RequestExpired(**self._outcome()),))
        return self._with_grant(lambda grant: grant.advance(now)) if self.grant else Changed(self)

    def granted(self) -> Grant:
        """The grant; raises `NotFound` if there is none."""
        if self.grant is None:
            raise NotFound("grant_not_found", "there is no such grant")
        return self.grant

    def _decide(self, caller: Caller, verdict: Verdict, comment: str, now: datetime) -> "Changed[Approval]":
        self._require_pending()
        stage = self.open_stage
        if not caller.has(STAGE_ROLE[stage.name]):
            raise Forbidden("not_your_stage", f"the request waits for the {stage.name.lower()}'s approvers")
        if any(made.approver == caller.email for made in self._decisions_in(stage)):
            raise Conflict("already_decided", "you have decided in this stage; others have to")
        if verdict == "deny" and self.comment_on_denial and not comment.strip():
            raise invalid("comment_required", "comment", "why you deny, as the tenant's policy asks", comment)
        decision = Decision(stage=stage.name, approver=caller.email, decision=verdict, comment=comment, decided_at=now)
        recorded = DecisionRecorded(
            tenant=self.tenant,
            request_id=self.request_id,
            stage=stage.name,
            approver=caller.email,
            decision=verdict,
            comment=comment,
        )
        after = replace(self, decisions=(*self.decisions, decision))
        return Changed(after, (recorded,)).then(lambda approval: approval._settle(decision, now))

    def _settle(self, decision: Decision, now: datetime) -> "Changed[Approval]":
        if decision.decision == "deny":
            return self._deny(decision.approver, decision.comment)
        if len(self._decisions_in(self.open_stage)) < self.open_stage.quorum:
            return Changed(self)
        return self._open_next_stage(now)

    def _open_next_stage(self, now: datetime) -> "Changed[Approval]":
        coming = next((stage for stage in self.stages if stage.opened_at is None), None)
        if coming is None:
            return self._approve(now)
        stages = tuple(replace(stage, opened_at=now) if stage == coming else stage for stage in self.stages)
        after = replace(self, stages=stages, state=STAGE_STATE[coming.name])
        opened = StageOpened(
            **self.terms.within(
                request_id=self.request_id,
                requester=self.requester,
                created_at=self.created_at,
                expires_at=self.expires_at,
                stage=coming.name,
                quorum=coming.quorum,
                policy_version=self.policy_version,
            )
        )
        return Changed(after, (opened,))

    def _approve(self, now: datetime) -> "Changed[Approval]":
        required = self.approval_required
        grant = Grant.of(self.request_id, self.requester, self.terms, now)
        after = replace(self, state=RequestState.APPROVED, grant=grant)
        facts = (
            RequestApproved(**self._outcome(), approval_required=required),
            grant.announce(self.terms, approval_required=required),
        )
        return Changed(after, facts).then(lambda approval: approval.advance(now))

    def _deny(self, by: str, comment: str) -> "Changed[Approval]":
        after = replace(self, state=RequestState.DENIED)
        return Changed(after, (RequestDenied(**self._outcome(), denied_by=by, comment=comment),))

    def _with_grant(self, step: Callable[[Grant], Changed[Grant]]) -> "Changed[Approval]":
        changed = step(self.granted())
        return Changed(replace(self, grant=changed.state), changed.facts)

    def _decisions_in(self, stage: Stage) -> list[Decision]:
        return [decision for decision in self.decisions if decision.stage == stage.name]

    def _require_pending(self) -> None:
        if self.state not in PENDING:
            raise Conflict(f"request_{self.state.lower()}", f"this request is {self.state}; nothing can change that")

    def _outcome(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "request_id": self.request_id,
            "requester": self.requester,
            "service_request": self.terms.service_request,
        }
