from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.unit import builders
from tests.unit.builders import ALICE, ENGINEER, EVENT_ID, NOW, REQUEST_ID, caller, policy
from tests.unit.fakes import FakeAccesses, FakeApprovals, FakeKeyrings, FakePolicies, changed_by

from approval_service.domain.keyring import Keyring, MadeKey
from approval_service.usecases import access
from approval_service.usecases.access import AccessStores
from approval_service.usecases.keys import GRANTS
from lockbox.contracts.access import AccessDisputed, ListRevocations, RecordAccess, RecordAccesses
from lockbox.contracts.identity import Caller, Role
from lockbox.errors import Invalid, Unavailable

SOON = NOW + timedelta(minutes=5)
END = SOON + timedelta(hours=4)
POINT = replace(caller("content-service@vendor.example", "vendor", Role.ENFORCEMENT_POINT), tenants=frozenset({"*"}))
POLICIES = FakePolicies(contoso=policy(), fabrikam=replace(policy(), tenant="fabrikam"))
OTHER_ID = "3b241101-e2bb-4255-8caf-4136c566a962"


def attempt(**changes: Any) -> RecordAccess:
    about = {"resource": "mailbox/alice", "action": "read", "reason": "no_grant", "at": NOW, "tenant": "contoso"}
    return RecordAccess(**{"access_id": EVENT_ID, "allowed": False, **about, **changes})


def made(name: str) -> MadeKey:
    return MadeKey(kid=name, x=name, handle=f"private {name}", kept_in="memory")


RING = Keyring().rotate(made("k1"), NOW).state
KEYRINGS = FakeKeyrings(**{GRANTS: RING})


def ended(**query: Any) -> tuple[str, ...]:
    approvals = FakeApprovals(builders.revoke(builders.granted(SOON), ALICE, "", SOON).state)
    return access.list_revocations(approvals, KEYRINGS, ListRevocations(**query), SOON).grant_ids


# --- what ended ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [lambda one: builders.revoke(one, ALICE, "", SOON), lambda one: builders.complete(one, ENGINEER, "fixed", SOON)],
)
def test_list_revocations_when_a_grant_was_ended_names_it(end: Callable[[Any], Any]) -> None:
    one = builders.granted(SOON)
    listed = access.list_revocations(FakeApprovals(end(one).state), KEYRINGS, ListRevocations(), SOON)
    assert (listed.as_of, listed.since, listed.grant_ids) == (SOON, None, (one.granted().id,))


def test_list_revocations_when_the_token_would_not_verify_any_more_leaves_it_out() -> None:
    approvals = FakeApprovals(builders.revoke(builders.granted(SOON), ALICE, "", SOON).state)
    listed = access.list_revocations(approvals, KEYRINGS, ListRevocations(), END)
    assert (listed.as_of, listed.grant_ids) == (END, ())


def test_list_revocations_since_a_moment_tells_what_ended_then_and_a_little_before() -> None:
    assert len(ended(since=SOON + access.OVERLAP)) == 1
    assert ended(since=SOON + access.OVERLAP + timedelta(microseconds=1)) == ()


def test_list_revocations_when_a_key_changes_has_another_digest_and_names_the_revoked() -> None:
    def listed(ring: Keyring) -> tuple[str, tuple[str, ...]]:
        answer = access.list_revocations(FakeApprovals(), FakeKeyrings(grants=ring), ListRevocations(), SOON)
        return answer.keys, answer.revoked_keys

    rotated = RING.rotate(made("k2"), SOON).state
    revoked = rotated.revoke("k1", made("k3"), "lost", SOON).state
    assert len({listed(ring)[0] for ring in (RING, rotated, revoked)}) == 3
    assert (listed(rotated)[1], listed(revoked)[1]) == ((), ("k1",))


def test_list_revocations_when_no_key_is_there_yet_tells_nothing() -> None:
    with pytest.raises(Unavailable, match="the first key"):
        access.list_revocations(FakeApprovals(), FakeKeyrings(), ListRevocations(), SOON)


# --- what was used -------------------------------------------------------------------------------------------------

GRANTED = builders.granted(NOW)
USE = {
    "allowed": True,
    "reason": "granted",
    "grant_id": GRANTED.granted().id,
    "request_id": REQUEST_ID,
    "engineer": ENGINEER.email,
    "at": SOON,
}


def stores(accesses: FakeAccesses, policies: FakePolicies = POLICIES) -> AccessStores:
    return AccessStores(accesses, FakeApprovals(GRANTED), policies)


@pytest.mark.parametrize(("changes", "type_"), [({}, "access_denied"), (USE, "access_allowed")])
def test_record_access_when_nothing_contradicts_it_puts_it_on_record(changes: dict[str, Any], type_: str) -> None:
    accesses = FakeAccesses()
    answer = access.record_access(stores(accesses), POINT, attempt(**changes), SOON)
    assert answer.access_id == EVENT_ID
    [fact] = accesses.facts
    assert (fact.type, fact.enforcement_point) == (type_, POINT.email)  # type: ignore[attr-defined]
    assert changed_by(accesses) == [POINT.email]
    assert accesses.refused == []


def test_record_access_when_it_comes_twice_is_on_record_once() -> None:
    accesses = FakeAccesses()
    for _ in range(2):
        access.record_access(stores(accesses), POINT, attempt(), SOON)
    assert accesses.types == ["access_denied"]


def refused(accesses: FakeAccesses, policies: FakePolicies = POLICIES, by: Caller = POINT, **changes: Any) -> str:
    with pytest.raises(Invalid) as error:
        access.record_access(stores(accesses, policies), by, attempt(**changes), SOON)
    assert accesses.refused == [(error.value.code, by.email)]
    return error.value.code


def test_record_access_when_the_tenant_is_unknown_is_refused() -> None:
    accesses = FakeAccesses()
    assert (refused(accesses, FakePolicies()), accesses.facts) == ("tenant_unknown", [])


@pytest.mark.parametrize(
    ("changes", "code", "tenant"),
    [
        ({"engineer": "eve@vendor.example"}, "grant_of_another_engineer", "contoso"),
        ({"grant_id": OTHER_ID}, "grant_unknown", "contoso"),
        ({"at": NOW - timedelta(days=8)}, "at_out_of_range", "contoso"),
        ({"tenant": "fabrikam"}, "grant_of_another_tenant", "fabrikam"),
        ({"tenant": "nobodys"}, "tenant_unknown", None),
    ],
)
def test_record_access_when_an_allowed_use_is_refused_puts_the_dispute_on_record(
    changes: dict[str, Any], code: str, tenant: str | None
) -> None:
    accesses = FakeAccesses()
    assert refused(accesses, **USE | changes) == code
    [fact] = accesses.facts
    assert isinstance(fact, AccessDisputed)
    assert (fact.code, fact.tenant, fact.enforcement_point) == (code, tenant, POINT.email)
    assert (fact.access_id, fact.claimed_tenant) == (EVENT_ID, (USE | changes).get("tenant", "contoso"))


def test_record_access_when_the_token_is_for_other_tenants_tells_the_vendor_alone() -> None:
    accesses = FakeAccesses()
    of_fabrikam = replace(POINT, tenants=frozenset({"fabrikam"}))
    assert refused(accesses, by=of_fabrikam, **USE) == "tenant_not_of_token"
    [fact] = accesses.facts
    assert isinstance(fact, AccessDisputed)
    assert (fact.tenant, fact.claimed_tenant) == (None, "contoso")


@pytest.mark.parametrize("tenants", [None, frozenset[str]()])
def test_record_access_when_the_token_names_no_tenants_is_refused(tenants: frozenset[str] | None) -> None:
    accesses = FakeAccesses()
    assert refused(accesses, by=replace(POINT, tenants=tenants)) == "tenant_not_of_token"
    assert accesses.facts == []


def test_record_accesses_when_some_are_refused_records_the_others_and_disputes_the_allowed() -> None:
    accesses = FakeAccesses()
    ids = [str(UUID(int=number)) for number in range(5)]
    some = (
        attempt(access_id=ids[0]),
        attempt(access_id=ids[1], tenant="nobodys"),
        attempt(access_id=ids[2], tenant="fabrikam"),
        attempt(access_id=ids[3], **USE),
        attempt(access_id=ids[4], **USE | {"action": "write"}),
    )
    answer = access.record_accesses(stores(accesses), POINT, RecordAccesses(attempts=some), SOON)
    assert [(one.access_id, one.code) for one in answer.refused] == [
        (ids[1], "tenant_unknown"),
        (ids[4], "outside_grant"),
    ]
    assert accesses.states.keys() == {ids[0], ids[2], ids[3], ids[4]}
    assert accesses.types == ["access_denied", "access_denied", "access_allowed", "access_disputed"]
    assert [code for code, _ in accesses.refused] == ["tenant_unknown", "outside_grant"]


def test_record_accesses_when_an_id_comes_twice_lets_no_other_hide_the_dispute() -> None:
    for some in (
        (attempt(**USE), attempt(**USE | {"action": "write"})),
        (attempt(**USE | {"action": "write"}), attempt()),
    ):
        accesses = FakeAccesses()
        access.record_accesses(stores(accesses), POINT, RecordAccesses(attempts=some), SOON)
        assert accesses.types == ["access_disputed"]


def test_record_accesses_when_many_come_reads_tenants_and_grants_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    approvals = FakeApprovals(GRANTED)
    read = approvals.grants_by_id
    monkeypatch.setattr(approvals, "grants_by_id", lambda ids: asked.append(len(list(ids))) or read(ids))
    many = tuple(attempt(access_id=str(UUID(int=number)), **USE) for number in range(200))
    both = AccessStores(FakeAccesses(), approvals, POLICIES)
    assert access.record_accesses(both, POINT, RecordAccesses(attempts=many), SOON).refused == ()
    assert asked == [1]
