import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from examples.mongodb_guard.domain import (
    ACTIONS,
    CLOSED_EARLIER,
    EVERY_COLLECTION,
    LISTENS_TO,
    Grant,
    Right,
    Rights,
    in_excess,
    left_out,
    rights,
    user_of,
    wanted,
)
from examples.mongodb_guard.settings import settings
from examples.mongodb_guard.usecases import Guarded, close_ended, learn, log_in
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.builders import NOW, REQUEST_ID

from lockbox.contracts import wire
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import ResourceField
from lockbox.contracts.grant.facts import (
    AccessGranted,
    ExtensionDecided,
    GrantActivated,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
)
from lockbox.errors import Forbidden, Invalid
from lockbox.guard import Attempt, Decision

GRANT_ID = "0f0e2c53-0a3b-4d7e-9f0d-0c5b8a7e6d11"
USER = user_of(GRANT_ID)
DATABASES = {"contoso": ["orders", "invoices"], "fabrikam": ["parts"]}
ABOUT: dict[str, Any] = {
    "tenant": "contoso",
    "grant_id": GRANT_ID,
    "request_id": REQUEST_ID,
    "requester": "erin@vendor.example",
}
HOUR = timedelta(hours=1)


def granted(**changes: Any) -> AccessGranted:
    told = {
        "service_request": "SR-359423",
        "reason_code": "CUSTOMER_INITIATED_SUPPORT",
        "justification": "An order is lost.",
        "resources": ("database/orders/customers",),
        "actions": ("read",),
        "starts_at": NOW,
        "ends_at": NOW + HOUR,
        "approval_required": True,
    }
    return AccessGranted(**{**ABOUT, **told, **changes})


def extended(number: int, ends_at: datetime, outcome: Any = "approve") -> ExtensionDecided:
    return ExtensionDecided(**ABOUT, number=number, outcome=outcome, ends_at=ends_at)


ENDS: tuple[Fact, ...] = (
    GrantCompleted(**ABOUT, comment=""),
    GrantRevoked(**ABOUT, comment=""),
    GrantExpired(**ABOUT),
)


def known(facts: Iterable[Fact]) -> Grant:
    return reduce(Grant.heed, facts, Grant(id=GRANT_ID))


segments = st.sampled_from(["database", "orders", "invoices", "parts", "customers", "system.views", "a.b", "*"])
resources = st.tuples(st.just("database") | segments, st.lists(segments, max_size=2), segments | st.just("**")).map(
    lambda parts: "/".join((parts[0], *parts[1], parts[2]))
)
scopes = st.fixed_dictionaries(
    {
        "tenant": st.sampled_from(["contoso", "fabrikam", "adatum"]),
        "resources": st.lists(resources, min_size=1, max_size=3).map(tuple),
        "actions": st.lists(st.sampled_from(["read", "write", "export"]), min_size=1, max_size=2).map(tuple),
    }
)
hours = st.integers(-3, 12)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """All that happened to a grant, in its order."""
    first = granted(**draw(scopes), starts_at=NOW + draw(hours) * HOUR, ends_at=NOW + 12 * HOUR)
    facts: list[Fact] = [first, GrantActivated(**ABOUT)]
    ends_at = first.ends_at
    for number, outcome in enumerate(draw(st.lists(st.sampled_from(["approve", "deny"]), max_size=2)), start=1):
        ends_at += HOUR if outcome == "approve" else timedelta()
        facts.append(extended(number, ends_at, outcome))
    return facts + draw(st.lists(st.sampled_from(ENDS), max_size=1))


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """What happened, and what came of it so far: in any order, some of it twice, some not yet."""
    happened = draw(histories())
    return happened, draw(st.lists(st.sampled_from(happened), max_size=10))


@given(deliveries())
def test_grant_when_all_has_come_in_any_order_is_the_same(delivered: tuple[list[Fact], list[Fact]]) -> None:
    happened, came = delivered
    missing = [fact for fact in reversed(happened) if fact not in came]
    assert known(came + missing) == known(happened)
    assert known(came + missing + came) == known(happened)


@given(deliveries(), st.integers(-5, 20))
def test_wanted_when_an_end_has_come_has_no_user_whatever_comes_after(
    delivered: tuple[list[Fact], list[Fact]], hour: int
) -> None:
    _, came = delivered
    if any(fact in ENDS for fact in came):
        assert wanted([known(came)], DATABASES, NOW + hour * HOUR) == {}


@given(deliveries(), st.integers(-5, 20))
def test_wanted_when_some_has_not_come_is_never_more_than_was_granted(
    delivered: tuple[list[Fact], list[Fact]], hour: int
) -> None:
    happened, came = delivered
    now = NOW + hour * HOUR
    first = happened[0]
    assert isinstance(first, AccessGranted)
    last = max(fact.ends_at for fact in happened if isinstance(fact, AccessGranted | ExtensionDecided))
    there = wanted([known(came)], DATABASES, now)
    assert there.keys() <= {USER}
    if there:
        assert first.starts_at <= now < last
        assert_within(there[USER], first)


def assert_within(held: Rights, first: AccessGranted) -> None:
    """Each right is one that a resource names, letter by letter, with an action that was granted."""
    patterns = [re.compile(as_expression(resource)) for resource in first.resources]
    for right in held:
        assert right.database in DATABASES[str(first.tenant)]
        assert any(right.action in ACTIONS.get(action, ()) for action in first.actions)
        assert not right.collection.startswith("system.")
        for collection in [right.collection] if right.collection else ["customers", "any.name-at@all", "z"]:
            assert any(pattern.fullmatch(f"database/{right.database}/{collection}") for pattern in patterns)


def as_expression(resource: str) -> str:
    stands_for = {"*": "[^/]+", "**": ".+"}
    return "/".join(stands_for.get(segment, re.escape(segment)) for segment in resource.split("/"))


@given(scopes, st.sampled_from(["orders", "invoices", "parts"]), st.sampled_from(["customers", "a.b", "else"]))
def test_rights_when_a_resource_names_an_own_collection_hold_it(
    scope: dict[str, Any], database: str, collection: str
) -> None:
    held = rights(known([granted(**scope)]), DATABASES)
    named = any(re.fullmatch(as_expression(one), f"database/{database}/{collection}") for one in scope["resources"])
    actions = {each for action in scope["actions"] for each in ACTIONS.get(action, ())}
    if named and database in DATABASES.get(scope["tenant"], ()):
        for action in actions:
            assert {Right(database, collection, action), Right(database, EVERY_COLLECTION, action)} & held


@pytest.mark.parametrize(
    ("resource", "action", "held"),
    [
        ("database/orders/customers", "read", {("orders", "customers", "find")}),
        (
            "database/orders/customers",
            "write",
            {("orders", "customers", action) for action in ("insert", "update", "remove")},
        ),
        ("database/orders/*", "read", {("orders", "", "find")}),
        ("database/orders/**", "read", {("orders", "", "find")}),
        ("database/*/customers", "read", {("orders", "customers", "find"), ("invoices", "customers", "find")}),
        ("database/**", "read", {("orders", "", "find"), ("invoices", "", "find")}),
        ("*/**", "read", {("orders", "", "find"), ("invoices", "", "find")}),
        ("database/orders/system.views", "write", set()),
        ("database/*/system.js", "read", set()),
        ("database/orders", "read", set()),
        ("database/orders/customers/42", "read", set()),
        ("database/parts/bolts", "read", set()),
        ("database/admin/users", "read", set()),
        ("database/Orders/customers", "read", set()),
        ("mailbox/orders/customers", "read", set()),
        ("database/orders/customers", "export", set()),
    ],
)
def test_rights_when_granted_are_exactly(resource: str, action: str, held: set[tuple[str, str, str]]) -> None:
    assert ResourceField().deserialize(resource) == resource
    assert rights(known([granted(resources=(resource,), actions=(action,))]), DATABASES) == held


def test_rights_when_the_tenant_has_no_database_are_none() -> None:
    assert rights(known([granted(tenant="adatum", resources=("database/**",))]), DATABASES) == frozenset()


def test_wanted_when_the_clock_passes_start_and_end_follows_it_and_closes_a_little_earlier() -> None:
    grant = known([granted(starts_at=NOW, ends_at=NOW + HOUR)])
    moment, closes_at = timedelta(microseconds=1), NOW + HOUR - CLOSED_EARLIER
    seen = [bool(wanted([grant], DATABASES, now)) for now in (NOW - moment, NOW, closes_at - moment, closes_at)]
    assert seen == [False, True, True, False]


def test_wanted_when_an_extension_was_approved_lasts_longer_and_when_denied_does_not() -> None:
    for outcome, there in (("approve", True), ("deny", False), ("lapse", False)):
        grant = known([extended(1, NOW + 2 * HOUR, outcome), granted()])
        assert bool(wanted([grant], DATABASES, NOW + 1.5 * HOUR)) == there


def test_in_excess_when_found_names_what_is_not_wanted_or_can_do_more() -> None:
    find, insert = Right("orders", "customers", "find"), Right("orders", "customers", "insert")
    found = {"gone": frozenset[Right](), "more": frozenset({find, insert}), "half": frozenset[Right]()}
    allowed = {"more": frozenset({find}), "half": frozenset({find}), "to come": frozenset({insert})}
    assert in_excess(found, allowed) == ["gone", "more"]


def test_left_out_when_of_a_database_that_is_not_the_tenants_names_it() -> None:
    named = ("database/orders/customers", "database/parts/bolts", "database/orders/system.js", "mailbox/alice", "*/**")
    assert left_out(known([granted(resources=named)]), DATABASES) == [
        "database/parts/bolts",
        "database/orders/system.js",
    ]


# --- use cases -----------------------------------------------------------------------------------------------------


class GrantsInMemory:
    def __init__(self) -> None:
        self.grants: dict[str, Grant] = {}

    def learn(self, grant_id: str, fact: Fact) -> Grant:
        self.grants[grant_id] = self.find(grant_id).heed(fact)
        return self.grants[grant_id]

    def find(self, grant_id: str) -> Grant:
        return self.grants.get(grant_id, Grant(id=grant_id))

    def live(self, now: datetime) -> Iterable[Grant]:
        return self.grants.values()


@dataclass
class AccessInMemory:
    users: dict[str, Rights] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)

    def found(self) -> Mapping[str, Rights]:
        return dict(self.users)

    def open(self, user: str, held: Rights, password: str) -> None:
        assert user not in self.users
        self.users[user], self.passwords[user] = held, password

    def close(self, *users: str) -> None:
        for user in users:
            self.users.pop(user, None)


@pytest.fixture
def access() -> AccessInMemory:
    return AccessInMemory()


@pytest.fixture
def guarded(access: AccessInMemory) -> Guarded:
    return Guarded(GrantsInMemory(), access, DATABASES)


def decision(allowed: bool = True, reason: str = "granted") -> Decision:
    attempt = Attempt(tenant="contoso", resource="database/orders/customers", action="read")
    return Decision(allowed=allowed, reason=reason, attempt=attempt, grant_id=GRANT_ID)


def test_log_in_when_the_grant_is_open_makes_its_user_with_its_rights(guarded: Guarded, access: AccessInMemory) -> None:
    learn(guarded, GRANT_ID, granted(), NOW)
    assert access.users == {}
    credentials = log_in(guarded, decision(), NOW)
    assert access.users == {USER: {Right("orders", "customers", "find")}}
    assert (credentials.username, credentials.ends_at) == (USER, NOW + HOUR)
    assert access.passwords == {USER: credentials.password}


def test_log_in_when_done_again_makes_another_password_and_another_user(
    guarded: Guarded, access: AccessInMemory
) -> None:
    learn(guarded, GRANT_ID, granted(), NOW)
    first, second = log_in(guarded, decision(), NOW), log_in(guarded, decision(), NOW)
    assert first.password != second.password
    assert access.passwords == {USER: second.password}


@pytest.mark.parametrize(
    ("facts", "now"),
    [
        ([], NOW),
        ([granted(), ENDS[1]], NOW),
        ([ENDS[1], granted(), GrantActivated(**ABOUT)], NOW),
        ([granted()], NOW + HOUR),
        ([granted(starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)], NOW),
        ([granted(resources=("mailbox/alice",))], NOW),
        ([granted(resources=("database/parts/bolts",))], NOW),
    ],
)
def test_log_in_when_nothing_is_open_makes_no_user(
    guarded: Guarded, access: AccessInMemory, facts: list[Fact], now: datetime
) -> None:
    for fact in facts:
        learn(guarded, GRANT_ID, fact, NOW)
    with pytest.raises(Forbidden) as refused:
        log_in(guarded, decision(), now)
    assert refused.value.code == "opens_nothing_here"
    assert access.users == {}


def test_log_in_when_the_guard_refuses_says_why_and_leaves_the_user_alone(
    guarded: Guarded, access: AccessInMemory
) -> None:
    learn(guarded, GRANT_ID, granted(), NOW)
    password = log_in(guarded, decision(), NOW).password
    with pytest.raises(Forbidden) as refused:
        log_in(guarded, decision(allowed=False, reason="proof_replayed"), NOW)
    assert refused.value.code == "proof_replayed"
    assert access.passwords == {USER: password}


@pytest.mark.parametrize("end", ENDS)
def test_learn_when_a_grant_has_ended_closes_its_user(guarded: Guarded, access: AccessInMemory, end: Fact) -> None:
    learn(guarded, GRANT_ID, granted(), NOW)
    log_in(guarded, decision(), NOW)
    learn(guarded, GRANT_ID, granted(), NOW)
    assert access.users
    learn(guarded, GRANT_ID, end, NOW)
    assert access.users == {}


def test_close_ended_when_a_grant_lives_leaves_its_user(guarded: Guarded, access: AccessInMemory) -> None:
    learn(guarded, GRANT_ID, granted(), NOW)
    log_in(guarded, decision(), NOW)
    close_ended(guarded, NOW)
    assert access.users.keys() == {USER}


def test_close_ended_when_the_time_is_over_needs_no_event(guarded: Guarded, access: AccessInMemory) -> None:
    learn(guarded, GRANT_ID, granted(), NOW)
    log_in(guarded, decision(), NOW)
    close_ended(guarded, NOW + HOUR)
    assert access.users == {}


def test_close_ended_when_nobody_knows_the_grant_closes_the_user(guarded: Guarded, access: AccessInMemory) -> None:
    access.users[USER] = frozenset({Right("orders", "customers", "find")})
    close_ended(guarded, NOW)
    assert access.users == {}


def test_log_in_when_the_end_comes_in_between_leaves_no_user_and_gives_nothing(
    guarded: Guarded, access: AccessInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(guarded, GRANT_ID, granted(), NOW)
    opened = access.open

    def open_late(user: str, held: Rights, password: str) -> None:
        learn(guarded, GRANT_ID, ENDS[1], NOW)
        opened(user, held, password)

    monkeypatch.setattr(access, "open", open_late)
    with pytest.raises(Forbidden) as refused:
        log_in(guarded, decision(), NOW)
    assert refused.value.code == "grant_revoked"
    assert access.users == {}


# --- settings ------------------------------------------------------------------------------------------------------


def configured(databases: Any) -> dict[str, Any]:
    urls = {"url": "https://db.vendor.example", "portal_url": "https://lockbox.example", "token_file": "token"}
    return {"lockbox": urls | {"databases": databases}}


def test_settings_when_each_database_is_one_tenants_are_read() -> None:
    assert settings(configured(DATABASES)).databases == DATABASES


@pytest.mark.parametrize(
    "databases",
    [
        {"contoso": ["orders"], "fabrikam": ["orders"]},
        {"contoso": ["orders", "orders"]},
        *({"contoso": [name]} for name in ("admin", "local", "config", "mongodb_guard", "*", "", "a/b", "..")),
    ],
)
def test_settings_when_a_database_is_not_one_tenants_own_stop_the_start(databases: Any) -> None:
    with pytest.raises(Invalid, match="not one tenant's own database"):
        settings(configured(databases))


def test_grant_when_kept_in_its_wire_form_is_the_same() -> None:
    grant = known([granted(), ENDS[0]])
    assert wire.decode(Grant, wire.encode(grant)) == grant


def test_listens_to_when_a_fact_opens_or_ends_anything_hears_of_it() -> None:
    told = {type(fact) for fact in (granted(), extended(1, NOW), *ENDS)}
    assert set(LISTENS_TO) == told
