from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.builders import ALICE, ENGINEER, EVENT_ID, NOW, REQUEST_ID, caller, policy
from tests.unit.fakes import FakeAccesses, FakeApprovals, FakeKeyrings, FakePolicies, changed_by

from approval_service.domain.keyring import Keyring, MadeKey
from approval_service.usecases import access
from approval_service.usecases.keys import GRANTS
from lockbox.contracts.access import ListRevocations, RecordAccess, RecordAccesses
from lockbox.contracts.identity import Role
from lockbox.errors import Invalid, Unavailable

SOON = NOW + timedelta(minutes=5)
END = SOON + timedelta(hours=4)
POINT = caller("content-service@vendor.example", "vendor", Role.ENFORCEMENT_POINT)
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


def test_record_access_when_the_tenant_is_known_puts_it_on_record() -> None:
    accesses = FakeAccesses()
    answer = access.record_access(accesses, POLICIES, POINT, attempt(), SOON)
    assert answer.access_id == EVENT_ID
    [fact] = accesses.facts
    assert (fact.type, fact.enforcement_point) == ("access_denied", POINT.email)  # type: ignore[attr-defined]
    assert changed_by(accesses) == [POINT.email]


def test_record_access_when_it_comes_twice_is_on_record_once() -> None:
    accesses = FakeAccesses()
    for _ in range(2):
        access.record_access(accesses, POLICIES, POINT, attempt(), SOON)
    assert accesses.types == ["access_denied"]


def test_record_access_when_the_tenant_is_unknown_is_refused() -> None:
    accesses = FakeAccesses()
    with pytest.raises(Invalid) as refused:
        access.record_access(accesses, FakePolicies(), POINT, attempt(), SOON)
    assert (refused.value.code, accesses.facts) == ("tenant_unknown", [])


def test_record_accesses_when_one_is_of_nobodys_records_the_others_and_names_it() -> None:
    accesses = FakeAccesses()
    some = (attempt(), attempt(access_id=OTHER_ID, tenant="nobodys"), attempt(access_id=REQUEST_ID, tenant="fabrikam"))
    answer = access.record_accesses(accesses, POLICIES, POINT, RecordAccesses(attempts=some), SOON)
    [refused] = answer.refused
    assert (refused.access_id, refused.code) == (OTHER_ID, "tenant_unknown")
    assert accesses.states.keys() == {EVENT_ID, REQUEST_ID}
    assert {fact.tenant for fact in accesses.facts} == {"contoso", "fabrikam"}
