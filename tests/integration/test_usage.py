"""Granted versus used, added up by a real MongoDB from the records themselves."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from tests.unit.builders import CORRELATION_ID, NOW
from tests.unit.builders import terms as asked_for

from approval_service.domain.access import AccessRecord
from approval_service.domain.grant import Grant
from audit_service import usage_store
from audit_service.domain.record import Record
from audit_service.domain.usage import Period
from audit_service.store import RecordStore
from audit_service.usage_store import KINDS_IN_A_LIST, UsageStore
from lockbox.contracts.access import AccessAttempt
from lockbox.contracts.events import Cause, Event, Fact, envelop, read_event
from lockbox.contracts.grant.facts import ExtensionDecided, GrantActivated, GrantExpired, GrantRevoked
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.usage import GetGrantUsage, GetUsage, GrantUsage, UsageReport
from lockbox.errors import Invalid, Unavailable
from lockbox.runtime.storage.mongo import connect

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MONTH = Period(NOW - 30 * DAY, NOW + DAY)
POINT = "content-service@vendor.example"
NEVER: Any = None

Kinds = dict[tuple[str, ...], tuple[int, Any, Any]]


class Trail:
    """Records, put there like the intake does."""

    def __init__(self, database: Database[dict[str, Any]]) -> None:
        self.records = RecordStore(database, NEVER)
        self.usages = UsageStore(database, NEVER)
        for store in (self.records, self.usages):
            store.ensure_indexes()

    def add(self, *events: Event) -> None:
        self.records.add([Record.of(event, event.payload(), NOW) for event in events])

    def grant(self, at: Any = NOW, **terms: Any) -> Grant:
        """A grant that was given at some time."""
        asked = asked_for(**terms)
        grant = Grant.of(str(uuid4()), "erin@vendor.example", asked, "approval", at)
        self.tell(grant, 1, grant.announce(asked, approval_required=True), at)
        return grant

    def tell(self, grant: Grant, sequence: int, fact: Fact, at: Any = NOW, actor: str = "approval_service") -> None:
        self.add(*envelop([fact], f"approvals/{grant.request_id}", sequence - 1, Cause(actor, CORRELATION_ID), at))

    def use(self, grant: Grant | None = None, **changes: Any) -> Event:
        """Put one attempt on record."""
        event = self.attempt(grant, **changes)
        self.add(event)
        return event

    def attempt(self, grant: Grant | None = None, at: Any = NOW, recorded: Any = None, **changes: Any) -> Event:
        """One attempt, allowed unless told otherwise; the same `access_id` gives the same event."""
        about = {"grant_id": grant.id, "request_id": grant.request_id, "engineer": grant.requester} if grant else {}
        named = {
            "tenant": "contoso",
            "resource": "mailbox/alice",
            "action": "read",
            "reason": "granted",
            "allowed": True,
        }
        attempt = AccessAttempt(**{"access_id": str(uuid4()), "at": at, **named, **about, **changes})
        facts = AccessRecord.of(attempt, POINT).facts
        [event] = envelop(facts, f"accesses/{attempt.access_id}", 0, Cause(POINT, CORRELATION_ID), recorded or at)
        return event

    def refuse(self, grant: Grant | None = None, reason: str = "no_grant", **changes: Any) -> Event:
        return self.use(grant, reason=reason, allowed=False, **changes)

    def report(self, tenant: str = "contoso", period: Period = MONTH, **page: Any) -> UsageReport:
        return self.usages.report(GetUsage(tenant=tenant, **page), period)

    def of(self, grant: Grant, tenant: str = "contoso") -> GrantUsage | None:
        return self.usages.of_grant(GetGrantUsage(tenant=tenant, grant_id=grant.id))


@pytest.fixture
def trail(mongo: MongoClient[dict[str, Any]], stack: Any) -> Iterator[Trail]:
    name = f"test_{uuid4().hex[:12]}"
    with connect(stack.servers.database_uri("lockbox_admin", stack.secrets.database), "tests") as client:
        yield Trail(client[name])
    mongo.drop_database(name)


def kinds(usage: GrantUsage) -> Kinds:
    found: Kinds = {(one.resource, one.action): (one.times, one.first_at, one.last_at) for one in usage.touched}
    for one in usage.refusals:
        found[one.resource, one.action, one.reason] = (one.times, one.first_at, one.last_at)
    return found


# --- one grant -----------------------------------------------------------------------------------------------------


def test_report_when_a_grant_was_used_says_what_how_often_and_when(trail: Trail) -> None:
    grant = trail.grant(resources=("mailbox/alice", "files/*"), actions=("read", "export"))
    for minute in (3, 1, 2):
        trail.use(grant, at=NOW + minute * MINUTE, recorded=NOW + HOUR)
    trail.use(grant, at=NOW + 9 * MINUTE, resource="files/a", action="export")
    trail.refuse(grant, "other_resource", at=NOW + 5 * MINUTE, resource='mailbox/"bob", \u62d2\\')
    [usage] = trail.report().items
    assert kinds(usage) == {
        ("mailbox/alice", "read"): (3, NOW + MINUTE, NOW + 3 * MINUTE),
        ("files/a", "export"): (1, NOW + 9 * MINUTE, NOW + 9 * MINUTE),
        ('mailbox/"bob", \u62d2\\', "read", "other_resource"): (1, NOW + 5 * MINUTE, NOW + 5 * MINUTE),
    }
    assert (usage.used.times, usage.used.first_at, usage.used.last_at) == (4, NOW + MINUTE, NOW + 9 * MINUTE)
    assert (usage.refused.times, usage.never_used) == (1, False)
    assert (usage.grant_id, usage.request_id, usage.resources) == (grant.id, grant.request_id, grant.resources)
    assert (usage.untouched_resources, usage.untouched_actions) == ((), ())
    assert trail.of(grant) == usage


def test_report_when_an_access_comes_again_counts_it_once(trail: Trail) -> None:
    grant, access_id = trail.grant(), str(uuid4())
    once = [trail.use(grant, access_id=access_id) for _ in range(3)]
    assert len({event.id for event in once}) == 1
    trail.use(grant)
    [usage] = trail.report().items
    assert usage.used.times == 2


def test_report_when_a_grant_lived_says_where_it_stands(trail: Trail) -> None:
    scheduled, active, revoked, expired = (trail.grant(at=NOW - number * MINUTE) for number in range(4))
    for grant in (active, revoked, expired):
        trail.tell(grant, 2, GrantActivated(**grant.about()))
    trail.tell(revoked, 3, GrantRevoked(**revoked.about(), comment=""), NOW + HOUR, "carol@contoso.example")
    for number, hours in ((1, 1), (2, 2)):
        ends_at = expired.ends_at + hours * HOUR
        longer = ExtensionDecided(**expired.about(), number=number, outcome="approve", ends_at=ends_at)
        trail.tell(expired, 2 + number, longer)
    trail.tell(expired, 5, GrantExpired(**expired.about()), NOW + DAY)
    found = {usage.grant_id: usage for usage in trail.report().items}
    assert [found[grant.id].state for grant in (scheduled, active, revoked, expired)] == [
        *(GrantState.SCHEDULED, GrantState.ACTIVE, GrantState.REVOKED, GrantState.EXPIRED)
    ]
    assert (found[revoked.id].ended_at, found[revoked.id].ended_by) == (NOW + HOUR, "carol@contoso.example")
    assert found[expired.id].ended_at == found[expired.id].ends_at == expired.ends_at + 2 * HOUR


def test_report_when_more_was_touched_than_a_list_shows_counts_all_and_one_grant_shows_all(trail: Trail) -> None:
    grant = trail.grant(resources=("files/**",))
    for number in range(KINDS_IN_A_LIST + 5):
        trail.use(grant, resource=f"files/{number:03}")
    for _ in range(2):
        trail.use(grant, resource="files/often")
    [usage] = trail.report().items
    assert (usage.touched[0].resource, usage.touched[0].times) == ("files/often", 2)
    assert (len(usage.touched), usage.touched_left_out) == (KINDS_IN_A_LIST, 6)
    assert usage.used.times == KINDS_IN_A_LIST + 7
    whole = trail.of(grant)
    assert whole is not None
    assert (len(whole.touched), whole.touched_left_out) == (KINDS_IN_A_LIST + 6, 0)
    assert whole.used == usage.used


# --- a tenant ------------------------------------------------------------------------------------------------------


def test_report_when_attempts_showed_no_grant_of_the_tenant_counts_them_apart(trail: Trail) -> None:
    own, foreign = trail.grant(), trail.grant(tenant="fabrikam")
    trail.refuse(at=NOW)
    trail.refuse(at=NOW + MINUTE)
    trail.refuse(reason="token_forged", at=NOW + 2 * MINUTE)
    trail.refuse(foreign, "other_tenant", at=NOW + 3 * MINUTE)
    trail.refuse(own, "other_action", at=NOW + 4 * MINUTE)
    trail.refuse(tenant="fabrikam")
    report = trail.report()
    without = report.without_grant
    assert {(one.reason, one.times, one.last_at) for one in without.reasons} == {
        ("no_grant", 2, NOW + MINUTE),
        ("token_forged", 1, NOW + 2 * MINUTE),
        ("other_tenant", 1, NOW + 3 * MINUTE),
    }
    assert (without.times, without.first_at, without.last_at) == (4, NOW, NOW + 3 * MINUTE)
    [usage] = report.items
    assert (usage.grant_id, usage.refused.times) == (own.id, 1)
    [theirs] = trail.report("fabrikam").items
    assert (theirs.grant_id, theirs.refused.times, trail.report("fabrikam").without_grant.times) == (foreign.id, 0, 1)


def test_report_when_grants_are_of_another_tenant_shows_nothing_of_them(trail: Trail) -> None:
    grant = trail.grant(tenant="fabrikam")
    trail.use(grant, tenant="fabrikam")
    report = trail.report()
    assert (report.grants, report.items, report.without_grant.times) == (0, (), 0)
    assert trail.of(grant) is None
    assert trail.of(grant, "fabrikam") is not None


def test_report_when_another_service_tells_of_access_does_not_believe_it(trail: Trail) -> None:
    grant = trail.grant()
    told = trail.use(grant)
    for forged in (told, trail.refuse()):
        trail.add(Event(**{**vars(forged), "id": str(uuid4()), "source": "notify_service"}))
    report = trail.report()
    assert (report.items[0].used.times, report.without_grant.times) == (1, 1)


def test_report_when_of_a_period_holds_the_grants_given_in_it_with_all_their_use(trail: Trail) -> None:
    before, first, last, after = (trail.grant(at=NOW + hours * HOUR) for hours in (-1, 0, 1, 2))
    trail.use(first, at=NOW + 3 * DAY)
    trail.use(before, at=NOW + HOUR)
    for hours in (-1, 0, 1, 2):
        trail.refuse(at=NOW + hours * HOUR)
    report = trail.report(period=Period(NOW, NOW + 2 * HOUR))
    assert [usage.grant_id for usage in report.items] == [last.id, first.id]
    assert [usage.used.times for usage in report.items] == [0, 1]
    assert (report.grants, report.never_used, report.without_grant.times) == (2, 1, 2)
    assert {before.id, after.id}.isdisjoint(usage.grant_id for usage in report.items)


def test_report_when_paged_shows_each_grant_once_and_the_same_head(trail: Trail) -> None:
    grants = [trail.grant(at=NOW - number // 2 * MINUTE) for number in range(7)]
    for grant in grants[:3]:
        trail.use(grant)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = trail.report(limit=3, cursor=cursor)
        assert (page.grants, page.never_used) == (7, 4)
        seen += [usage.grant_id for usage in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(grant.id for grant in grants)
    with pytest.raises(Invalid) as refused:
        trail.report(cursor="nonsense")
    assert refused.value.code == "invalid_cursor"


def test_report_when_added_up_by_hand_from_the_same_records_says_the_same(trail: Trail) -> None:
    chance = random.Random(7)  # noqa: S311 - a test
    grants = [trail.grant(resources=("files/**",), actions=("read", "export")) for _ in range(5)]
    for _ in range(300):
        grant = chance.choice([*grants[1:], None])
        what = {"resource": f"files/{chance.randrange(4)}", "action": chance.choice(["read", "export"])}
        at = NOW + chance.randrange(1000) * MINUTE / 60
        if grant and chance.random() < 0.7:
            trail.use(grant, at=at, **what)
        else:
            trail.refuse(grant, chance.choice(["token_expired", "proof_stale"]), at=at, **what)
    report = trail.report()
    for usage in report.items:
        assert kinds(usage) == by_hand(trail, usage.grant_id)
    assert {usage.grant_id for usage in report.items if usage.never_used} == {grants[0].id}
    told = trail.records.collection.find({"type": "access_denied"})
    without = [one for one in told if json.loads(one["payload"])["data"]["grant_id"] is None]
    assert report.without_grant.times == len(without)


def by_hand(trail: Trail, grant_id: str) -> Kinds:
    """What `kinds` says, from the payloads."""
    moments: dict[tuple[str, ...], list[Any]] = {}
    for record in trail.records.collection.find({"subject": grant_id, "type": {"$regex": "^access_(allowed|denied)"}}):
        fact: Any = read_event(record["payload"].encode()).fact()
        outcome = () if record["type"] == "access_allowed" else (fact.reason,)
        moments.setdefault((fact.resource, fact.action, *outcome), []).append(fact.at)
    return {kind: (len(at), min(at), max(at)) for kind, at in moments.items()}


# --- how -----------------------------------------------------------------------------------------------------------


def test_report_when_asked_for_reads_by_index_and_no_more_records_than_it_counts(trail: Trail) -> None:
    grant, other = trail.grant(), trail.grant(tenant="fabrikam")
    for _ in range(20):
        trail.use(grant)
        trail.refuse()
        for _ in range(10):
            trail.use(other, tenant="fabrikam")
    database = trail.records.collection.database
    database.command("profile", 2)
    try:
        trail.report()
        trail.of(grant)
    finally:
        database.command("profile", 0)
    done = list(database["system.profile"].find({"ns": trail.records.collection.full_name}))
    assert len(done) >= 6
    for one in done:
        assert "COLLSCAN" not in one["planSummary"], one["planSummary"]
        assert one["docsExamined"] <= 25, (one["command"], one["docsExamined"])


def test_indexes_when_made_have_one_that_no_use_of_content_pays_for(trail: Trail) -> None:
    index = trail.records.collection.index_information()["grants_and_refusals"]
    assert index["partialFilterExpression"] == {
        "type": {"$in": ["access_denied", "access_granted"]},
        "source": "approval_service",
    }


def test_report_when_it_takes_mongodb_too_long_is_given_up(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = trail.grant()
    trail.add(*(trail.attempt(grant, resource=f"files/{number}") for number in range(4_000)))
    assert trail.report().items[0].used.times == 4_000
    monkeypatch.setattr(usage_store, "MILLISECONDS", 1)
    with pytest.raises(Unavailable) as refused:
        trail.report()
    assert refused.value.code == "report_too_long"
