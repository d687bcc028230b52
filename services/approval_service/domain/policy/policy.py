"""A tenant's policy in its versions, and the agreement that a change of it needs."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from approval_service.domain.people import People
from approval_service.domain.policy import validation
from approval_service.domain.policy.evaluation import Evaluation
from lockbox.contracts import wire
from lockbox.contracts.approval.terms import Limits
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import Email, TenantName, Timestamp
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, PolicySettings, StagePlan
from lockbox.contracts.policy.facts import PolicyChanged, PolicyChangeProposed, PolicyChangeRejected
from lockbox.contracts.policy.views import Forecast, GroupForecast, PolicyView, Proposal, StageForecast
from lockbox.contracts.request.terms import AccessTerms
from lockbox.crypto.canonical import canonical, digest
from lockbox.errors import Conflict, Forbidden


@dataclass(frozen=True, kw_only=True)
class ProposedPolicy:
    """A change of a policy that waits for a second administrator; `digest` is the SHA-256 of its canonical JSON."""

    settings: PolicySettings
    digest: str
    proposed_by: Email
    proposed_at: Timestamp


@dataclass(frozen=True, kw_only=True)
class Policy(PolicySettings):
    """A version of a tenant's policy: the document in force, and a change that is proposed to it."""

    tenant: TenantName
    version: int
    changed_at: Timestamp
    changed_by: str
    proposal: ProposedPolicy | None = None

    @classmethod
    def first(cls, tenant: str, by: str, now: datetime) -> "Changed[Policy]":
        """Return the policy that a tenant starts with: approval required, and the defaults of the product."""
        policy = cls(**DEFAULT_SETTINGS.settings(), tenant=tenant, version=1, changed_at=now, changed_by=by)
        return Changed(policy, (policy._as_fact(),))

    def change(
        self, settings: PolicySettings, expected: int | None, people: People, by: str, now: datetime
    ) -> "Changed[Policy]":
        """Replace the settings, or propose to, where a second administrator has to agree.

        Raises `Conflict` if `expected` is not the version in force, `Invalid` for a document that can't work.
        """
        if expected is not None and expected != self.version:
            message = f"the policy is at version {self.version}, not {expected}"
            raise Conflict("policy_version_stale", message, params={"version": self.version, "expected": expected})
        if settings.settings() == self.settings():
            return Changed(self)
        validation.check(settings, people, self.stages_in_force)
        return self._propose(settings, by, now) if self.four_eyes else self._replace(settings, by, now)

    def agree(self, proposed: str, people: People, by: str, now: datetime) -> "Changed[Policy]":
        """Put a change that another administrator proposed into force."""
        proposal = self._proposal(proposed)
        if by == proposal.proposed_by:
            raise Forbidden("own_proposal", "another administrator has to agree")
        validation.check(proposal.settings, people, self.stages_in_force)
        return self._replace(proposal.settings, by, now, proposal.proposed_by)

    def reject(self, proposed: str, comment: str) -> "Changed[Policy]":
        """Withdraw a proposed change."""
        proposal = self._proposal(proposed)
        fact = PolicyChangeRejected(tenant=self.tenant, version=self.version, digest=proposal.digest, comment=comment)
        return Changed(replace(self, proposal=None), (fact,))

    @property
    def stages_in_force(self) -> tuple[StagePlan, ...]:
        """The stages of this version, those of rules included."""
        return (*self.stages, *(rule.stage for rule in self.rules if rule.stage))

    def limits(self) -> Limits:
        """Return the limits of this version that a request keeps, also after the policy has changed."""
        return Limits(
            policy_version=self.version,
            comment_on_denial=self.comment_on_denial,
            maximum_total=self.maximum_total,
            frozen=tuple(freeze for freeze in self.freezes if freeze.effect == "no_access"),
            break_glass=self.break_glass,
        )

    def _proposal(self, proposed: str) -> ProposedPolicy:
        if self.proposal is None or self.proposal.digest != proposed:
            raise Conflict("proposal_stale", "this is not, or not any more, what is proposed; look at the policy again")
        return self.proposal

    def _propose(self, settings: PolicySettings, by: str, now: datetime) -> "Changed[Policy]":
        proposal = ProposedPolicy(settings=settings, digest=digest_of(settings), proposed_by=by, proposed_at=now)
        fact = PolicyChangeProposed(tenant=self.tenant, version=self.version, digest=proposal.digest, settings=settings)
        return Changed(replace(self, proposal=proposal), (fact,))

    def _replace(
        self, settings: PolicySettings, by: str, now: datetime, proposed_by: str | None = None
    ) -> "Changed[Policy]":
        new: dict[str, Any] = settings.settings()
        version = self.version + 1
        policy = replace(self, **new, version=version, changed_at=now, changed_by=by, proposal=None)
        return Changed(policy, (policy._as_fact(proposed_by),))

    def _as_fact(self, proposed_by: str | None = None) -> PolicyChanged:
        return PolicyChanged(tenant=self.tenant, version=self.version, proposed_by=proposed_by, **self.settings())


def digest_of(settings: PolicySettings) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON of a policy."""
    return digest(canonical(wire.encode(settings, PolicySettings)))


def as_view(policy: Policy) -> PolicyView:
    """Return the view of a policy."""
    proposal = policy.proposal and Proposal(**vars(policy.proposal))
    return PolicyView(**wire.named(PolicyView, policy) | {"proposal": proposal})


def forecast(
    evaluation: Evaluation, terms: AccessTerms, people: People, requester: str, version: int | None
) -> Forecast:
    """Return the view of an evaluation: its outcome, and the people eligible in each stage."""
    return Forecast(
        outcome=evaluation.outcome,
        why=evaluation.why,
        rule=evaluation.rule,
        stages=tuple(_forecast(stage, people, requester) for stage in evaluation.stages),
        duration=terms.duration,
        version=version,
    )


def _forecast(stage: StagePlan, people: People, requester: str) -> StageForecast:
    groups = tuple(
        GroupForecast(
            name=group.name,
            approvals=group.approvals,
            members=group.members,
            eligible=tuple(sorted(people.eligible(group, stage.side) - {requester})),
        )
        for group in stage.groups
    )
    return StageForecast(name=stage.name, side=stage.side, denials=stage.denials, groups=groups)
