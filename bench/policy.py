"""The cost of a large policy: its evaluation, a decision under it, and the delay of expiry.

The large policy has 3 stages, 10 groups and 100 rules. No rule matches, so each is evaluated.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from approval_service.domain.approval.approval import Approval
from approval_service.domain.policy.evaluation import PolicyInput, evaluate
from approval_service.domain.policy.policy import Policy
from approval_service.store import ApprovalStore
from approval_service.usecases import approval as usecases
from bench.events import CAUSE, TERMS
from bench.programs import broker_uri, database_uri, eventually, lockbox_service
from bench.queues import declare, listeners
from lockbox import clock
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import (
    DEFAULT_SETTINGS,
    Condition,
    Group,
    Hours,
    PolicySettings,
    Rule,
    Side,
    StagePlan,
)
from lockbox.contracts.request.facts import RequestCreated
from lockbox.embedded.stack import Stack
from lockbox.ids import new_id
from lockbox.runtime.storage.mongo import connect

EVALUATIONS = 2_000
DECISIONS = 500
DUE = 500
OFFICE = Hours(since="08:00", until="18:00", time_zone="Europe/Berlin")
APPROVER = Caller("victor@vendor.example", "vendor", frozenset({Role.VENDOR_APPROVER}), clock.now(), new_id())


def large_policy() -> PolicySettings:
    """Return a policy of 3 stages, 10 groups and 100 rules."""
    stages = (
        StagePlan(name="Vendor", side=Side.VENDOR, groups=_groups("vendor_approver", 2)),
        StagePlan(name="Customer", side=Side.CUSTOMER, groups=_groups("customer_approver", 4)),
        StagePlan(name="Board", side=Side.CUSTOMER, groups=_groups("customer_admin", 4)),
    )
    return replace(DEFAULT_SETTINGS, stages=stages, rules=tuple(map(_rule, range(100))))


def _groups(role: str, count: int) -> tuple[Group, ...]:
    return tuple(Group(name=f"{role} {number}", members=(role,)) for number in range(count))


def _rule(number: int) -> Rule:
    when = Condition(
        actions=(f"action-{number}",),
        resources=(f"files/{number}/**", f"mailbox/{number}"),
        longer_than=timedelta(minutes=1),
        arrives=OFFICE if number % 5 == 0 else None,
    )
    return Rule(name=f"rule {number}", then="auto_deny", when=when)


POLICIES = {"the default policy": DEFAULT_SETTINGS, "3 stages, 10 groups, 100 rules": large_policy()}


def evaluations() -> dict[str, list[float]]:
    """Return the microseconds of each evaluation, by policy."""
    asked = PolicyInput(TERMS, "erin@vendor.example", clock.now())
    return {
        name: [1e6 * _seconds(partial(evaluate, settings, asked)) for _ in range(EVALUATIONS)]
        for name, settings in POLICIES.items()
    }


def decisions(stack: Stack) -> dict[str, list[float]]:
    """Return the milliseconds of each decision with its write, by policy, in turn."""
    measured: dict[str, list[float]] = {name: [] for name in POLICIES}
    with _store(stack) as store:
        policies = {name: _policy(settings) for name, settings in POLICIES.items()}
        for _ in range(DECISIONS):
            for name, policy in policies.items():
                act = partial(usecases.perform, store, APPROVER, _open(store, policy), clock.now())
                measured[name].append(1e3 * _seconds(act))
    return measured


def lateness(stack: Stack) -> dict[str, list[float]]:
    """Return the milliseconds from the moment that many requests expire at to the event of each, by processes."""
    return {f"{DUE} at once, {processes} processes": _late(stack, processes) for processes in (1, 3)}


def _late(stack: Stack, processes: int) -> list[float]:
    """Create requests that expire at one moment; return the delay of each event in `events`."""
    declare(broker_uri(stack), *listeners())
    policy = replace(_policy(DEFAULT_SETTINGS), request_lifetime=timedelta(seconds=1))
    with _store(stack, "lockbox_approval") as store, lockbox_service(stack, "approval_service", processes):
        moment = clock.now() + timedelta(seconds=20)
        for _ in range(DUE):
            _ask(store, policy, moment - policy.request_lifetime)
        events = store.collection.database["events"]
        eventually(lambda: events.count_documents({"type": "request_expired"}) >= DUE, "not all expire")
        expired = events.find({"type": "request_expired"}, {"published_at": True})
        return [(event["published_at"] - moment).total_seconds() * 1000 for event in expired]


@contextmanager
def _store(stack: Stack, name: str = "bench_policy") -> Iterator[ApprovalStore]:
    with connect(database_uri(stack), "bench") as client:
        store = ApprovalStore(client[name], _NoRelay())  # type: ignore[arg-type]
        store.ensure_indexes()
        yield store
        client.drop_database(name)


class _NoRelay:
    """A relay that publishes nothing."""

    def offer(self, waiting: Any) -> None:
        """Ignore the events."""


def _open(store: ApprovalStore, policy: Policy) -> Decide:
    request_id = _ask(store, policy, clock.now())
    approval = store.find(request_id)
    document = approval.document if approval else None
    return Decide(
        request_id=request_id,
        request_digest=document.digest if document else "",
        decision="approve",
        idempotency_key=request_id,
    )


def _ask(store: ApprovalStore, policy: Policy, at: datetime) -> str:
    asked = RequestCreated(**TERMS.within(request_id=new_id(), requester="erin@vendor.example", created_at=at))
    store.create(asked.request_id, Approval.open(asked, policy, at), Act(CAUSE, at))
    return asked.request_id


def _policy(settings: PolicySettings) -> Policy:
    first = Policy.first("contoso", "approval_service", clock.now()).state
    return replace(first, **settings.settings())


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
