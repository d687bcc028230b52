"""Each aggregate, filled to its limits through the use cases, can still be ended. The relay publishes nothing here."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import bson
import pytest
from tests.integration.test_aggregates import Offers
from tests.unit.builders import (
    ADMIN,
    ALICE,
    ENGINEER,
    NOW,
    OPERATOR,
    REQUEST_ID,
    VENDOR_APPROVER,
    asked,
    caller,
    created,
    event,
    policy,
    present,
)
from tests.unit.notify_service.domain.test_alert import OPENED

from approval_service import store as approvals
from approval_service.domain.approval import gate
from approval_service.domain.approval.approval import Approval
from approval_service.domain.keyring import MadeKey
from approval_service.domain.people import Person
from approval_service.usecases import approval as on_approval
from approval_service.usecases import grant as on_grant
from approval_service.usecases import keys
from approval_service.usecases import policy as on_policy
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.terms import Verdict
from lockbox.contracts.events import Cause, Changed
from lockbox.contracts.grant.operations import CompleteGrant, GetGrantToken, RevokeGrant
from lockbox.contracts.grant.terms import Confirmation, GrantState
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.keys import RevokeKey, RotateKeys
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, BreakGlass, Condition, Group, Rule, Side, StagePlan
from lockbox.contracts.policy.operations import DecidePolicyChange, PutPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.facts import InfoProvided
from lockbox.contracts.request.operations import CreateRequest, ProvideInfo
from lockbox.contracts.request.terms import RequestState
from lockbox.contracts.request.views import HistoryEntry
from lockbox.embedded.stack import Stack
from lockbox.errors import LockboxError
from lockbox.provision.secrets import ADMIN as ADMINISTRATOR
from lockbox.runtime.storage.aggregates import LARGEST
from lockbox.runtime.storage.mongo import connect
from notify_service.domain.delivery import Delivery
from notify_service.domain.digest import digest_of
from notify_service.domain.email import alert_for
from notify_service.store import DeliveryStore
from portal_service.domain.account import Account
from portal_service.domain.session import Session
from portal_service.store import SessionStore
from request_service import store as requests
from request_service import usecases as on_request
from request_service.domain.pace import AskingLimits
from request_service.domain.state import Standing

TEXT = "\N{GRINNING FACE}" * 2_000
MANY = tuple(f"{'x' * 60}-{number}@{'y' * 60}.example" for number in range(100))
WIDE = tuple(
    StagePlan(
        name=f"{side}", side=side, groups=tuple(Group(name=f"{number}", members=(role, *MANY)) for number in range(6))
    )
    for side, role in ((Side.VENDOR, "vendor_approver"), (Side.CUSTOMER, "customer_approver"))
)
RULE = Rule(name="", then="auto_deny", when=Condition(longer_than=timedelta(hours=3)), comment="x" * 2_000)
END = NOW + timedelta(hours=11)
OTHER_ADMIN = caller("ada@contoso.example", "contoso", Role.CUSTOMER_ADMIN)


@pytest.fixture
def database(stack: Stack) -> Iterator[Any]:
    """A database as the services connect to one."""
    name = f"test_{uuid4().hex[:12]}"
    with connect(stack.servers.database_uri(ADMINISTRATOR, stack.secrets.database), "tests") as client:
        yield client[name]
        client.drop_database(name)


def store(kind: type[Any], database: Any) -> Any:
    made = kind(database, Offers())
    made.ensure_indexes()
    return made


def size(of: Any) -> int:
    return len(bson.encode(of.collection.find_one({})))


def opened(kept: Any, **settings: Any) -> str:
    """Open an approval with the widest terms and stages; return the id of its grant, or of the request."""
    text = {"justification": TEXT, "duration": timedelta(minutes=1)}
    under = policy(**{"stages": WIDE, "maximum_total": timedelta(days=7), **settings})
    changed = Approval.open(created(**text), under, NOW)
    kept.create(REQUEST_ID, changed, Act(Cause("approval_service", REQUEST_ID), NOW))
    return changed.state.grant.id if changed.state.grant else REQUEST_ID


def refused(act: Any) -> str:
    with pytest.raises(LockboxError) as error:
        act()
    return error.value.code


def until_refused(act: Callable[[int], object]) -> str:
    """Do something again and again; return the code of the refusal that comes in the end."""
    for number in count(1):
        try:
            act(number)
        except LockboxError as error:
            return error.code
    raise AssertionError


def extend_to_the_limit(kept: Any, grant_id: str) -> str:
    def extend(number: int) -> None:
        command = RequestExtension(
            grant_id=grant_id, duration=timedelta(minutes=1), justification=TEXT, idempotency_key=f"{number}"
        )
        on_grant.request_extension(kept, ENGINEER, command, present())

    return until_refused(extend)


@pytest.mark.parametrize("end", ["revoke", "complete", "expire"])
def test_approval_when_extended_to_its_limits_in_audit_only_mode_can_be_ended(database: Any, end: str) -> None:
    kept = store(approvals.ApprovalStore, database)
    grant_id = opened(kept, audit_only=True)
    assert extend_to_the_limit(kept, grant_id) == "too_many_extensions"
    assert size(kept) < LARGEST
    state = end_grant(kept, grant_id, end)
    assert state == {"revoke": GrantState.REVOKED, "complete": GrantState.COMPLETED, "expire": GrantState.EXPIRED}[end]


def end_grant(kept: Any, grant_id: str, end: str) -> GrantState:
    if end == "revoke":
        on_grant.end_grant(kept, ALICE, RevokeGrant(grant_id=grant_id, comment=TEXT, idempotency_key="end"), present())
    elif end == "complete":
        on_grant.end_grant(
            kept, ENGINEER, CompleteGrant(grant_id=grant_id, comment=TEXT, idempotency_key="end"), present()
        )
    else:
        later = NOW + timedelta(days=1)
        act = Act(Cause("approval_service", REQUEST_ID), later)
        kept.change(REQUEST_ID, act, lambda one: one.advance(later))
    state: GrantState = kept.find(REQUEST_ID).granted().state
    return state


@pytest.mark.parametrize("end", ["revoke", "complete", "expire"])
def test_approval_when_answers_of_an_earlier_release_fill_it_to_sixteen_megabytes_can_be_ended(
    database: Any, end: str
) -> None:
    kept = store(approvals.ApprovalStore, database)
    grant_id = opened(kept, audit_only=True)
    filling = [{"key": f"{number}", "digest": "d", "answer": {"text": "x" * 520_000}} for number in range(31)]
    kept.collection.update_one({"_id": REQUEST_ID}, {"$set": {"cmds": filling}})
    assert size(kept) > 16_000_000
    end_grant(kept, grant_id, end)
    assert size(kept) < LARGEST


def test_approval_when_outgrown_by_events_that_no_relay_takes_is_ended_and_not_extended(database: Any) -> None:
    kept = store(approvals.ApprovalStore, database)
    grant_id = opened(kept, audit_only=True)
    waiting = [{"id": f"{number}", "payload": "x" * 1_000_000} for number in range(9)]
    kept.collection.update_one({"_id": REQUEST_ID}, {"$push": {"outbox": {"$each": waiting}}})
    assert extend_to_the_limit(kept, grant_id) == "too_large_to_change"
    assert end_grant(kept, grant_id, "revoke") == GrantState.REVOKED


@pytest.mark.parametrize("end", ["deny", "cancel", "expire"])
def test_approval_when_asked_and_answered_to_its_limits_can_be_ended(database: Any, end: str) -> None:
    kept = store(approvals.ApprovalStore, database)
    opened(kept)

    def ask(number: int) -> None:
        command = RequestInfo(request_id=REQUEST_ID, question=TEXT, idempotency_key=f"{number}")
        on_approval.perform(kept, VENDOR_APPROVER, command, present())
        told = InfoProvided(
            tenant="contoso", request_id=REQUEST_ID, requester=ENGINEER.email, number=number, answer=TEXT
        )
        on_approval.receive_answer(kept, event(told, number), told, NOW)

    assert until_refused(ask) == "too_many_questions"
    assert size(kept) < LARGEST
    end_request(kept, end)


def end_request(kept: Any, end: str) -> None:
    if end == "deny":
        shown = kept.find(REQUEST_ID).document.digest
        command: Any = Decide(
            request_id=REQUEST_ID, request_digest=shown, decision="deny", comment=TEXT, idempotency_key="end"
        )
        on_approval.perform(kept, VENDOR_APPROVER, command, present())
    elif end == "cancel":
        command = CancelRequest(request_id=REQUEST_ID, comment=TEXT, idempotency_key="end")
        on_approval.perform(kept, ENGINEER, command, present())
    else:
        later = NOW + timedelta(days=1)
        kept.change(REQUEST_ID, Act(Cause("approval_service", REQUEST_ID), later), lambda one: one.advance(later))
    expected = {"deny": RequestState.DENIED, "cancel": RequestState.CANCELLED, "expire": RequestState.EXPIRED}
    assert kept.find(REQUEST_ID).state == expected[end]


def test_policy_when_proposals_fill_it_to_its_limits_can_be_rejected(database: Any) -> None:
    kept, directory = store(approvals.PolicyStore, database), store(approvals.DirectoryStore, database)
    for one in (ADMIN, OTHER_ADMIN, ALICE, VENDOR_APPROVER):
        directory.learn(Person(one.email, one.organisation, frozenset(one.roles)), 1)
    first = replace(policy(four_eyes=True), tenant="contoso")
    kept.create("contoso", Changed(first, (first._as_fact(),)), Act(Cause("approval_service", REQUEST_ID), NOW))
    waiting = [{"id": f"{number}", "payload": "x" * 1_000_000} for number in range(7)]
    kept.collection.update_one({}, {"$push": {"outbox": {"$each": waiting}}})
    views: list[PolicyView] = []

    def propose(number: int) -> None:
        rules = tuple(replace(RULE, name=f"{number}, {index}") for index in range(100))
        wide = replace(DEFAULT_SETTINGS, four_eyes=True, rules=rules)
        command = PutPolicy(tenant="contoso", settings=wide, idempotency_key=f"{number}")
        views.append(on_policy.put_policy(kept, directory, ADMIN, command, NOW))

    assert until_refused(propose) == "too_large_to_change"
    proposal = views[-1].proposal
    assert proposal is not None
    reject = DecidePolicyChange(
        tenant="contoso", digest=proposal.digest, decision="reject", comment=TEXT, idempotency_key="end"
    )
    assert on_policy.decide_policy_change(kept, directory, OTHER_ADMIN, reject, NOW).proposal is None


def test_command_when_repeated_gets_the_same_answer_or_beyond_the_retention_the_present_state(database: Any) -> None:
    kept = store(approvals.ApprovalStore, database)
    grant_id = opened(kept, audit_only=True)
    command = RequestExtension(
        grant_id=grant_id, duration=timedelta(minutes=1), justification="Longer.", idempotency_key="first"
    )
    answer = on_grant.request_extension(kept, ENGINEER, command, present())
    later = replace(command, idempotency_key="second")
    latest = on_grant.request_extension(kept, ENGINEER, later, present())
    assert on_grant.request_extension(kept, ENGINEER, command, present()) == answer != latest
    kept.collection.update_one({}, {"$unset": {"cmds.0.result": ""}})
    assert on_grant.request_extension(kept, ENGINEER, command, present()) == latest
    assert len(kept.find(REQUEST_ID).extensions) == 2


def test_request_when_answered_to_its_limits_takes_its_outcome(database: Any) -> None:
    kept = store(requests.RequestStore, database)
    tenants = store(requests.TenantStore, database)
    tenants.learn(policy()._as_fact())
    command = CreateRequest(terms=asked(justification=TEXT, resources=("logs/app",)), idempotency_key="create")
    intake = on_request.Intake(kept, tenants, store(requests.PaceStore, database), AskingLimits(20, 60))
    on_request.create_request(intake, ENGINEER, command, on_request.NewRequest(REQUEST_ID, NOW))
    for number in range(1, 51):
        kept.update_state(REQUEST_ID, Standing(RequestState.INFO_REQUESTED, number))
        answer = ProvideInfo(request_id=REQUEST_ID, text=TEXT, idempotency_key=f"{number}")
        on_request.provide_info(kept, ENGINEER, answer, NOW)
    kept.update_state(REQUEST_ID, Standing(RequestState.INFO_REQUESTED, 60))
    fill_history(kept)
    one_more = ProvideInfo(request_id=REQUEST_ID, text=TEXT, idempotency_key="51")
    assert refused(lambda: on_request.provide_info(kept, ENGINEER, one_more, NOW)) == "too_many_answers"
    assert size(kept) < LARGEST
    kept.update_state(REQUEST_ID, Standing(RequestState.CANCELLED, 61))
    shown = kept.read(REQUEST_ID)
    assert (shown.state, shown.history_cut) == (RequestState.CANCELLED, True)
    assert shown.history[-1].type == "request_cancelled"


def fill_history(kept: Any) -> None:
    """Add alerts, and then decisions, until a history takes no more of them."""
    note = {"data": {"error": "x" * 100_000}, "time": NOW, "actor": "notify_service"}
    for number in range(100):
        kept.remember(REQUEST_ID, HistoryEntry(id=f"alert {number}", type="alert_failed", **note), 1)
    assert size(kept) < 3_000_000
    assert kept.read(REQUEST_ID).history_cut
    kept.remember(REQUEST_ID, HistoryEntry(id="end", type="request_cancelled", **note | {"time": END}), 61)


def fill(kept: Any, megabytes: float) -> None:
    """Fill a document with events that no relay takes."""
    waiting = [{"id": f"{number}", "payload": "x" * 100_000} for number in range(int(megabytes * 10))]
    kept.collection.update_one({}, {"$push": {"outbox": {"$each": waiting}}})


@pytest.mark.parametrize("end", ["deny", "cancel", "expire"])
def test_approval_when_voted_on_to_its_limits_can_be_ended(database: Any, end: str) -> None:
    kept = store(approvals.ApprovalStore, database)
    vendors = Group(name="All", members=("vendor_approver",), approvals=10)
    opened(kept, stages=(StagePlan(name="Vendor", side=Side.VENDOR, groups=(vendors,), denials=3), WIDE[1]))
    other = caller("vince@vendor.example", "vendor", Role.VENDOR_APPROVER)

    def vote(by: Caller, verdict: Verdict, number: int) -> None:
        command = Decide(
            request_id=REQUEST_ID,
            request_digest=kept.find(REQUEST_ID).document.digest,
            decision=verdict,
            comment=f"{number}{TEXT[10:]}",
            idempotency_key=f"{by.email} {number}",
        )
        on_approval.perform(kept, by, command, present())

    assert until_refused(lambda number: vote(VENDOR_APPROVER, "deny", number)) == "too_many_votes"
    assert size(kept) < LARGEST
    fill(kept, 7)
    assert until_refused(lambda number: vote(other, "deny", number)) in {"too_many_votes", "too_large_to_change"}
    if end == "deny":
        vote(caller("vera@vendor.example", "vendor", Role.VENDOR_APPROVER), "deny", 1)
        assert kept.find(REQUEST_ID).state == RequestState.DENIED
    else:
        end_request(kept, end)


def test_grant_when_fetched_for_as_many_keys_as_it_can_be_is_revoked(database: Any) -> None:
    kept = store(approvals.ApprovalStore, database)
    grant_id = opened(kept, audit_only=True)

    def fetch(number: int) -> None:
        query = GetGrantToken(grant_id=grant_id, confirmation=Confirmation(jkt=f"{number:043}"))
        act = Act(ENGINEER.cause(), NOW)
        kept.change(REQUEST_ID, act, lambda one: gate.perform(one, ENGINEER, query, present()))

    assert until_refused(fetch) == "too_many_keys"
    fill(kept, 9)
    assert end_grant(kept, grant_id, "revoke") == GrantState.REVOKED


def test_break_glass_when_its_document_is_full_is_revoked_and_then_acknowledged(database: Any) -> None:
    kept = store(approvals.ApprovalStore, database)
    opened(kept, break_glass=BreakGlass(allowed=True))
    for by in (VENDOR_APPROVER, caller("vince@vendor.example", "vendor", Role.VENDOR_APPROVER)):
        command = UseBreakGlass(request_id=REQUEST_ID, comment=TEXT, idempotency_key=by.email)
        on_approval.perform(kept, by, command, present())
    fill(kept, 9)
    acknowledge = AcknowledgeBreakGlass(request_id=REQUEST_ID, comment=TEXT, idempotency_key="end")
    assert end_grant(kept, kept.find(REQUEST_ID).granted().id, "revoke") == GrantState.REVOKED
    assert on_approval.perform(kept, ALICE, acknowledge, present()).break_glass.acknowledged_by == ALICE.email


class MemorySigner:
    """A signer with handles alone."""

    def __init__(self) -> None:
        self.made = count(1)

    def make(self) -> MadeKey:
        number = next(self.made)
        return MadeKey(kid=f"{number:043}", x="x" * 43, handle=f"{number}", kept_in="memory")

    def find(self, kid: str, handle: str) -> Any:
        raise NotImplementedError

    def forget(self, handle: str) -> None:
        """Forget nothing."""


def test_signing_key_when_rotations_fill_the_keyring_is_revoked(database: Any) -> None:
    kept, signer = store(approvals.KeyringStore, database), MemorySigner()
    keys.make_first_key(kept, signer, Cause("approval_service", REQUEST_ID), NOW)
    fill(kept, 7.9)

    def rotate(number: int) -> None:
        fill(kept, 0.1)
        keys.rotate_keys(kept, signer, OPERATOR, RotateKeys(idempotency_key=f"{number}"), NOW)

    assert until_refused(rotate) == "too_large_to_change"
    active = keys.keyring(kept).active.kid
    revoke = RevokeKey(kid=active, comment=TEXT, idempotency_key="end")
    keys.revoke_key(kept, signer, OPERATOR, revoke, NOW)
    ring = keys.keyring(kept)
    assert ring.revoked == (active,)
    assert ring.active.kid != active


@pytest.mark.parametrize("outcome", ["sent", "failed"])
def test_alert_when_its_request_is_the_widest_and_its_digest_full_is_sent_or_given_up(
    database: Any, outcome: str
) -> None:
    kept = store(DeliveryStore, database)
    wide = {"justification": TEXT, "resources": tuple(f"{'x' * 100}/{number}" for number in range(100))}
    fact = replace(OPENED, **wide)
    alert = alert_for(fact)
    assert alert is not None
    made = [Delivery.of(event(fact, number).id, alert, ALICE.email, NOW) for number in range(200)]
    digest = digest_of(REQUEST_ID, made)
    act = Act(Cause("notify_service", REQUEST_ID), NOW)
    for one in (made[0], digest):
        kept.create(one.id, Changed(one), act)
        assert len(bson.encode(kept.collection.find_one({"_id": one.id}))) < 1_000_000
        kept.change(one.id, act, lambda one: one.sent() if outcome == "sent" else one.failed(TEXT, 7))
        assert kept.find(one.id).state == outcome.upper()


def test_session_when_begun_by_the_longest_address_is_signed_out(database: Any) -> None:
    kept = store(SessionStore, database)
    account = Account(
        email=f"{'x' * 64}@{'y' * 180}.example", organisation="contoso", roles=(), password_hash="x" * 1_000
    )
    kept.create("digest", Session.begin(account, NOW, "203.0.113.7"), Act(Cause("portal_service", REQUEST_ID), NOW))
    kept.remove("digest")
    assert kept.find("digest") is None
