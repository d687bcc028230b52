"""Two acts on one request at the same moment, on a real MongoDB: one winner, and events that tell the same story.

`RACE_ROUNDS` says how often each race is run; `make nightly` runs each a thousand times.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from tests.integration.test_aggregates import Offers
from tests.unit.approval_service.replay import RecordedFact, replay
from tests.unit.builders import (
    ALICE,
    ANN,
    CORRELATION_ID,
    ENGINEER,
    NOW,
    VENDOR_APPROVER,
    created,
    digest_of,
    event,
    policy,
    present,
)

from approval_service.domain.approval.approval import Approval
from approval_service.store import ApprovalStore
from approval_service.usecases import approval, grant
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import CancelRequest, Decide, RequestExtension
from lockbox.contracts.events import Cause, Event, read_event
from lockbox.contracts.grant.operations import RevokeGrant
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.facts import RequestCreated
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict
from lockbox.runtime.storage.mongo import connect

ROUNDS = int(os.environ.get("RACE_ROUNDS", "30"))
HOUR = timedelta(hours=1)
LATE = NOW + timedelta(hours=12)
KEYS = map("k-{}".format, count())

pytestmark = pytest.mark.timeout(60 + 2 * ROUNDS)


@dataclass(frozen=True)
class Case:
    """One request in a store."""

    store: ApprovalStore
    asked: RequestCreated

    @property
    def id(self) -> str:
        return self.asked.request_id

    @property
    def now(self) -> Approval:
        return self.store.state(self.store.get(self.id))

    def events(self) -> list[Event]:
        """What waits in the outbox, which nobody empties here: all that was told."""
        return [read_event(entry["payload"].encode()) for entry in self.store.get(self.id)["outbox"]]

    def decide(self, by: Caller, verdict: Any = "approve", at: Any = NOW) -> Callable[[], object]:
        """What sends a decision on what is shown now."""
        digest = digest_of(self.now)
        command = Decide(request_id=self.id, request_digest=digest, decision=verdict, idempotency_key=next(KEYS))
        return lambda: approval.perform(self.store, by, command, present(at))

    def cancel(self) -> object:
        command = CancelRequest(request_id=self.id, idempotency_key=next(KEYS))
        return approval.perform(self.store, ENGINEER, command, present())

    def revoke(self) -> object:
        command = RevokeGrant(grant_id=self.now.granted().id, idempotency_key=next(KEYS))
        return grant.end_grant(self.store, ALICE, command, present())

    def extend(self) -> object:
        command = RequestExtension(
            grant_id=self.now.granted().id, duration=HOUR, justification="Longer.", idempotency_key=next(KEYS)
        )
        return grant.request_extension(self.store, ENGINEER, command, present())

    def sweep(self, at: Any = LATE) -> object:
        return approval.advance_due(self.store, Cause("approval_service", CORRELATION_ID), at, one_by_one)


def one_by_one(work: Callable[[str], object], things: Iterable[str]) -> None:
    for thing in things:
        work(thing)


@pytest.fixture(scope="module")
def store(mongo: MongoClient[dict[str, Any]], stack: Any) -> Iterator[ApprovalStore]:
    name = f"test_{uuid4().hex[:12]}"
    with connect(stack.servers.database_uri("lockbox_admin", stack.secrets.database), "tests") as client:
        made = ApprovalStore(client[name], Offers())  # type: ignore[arg-type]
        made.ensure_indexes()
        yield made
    mongo.drop_database(name)


def ask(store: ApprovalStore, **settings: Any) -> Case:
    """A request that waits for the vendor."""
    asked = replace(created(duration=HOUR), request_id=str(uuid4()))
    opened = Approval.open(asked, policy(**settings), NOW)
    store.create(asked.request_id, opened, Act(event(asked).cause("approval_service"), NOW))
    return Case(store, asked)


def at_customer(store: ApprovalStore) -> Case:
    case = ask(store)
    case.decide(VENDOR_APPROVER)()
    return case


def granted(store: ApprovalStore) -> Case:
    case = at_customer(store)
    case.decide(ALICE)()
    return case


def at_once(*acts: Callable[[], object]) -> list[str]:
    """The acts at the same moment; `done`, or the code of the refusal, of each."""
    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(_outcome, acts))


def _outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except Conflict as refused:
        return refused.code
    return "done"


def tells_the_same(case: Case) -> Counter[str]:
    """The types of the events, having made sure that they are numbered without a gap and rebuild the state."""
    events = case.events()
    assert [told.sequence for told in events] == list(range(1, len(events) + 1))
    assert replay(case.asked, [RecordedFact(one.time, one.actor, one.fact()) for one in events]) == case.now
    return Counter(told.type for told in events)


def test_race_of_approve_and_cancel_has_one_winner(store: ApprovalStore) -> None:
    seen = Counter[RequestState]()
    for _ in range(ROUNDS):
        case = at_customer(store)
        outcomes = at_once(case.decide(ALICE), case.cancel)
        assert outcomes in (["done", "request_approved"], ["request_cancelled", "done"])
        told = tells_the_same(case)
        assert told["request_approved"] + told["request_cancelled"] == 1
        seen[case.now.state] += 1
    assert set(seen) <= {RequestState.APPROVED, RequestState.CANCELLED}


def test_race_of_approve_and_expire_has_one_winner(store: ApprovalStore) -> None:
    for _ in range(ROUNDS):
        case = at_customer(store)
        outcomes = at_once(case.decide(ALICE, at=LATE - timedelta(microseconds=1)), case.sweep)
        assert outcomes in (["done", "done"], ["request_expired", "done"])
        told = tells_the_same(case)
        assert (told["request_approved"], told["request_expired"]) in ((1, 0), (0, 1))
        assert (outcomes[0] == "done") is (case.now.state == RequestState.APPROVED)


def test_race_of_two_last_approvals_grants_once(store: ApprovalStore) -> None:
    for _ in range(ROUNDS):
        case = at_customer(store)
        outcomes = at_once(case.decide(ALICE), case.decide(ANN))
        assert sorted(outcomes) == ["done", "request_approved"]
        told = tells_the_same(case)
        assert (told["decision_recorded"], told["access_granted"]) == (2, 1)


def test_race_of_approve_and_deny_has_one_winner(store: ApprovalStore) -> None:
    for _ in range(ROUNDS):
        case = at_customer(store)
        outcomes = at_once(case.decide(ALICE), case.decide(ANN, "deny"))
        assert outcomes in (["done", "request_approved"], ["request_denied", "done"])
        told = tells_the_same(case)
        assert told["request_approved"] + told["request_denied"] == 1
        assert told["access_granted"] == told["request_approved"]


def test_race_of_asking_for_more_time_and_revoke_ends_the_access(store: ApprovalStore) -> None:
    for _ in range(ROUNDS):
        case = granted(store)
        outcomes = at_once(case.extend, case.revoke)
        assert outcomes in (["done", "done"], ["grant_ended", "done"])
        told = tells_the_same(case)
        assert case.now.granted().state == GrantState.REVOKED
        assert told["extension_requested"] == told["extension_decided"] == (outcomes[0] == "done")
        assert {one.state for one in case.now.extensions} <= {"LAPSED"}


def test_race_of_the_last_yes_to_more_time_and_revoke_ends_the_access(store: ApprovalStore) -> None:
    for _ in range(ROUNDS):
        case = granted(store)
        before = case.now.granted().ends_at
        case.extend()
        case.decide(VENDOR_APPROVER)()
        outcomes = at_once(case.decide(ALICE), case.revoke)
        assert outcomes in (["done", "done"], ["request_approved", "done"])
        tells_the_same(case)
        grant, [extension] = case.now.granted(), case.now.extensions
        assert grant.state == GrantState.REVOKED
        assert extension.state == ("APPROVED" if outcomes[0] == "done" else "LAPSED")
        assert grant.ends_at == (before + HOUR if extension.state == "APPROVED" else before)


def test_race_of_ten_sweepers_does_each_thing_once(store: ApprovalStore) -> None:
    cases = [ask(store) for _ in range(ROUNDS)]
    ended = [granted(store) for _ in range(ROUNDS)]
    assert at_once(*[cases[0].sweep] * 10) == ["done"] * 10
    while cases[0].sweep():
        continue
    for case in (*cases, *ended):
        told = tells_the_same(case)
        assert told["request_expired"] + told["grant_expired"] == 1, json.dumps(told)
