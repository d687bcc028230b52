"""The borders of consent: the policy evaluated again, for an access as it would open or as it would be extended.

A rule that gives consent beforehand covers only what it says, and only while the customer's policy still says it. What
it does not cover goes to the stages that it left out. A freeze without access stops every access, also one that the
customer's own approvers agreed to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from approval_service.domain.approval.present import Present
from approval_service.domain.policy import hours
from approval_service.domain.policy.budget import Budget
from approval_service.domain.policy.evaluation import Evaluation, PolicyInput, beyond_limits, evaluate_again
from approval_service.domain.policy.hours import Span
from approval_service.domain.policy.policy import Policy
from lockbox.contracts.approval.terms import Limits, PolicyExcerpt
from lockbox.contracts.policy.document import Freeze, Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms
from lockbox.errors import Conflict
from lockbox.values.timestamps import format_timestamp

UNKNOWN = "the policy that this request arrived under is not on record, so its consent can't be checked; ask anew"
CHANGED = "the customer has changed its policy since the request arrived (version {version})"


@dataclass(frozen=True)
class KeptPolicy:
    """The policy that a request arrived under: its limits, and the excerpt that decides on stages, if it was kept."""

    limits: Limits
    excerpt: PolicyExcerpt | None


@dataclass(frozen=True)
class MoreTime:
    """An extension: the time at which it was asked for, and the end that the access has without it."""

    asked: datetime
    after: datetime


@dataclass(frozen=True)
class Opening:
    """An access as it would open: its terms, requester, whole time, and the stages that have decided or will.

    `more` is None for the request itself.
    """

    terms: AccessTerms
    requester: str
    access: Span
    stages: tuple[StagePlan, ...]
    more: MoreTime | None = None

    @property
    def new(self) -> Span:
        """The time that the access does not have yet."""
        return self.access if self.more is None else Span(self.more.after, self.access.end)

    @property
    def of_customer(self) -> bool:
        """Whether the customer's own approvers decide, too."""
        return any(stage.side == Side.CUSTOMER for stage in self.stages)

    def arrived(self, at: datetime, present: Present) -> PolicyInput:
        """Return the input of an evaluation of the whole access, of a request that arrived then."""
        whole = replace(self.terms, duration=self.access.end - self.access.start)
        asked = None if self.more is None else self.more.asked
        budget = Budget(present.pause)
        return PolicyInput(whole, self.requester, at, budget, opens=self.access, now=present.now, asked=asked)


def review(kept: KeptPolicy, opening: Opening, present: Present) -> Evaluation:
    """Evaluate the policy again for an access: it opens, or is denied, or the stages of the result decide, too.

    The policy is that of the request's arrival and, where none of the customer's approvers decides, the one in force.
    Raises `Conflict` in a freeze without access of either.
    """
    policy = present.policy_of(opening.terms.tenant)
    require_no_freeze((*kept.limits.frozen, *policy.limits().frozen), opening.new)
    of_arrival = _by_arrival(kept.excerpt, opening, present)
    if of_arrival.outcome != "approve" or kept.excerpt is None or opening.of_customer:
        return of_arrival
    if policy.version == kept.limits.policy_version:
        return of_arrival
    return _by_policy_in_force(policy, opening, opening.arrived(kept.excerpt.arrived_at, present))


def require_no_freeze(freezes: Iterable[Freeze], access: Span) -> None:
    """Raise `Conflict` if one of these freezes allows no access at that time."""
    for freeze in freezes:
        span = hours.frozen(freeze)
        if span.touches(access):
            until = format_timestamp(span.end)
            message = f"no access in the freeze {freeze.name!r}, until {until}"
            raise Conflict("access_frozen", message, params={"freeze": freeze.name, "until": until})


def _by_arrival(excerpt: PolicyExcerpt | None, opening: Opening, present: Present) -> Evaluation:
    if excerpt is None:
        return Evaluation("approve", ()) if opening.of_customer else Evaluation("deny", (UNKNOWN,))
    return _left(evaluate_again(excerpt, opening.arrived(excerpt.arrived_at, present)), opening)


def _by_policy_in_force(policy: Policy, opening: Opening, request: PolicyInput) -> Evaluation:
    """Evaluate the policy in force, with its limits of a new request where the request itself is to open."""
    objection = beyond_limits(policy, request.terms) if opening.more is None else None
    whole = Evaluation("deny", (objection,)) if objection else evaluate_again(policy, request)
    changed = CHANGED.format(version=policy.version)
    return _left(replace(whole, why=(changed, *whole.why)), opening)


def _left(evaluation: Evaluation, opening: Opening) -> Evaluation:
    """Return an evaluation with those of its stages that have not decided."""
    if evaluation.outcome == "deny":
        return evaluation
    left = tuple(_without(evaluation.stages, opening.stages))
    return replace(evaluation, outcome="decide" if left else "approve", stages=left)


def _without(needed: Iterable[StagePlan], decided: Iterable[StagePlan]) -> Iterable[StagePlan]:
    """Yield the stages that are needed and have not decided."""
    have = [_plan(stage) for stage in decided]
    return (stage for stage in map(_plan, needed) if stage not in have)


def _plan(stage: StagePlan) -> StagePlan:
    return StagePlan(name=stage.name, side=stage.side, groups=stage.groups, denials=stage.denials)
