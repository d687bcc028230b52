"""Evaluation of a request under a policy: the stages that decide, or an outcome without people; and the reasons.

A rule that opens has to cover all of a request, one that closes is met by any of it. The first rule that matches
counts. A rule that can't be evaluated denies.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from approval_service.domain.policy import hours
from approval_service.domain.policy.budget import Budget
from approval_service.domain.policy.hours import Span
from approval_service.domain.policy.patterns import Comparison, indexed
from lockbox.contracts.approval.terms import PolicyExcerpt
from lockbox.contracts.fields import format_duration
from lockbox.contracts.policy.document import Condition, PolicySettings, Rule, Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms, matches
from lockbox.values import resources
from lockbox.values.timestamps import format_timestamp

OPENS = "auto_approve"
MOMENT = timedelta.resolution
Rules = PolicySettings | PolicyExcerpt
"""A policy, or the part of it that an approval keeps."""


@dataclass(frozen=True)
class PolicyInput:
    """The input of an evaluation: terms, requester and time of arrival; and the steps that it may take.

    An evaluation after the arrival has `opens`, the whole access as it would open; `now`, if it is not the arrival; and
    `asked`, the time at which more time was asked for.
    """

    terms: AccessTerms
    requester: str
    arrives: datetime
    budget: Budget = field(default_factory=Budget, compare=False)
    opens: Span | None = None
    now: datetime | None = None
    asked: datetime | None = None

    @property
    def access(self) -> Span:
        """The time of the access, if it were granted at once."""
        if self.opens is not None:
            return self.opens
        start = max(self.arrives, self.terms.starts_at or self.arrives)
        return Span(start, start + self.terms.duration)

    @property
    def until_its_end(self) -> Span:
        """The time from now, or from the start of an access that is open, to the end of the access."""
        return Span(min(self.now or self.arrives, self.access.start), self.access.end)

    @property
    def arrivals(self) -> tuple[datetime, ...]:
        """The times at which something was asked for: the access, and more time."""
        return (self.arrives,) if self.asked is None else (self.arrives, self.asked)


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation: stages that decide, or approval or denial without people; and the reasons."""

    outcome: Literal["decide", "approve", "deny"]
    why: tuple[str, ...]
    stages: tuple[StagePlan, ...] = ()
    rule: str | None = None


def evaluate(policy: PolicySettings, request: PolicyInput) -> Evaluation:
    """Evaluate a request under a policy."""
    try:
        objection = beyond_limits(policy, request.terms) or _in_freeze(policy, request)
        return _denied(objection) if objection else _by_rules(policy, request)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a policy, it opens nothing
        return _denied(f"the policy can't be evaluated, so it opens nothing: {error!r}")


def evaluate_again(policy: Rules, request: PolicyInput) -> Evaluation:
    """Evaluate an access as it would open, by the policy that its request arrived under or by a later one."""
    try:
        return _by_rules(policy, request)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a policy, it opens nothing
        return _denied(f"the policy can't be evaluated, so it opens nothing: {error!r}")


def excerpt_of(policy: PolicySettings, request: PolicyInput) -> PolicyExcerpt:
    """Return the part of a policy that decides which stages a request needs, now and later."""
    return PolicyExcerpt(
        arrived_at=request.arrives,
        require_approval=policy.require_approval,
        audit_only=policy.audit_only,
        stages=policy.stages,
        rules=tuple(rule for rule in policy.rules if _can_match(rule, request)),
        freezes=policy.freezes,
    )


def _can_match(rule: Rule, request: PolicyInput) -> bool:
    """Whether a rule can match at any time: resources and actions can only become fewer, times can change."""
    when = replace(rule.when, longer_than=None, at_most=None)
    try:
        return _plainly(when, request.terms, request.requester) and _touched(when, request)
    except Exception:  # noqa: BLE001 - a rule that can't be evaluated denies, now and later
        return True


def beyond_limits(policy: PolicySettings, terms: AccessTerms) -> str | None:
    """Return the reason why a policy lets no request for these terms arrive, or None."""
    if terms.duration > policy.maximum_duration:
        return f"the tenant's policy allows at most {format_duration(policy.maximum_duration)}"
    pattern = policy.service_request_pattern
    if pattern is not None and not matches(terms.service_request, pattern):
        return f"the tenant's policy wants a service request that looks like {pattern}"
    return None


def _in_freeze(policy: PolicySettings, request: PolicyInput) -> str | None:
    for freeze in policy.freezes:
        span = hours.frozen(freeze)
        if freeze.effect == "no_access" and span.touches(request.access):
            return f"no access in the freeze {freeze.name!r}, until {format_timestamp(span.end)}"
    return None


def _by_rules(policy: Rules, request: PolicyInput) -> Evaluation:
    for rule in policy.rules:
        try:
            matched = _matches(rule, request)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a rule, it opens nothing
            return _denied(f"the rule {rule.name!r} can't be evaluated, so it denies: {error!r}", rule)
        if matched:
            return _by_rule(policy, rule, request)
    return _by_mode(policy, request)


def _by_rule(policy: Rules, rule: Rule, request: PolicyInput) -> Evaluation:
    said = f": {rule.comment}" if rule.comment else ""
    if rule.then == "auto_deny":
        return _denied(f"denied by the rule {rule.name!r}{said}", rule)
    if rule.then == "add_stage":
        if rule.stage is None:
            return _denied(f"the rule {rule.name!r} adds no stage, so it denies", rule)
        why = f"the rule {rule.name!r} adds the stage {rule.stage.name!r}{said}"
        return _decided_in((*_stages(policy), rule.stage), why, rule=rule)
    why = f"the rule {rule.name!r} gives the customer's consent beforehand{said}"
    return _without_people(policy, request, why, _of_vendor(policy), rule=rule)


def _by_mode(policy: Rules, request: PolicyInput) -> Evaluation:
    if policy.audit_only:
        return _without_people(policy, request, "audit only: nobody decides, everything is on record", ())
    if not policy.require_approval:
        return _decided_in(_stages(policy), "the customer does not require its own approval")
    return _decided_in(_stages(policy))


def _without_people(
    policy: Rules, request: PolicyInput, why: str, left: tuple[StagePlan, ...], rule: Rule | None = None
) -> Evaluation:
    """Leave out the customer's stages, and keep these; in a freeze, keep all."""
    for freeze in policy.freezes:
        if hours.frozen(freeze).touches(request.until_its_end):
            return _decided_in(
                _stages(policy), why, f"but nothing is approved automatically in {freeze.name!r}", rule=rule
            )
    if left:
        return _decided_in(left, why, rule=rule)
    return Evaluation("approve", (why,), rule=rule.name if rule else None)


def _decided_in(stages: tuple[StagePlan, ...], *why: str, rule: Rule | None = None) -> Evaluation:
    if not stages:
        return _denied("no stage is left that could approve", rule)
    return Evaluation("decide", why, stages, rule.name if rule else None)


def _denied(why: str, rule: Rule | None = None) -> Evaluation:
    return Evaluation("deny", (why,), rule=rule.name if rule else None)


def _stages(policy: Rules) -> tuple[StagePlan, ...]:
    return policy.stages if policy.require_approval else _of_vendor(policy)


def _of_vendor(policy: Rules) -> tuple[StagePlan, ...]:
    return tuple(stage for stage in policy.stages if stage.side == Side.VENDOR)


def _matches(rule: Rule, request: PolicyInput) -> bool:
    """Match a rule; the cheapest conditions come first, as most rules are for other requests."""
    named, timed = (_covered, _lies_within) if rule.then == OPENS else (_touched, _comes_near)
    when, terms = rule.when, request.terms
    return _plainly(when, terms, request.requester) and named(when, request) and timed(when, request)


def _plainly(when: Condition, terms: AccessTerms, requester: str) -> bool:
    """Match the conditions that mean the same for every kind of rule."""
    return (
        (when.reason_codes is None or terms.reason_code in when.reason_codes)
        and (when.severities is None or terms.severity in when.severities)
        and (when.engineers is None or requester in when.engineers)
        and (when.longer_than is None or terms.duration > when.longer_than)
        and (when.at_most is None or terms.duration <= when.at_most)
    )


def _covered(when: Condition, request: PolicyInput) -> bool:
    terms = request.terms
    return (when.actions is None or set(terms.actions) <= set(when.actions)) and (
        when.resources is None or all(_compared(resources.covers, when.resources, request))
    )


def _touched(when: Condition, request: PolicyInput) -> bool:
    terms = request.terms
    return (when.actions is None or not set(terms.actions).isdisjoint(when.actions)) and (
        when.resources is None or any(_compared(resources.overlap, when.resources, request))
    )


def _lies_within(when: Condition, request: PolicyInput) -> bool:
    return all(_arrives(when, request)) and (when.access is None or hours.covers(when.access, request.access))


def _comes_near(when: Condition, request: PolicyInput) -> bool:
    return any(_arrives(when, request)) and (when.access is None or hours.touches(when.access, request.access))


def _arrives(when: Condition, request: PolicyInput) -> Iterator[bool]:
    """Yield for each arrival whether it is within the hours of the condition."""
    for arrival in request.arrivals:
        yield when.arrives is None or hours.touches(when.arrives, Span(arrival, arrival + MOMENT))


def _compared(compare: Comparison, patterns: tuple[str, ...], request: PolicyInput) -> Iterator[bool]:
    known = indexed(patterns)
    return (known.any(compare, resource, request.budget) for resource in request.terms.resources)
