"""Use cases of policies: read, change, compare, evaluate; and the people that a policy can name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from approval_service.domain.people import People, Person
from approval_service.domain.policy import validation
from approval_service.domain.policy.budget import Budget, no_pause
from approval_service.domain.policy.diff import differences
from approval_service.domain.policy.evaluation import PolicyInput, evaluate
from approval_service.domain.policy.policy import Policy, as_view, digest_of, forecast
from lockbox.contracts.acts import Act
from lockbox.contracts.admission import require_admissible
from lockbox.contracts.calls import APPROVAL
from lockbox.contracts.events import VENDOR, Changed, Event
from lockbox.contracts.identity import Caller
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.contracts.policy.operations import DecidePolicyChange, DiffPolicy, EvaluatePolicy, GetPolicy, PutPolicy
from lockbox.contracts.policy.views import Forecast, PolicyDiff, PolicyView
from lockbox.errors import Invalid, NotFound, Unavailable, below, invalid
from lockbox.faults import Expected

MemberFact = MemberAdded | MemberChanged | MemberRemoved
Pause = Callable[[], None]


@dataclass(frozen=True)
class Turn:
    """The time of a call, and the pause that lets other calls go on."""

    now: datetime
    pause: Pause = no_pause


class Policies(Protocol):
    """The store of policies."""

    def find(self, key: str) -> Policy | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[Policy], act: Act) -> PolicyView: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[Policy], Changed[Policy]]) -> PolicyView: ...  # noqa: D102


class Directory(Protocol):
    """The store of people, fed by the events of portal_service."""

    def learn(self, person: Person, sequence: int) -> None: ...  # noqa: D102
    def of(self, *organisations: str) -> Iterable[Person]: ...  # noqa: D102


def learn_member(directory: Directory, policies: Policies, event: Event, fact: MemberFact, now: datetime) -> None:
    """Note a person's roles; a tenant's first member gives it its first policy."""
    roles = () if isinstance(fact, MemberRemoved) else fact.roles
    directory.learn(Person(fact.email, fact.tenant or VENDOR, frozenset(roles)), event.sequence)
    if fact.tenant is not None and policies.find(fact.tenant) is None:
        policies.create(fact.tenant, Policy.first(fact.tenant, APPROVAL, now), Act(event.cause(APPROVAL), now))


def in_force(policies: Policies) -> Callable[[str], Policy]:
    """Return the function that reads a tenant's policy in force; it raises `Unavailable` if there is none."""

    def read(tenant: str) -> Policy:
        policy = policies.find(tenant)
        if policy is None:
            raise Unavailable("policy_unknown", f"the policy of {tenant} has not arrived yet")
        return policy

    return read


def get_policy(policies: Policies, caller: Caller, query: GetPolicy) -> PolicyView:
    """Read a tenant's policy."""
    return as_view(_seen(policies, caller, query.tenant))


def put_policy(
    policies: Policies, directory: Directory, caller: Caller, command: PutPolicy, now: datetime
) -> PolicyView:
    """Replace a tenant's policy, or propose to."""
    _require_own(caller, command.tenant)
    people = _people(directory, command.tenant)
    return policies.change(
        command.tenant,
        Act.of(caller.cause(), command, now),
        lambda policy: policy.change(command.settings, command.version, people, caller.email, now),
    )


def decide_policy_change(
    policies: Policies, directory: Directory, caller: Caller, command: DecidePolicyChange, now: datetime
) -> PolicyView:
    """Agree to a proposed policy, or reject it."""
    _require_own(caller, command.tenant)
    people = _people(directory, command.tenant)

    def decided(policy: Policy) -> Changed[Policy]:
        if command.decision == "reject":
            return policy.reject(command.digest, command.comment)
        return policy.agree(command.digest, people, caller.email, now)

    return policies.change(command.tenant, Act.of(caller.cause(), command, now), decided)


def diff_policy(
    policies: Policies, directory: Directory, caller: Caller, query: DiffPolicy, pause: Pause = no_pause
) -> PolicyDiff:
    """Return the differences that a document would make. Raises `Invalid` for one that can't be in force."""
    _require_own(caller, query.tenant)
    policy = _seen(policies, caller, query.tenant)
    validation.check(query.settings, _people(directory, query.tenant), policy.stages_in_force, budget=Budget(pause))
    return PolicyDiff(
        version=policy.version,
        digest=digest_of(query.settings),
        differences=differences(policy, query.settings),
    )


def evaluate_policy(
    policies: Policies, directory: Directory, caller: Caller, query: EvaluatePolicy, turn: Turn
) -> Forecast:
    """Return the outcome that a request would have. Raises `Invalid` where the request, or the document, is refused."""
    budget = Budget(turn.pause)
    policy = _seen(policies, caller, query.tenant)
    if query.terms.tenant != query.tenant:
        expected = Expected("other_tenant", tenant=query.tenant)
        raise invalid("request.tenant", expected, query.terms.tenant, "invalid_tenant")
    people = _people(directory, query.tenant)
    if query.settings is not None:
        validation.check(query.settings, people, policy.stages_in_force, "policy.", budget)
    settings = query.settings or policy
    terms = query.terms.lasting(settings.default_duration)
    try:
        require_admissible(terms, query.requester, settings, query.at or turn.now)
    except Invalid as error:
        raise below("request", error) from error
    evaluation = evaluate(settings, PolicyInput(terms, query.requester, query.at or turn.now, budget))
    budget.require_rest()
    return forecast(evaluation, terms, people, query.requester, None if query.settings else policy.version)


def _seen(policies: Policies, caller: Caller, tenant: str) -> Policy:
    policy = policies.find(tenant)
    if policy is None or not (caller.is_vendor or caller.organisation == tenant):
        raise NotFound("tenant_not_found", "there is no such tenant")
    return policy


def _require_own(caller: Caller, tenant: str) -> None:
    if caller.organisation != tenant:
        raise NotFound("tenant_not_found", "there is no such tenant")


def _people(directory: Directory, tenant: str) -> People:
    return People.of(tenant, directory.of(tenant, VENDOR))
