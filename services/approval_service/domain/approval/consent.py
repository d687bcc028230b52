"""The borders of consent: the policy evaluated again, for an access as it would open or as it would be extended.

A rule that gives consent beforehand covers only what it says. What it does not cover goes to the stages that it left
out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from approval_service.domain.policy import hours
from approval_service.domain.policy.evaluation import Evaluation, PolicyInput, evaluate_again
from approval_service.domain.policy.hours import Span
from lockbox.contracts.approval.terms import Limits, PolicyExcerpt
from lockbox.contracts.policy.document import Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms
from lockbox.errors import Conflict
from lockbox.values.timestamps import format_timestamp

UNKNOWN = "the policy that this request arrived under is not on record, so its consent can't be checked; ask anew"


@dataclass(frozen=True)
class Opening:
    """An access as it would open: its terms, requester, whole time, and the stages that have decided on it.

    `asked` is the time at which more time was asked for; None for the request itself.
    """

    terms: AccessTerms
    requester: str
    access: Span
    stages: tuple[StagePlan, ...]
    asked: datetime | None = None


def review(excerpt: PolicyExcerpt | None, opening: Opening, now: datetime) -> Evaluation:
    """Evaluate the policy again for an access: it opens, or is denied, or the stages of the result decide, too."""
    if excerpt is None:
        customers = any(stage.side == Side.CUSTOMER for stage in opening.stages)
        return Evaluation("approve", ()) if customers else Evaluation("deny", (UNKNOWN,))
    whole = replace(opening.terms, duration=opening.access.end - opening.access.start)
    request = PolicyInput(
        whole, opening.requester, excerpt.arrived_at, opens=opening.access, now=now, asked=opening.asked
    )
    evaluation = evaluate_again(excerpt, request)
    if evaluation.outcome == "deny":
        return evaluation
    left = tuple(_without(evaluation.stages, opening.stages))
    return Evaluation("decide" if left else "approve", evaluation.why, left, evaluation.rule)


def require_no_freeze(limits: Limits, access: Span) -> None:
    """Raise `Conflict` if a freeze of the tenant's policy allows no access at that time."""
    for freeze in limits.frozen:
        span = hours.frozen(freeze)
        if span.touches(access):
            until = format_timestamp(span.end)
            message = f"no access in the freeze {freeze.name!r}, until {until}"
            raise Conflict("access_frozen", message, params={"freeze": freeze.name, "until": until})


def _without(needed: Iterable[StagePlan], decided: Iterable[StagePlan]) -> Iterable[StagePlan]:
    """Yield the stages that are needed and have not decided."""
    have = [_plan(stage) for stage in decided]
    return (stage for stage in map(_plan, needed) if stage not in have)


def _plan(stage: StagePlan) -> StagePlan:
    return StagePlan(name=stage.name, side=stage.side, groups=stage.groups, denials=stage.denials)
