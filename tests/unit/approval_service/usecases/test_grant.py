from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    FIONA,
    FRANK,
    LEAD,
    NOW,
    OPERATOR,
    OTHER_ENGINEER,
    REQUEST_ID,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    approval,
    caller,
    present,
    revoke,
)
from tests.unit.fakes import FakeApprovals, changed_by
from tests.unit.keys import public_keys, signing_key

from approval_service.domain.approval import views
from approval_service.domain.approval.approval import Approval
from approval_service.domain.grant import MOST_KEYS
from approval_service.usecases import grant as grants
from lockbox.contracts.approval.operations import (
    RequestExtension,
)
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, GetGrantToken, ListGrants, RevokeGrant
from lockbox.contracts.grant.terms import Confirmation, GrantState
from lockbox.contracts.identity import Caller, Role
from lockbox.crypto.tokens import GRANT_TOKEN, verify
from lockbox.errors import Conflict, Forbidden, Invalid, LockboxError, NotFound

SOON = NOW + timedelta(minutes=5)
END = SOON + timedelta(hours=4)
KEY = signing_key()
THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
POINT = caller("content-service@vendor.example", "vendor", Role.ENFORCEMENT_POINT)


def granted(**changes: Any) -> Approval:
    return builders.granted(SOON, **changes)


def grant_id(one: Approval) -> str:
    return one.granted().id


def one_by_one(work: Callable[[str], object], things: Iterable[str]) -> None:
    for thing in things:
        work(thing)


def code_of(act: Callable[[], object], kind: type[LockboxError]) -> str:
    with pytest.raises(kind) as refused:
        act()
    return refused.value.code


def test_request_extension_when_granted_is_asked_for_by_the_grants_id() -> None:
    one = granted()
    approvals = FakeApprovals(one)
    command = RequestExtension(
        grant_id=grant_id(one), duration=timedelta(hours=1), justification="Longer.", idempotency_key="k-1"
    )
    view = grants.request_extension(approvals, ENGINEER, command, present(SOON))
    assert [extension.state for extension in view.extensions] == ["PENDING"]
    assert code_of(lambda: grants.request_extension(approvals, OTHER_ENGINEER, command, present(SOON)), NotFound)


@pytest.mark.parametrize("reader", [ENGINEER, VENDOR_APPROVER, VENDOR_AUDITOR, ALICE, ADMIN, AUDITOR])
def test_get_grant_when_the_caller_may_know_gives_it(reader: Caller) -> None:
    one = granted()
    assert grants.get_grant(
        FakeApprovals(one), reader, GetGrant(grant_id=grant_id(one)), SOON
    ) == views.as_grant_reading(one, reader, SOON)


@pytest.mark.parametrize("reader", [OTHER_ENGINEER, OPERATOR, FRANK, FIONA])
def test_get_grant_when_the_caller_may_not_know_says_the_same_as_for_none(reader: Caller) -> None:
    one = granted()
    for wanted in (grant_id(one), UNKNOWN):
        with pytest.raises(NotFound) as refused:
            grants.get_grant(FakeApprovals(one), reader, GetGrant(grant_id=wanted), SOON)
        assert (refused.value.code, refused.value.message) == ("grant_not_found", "there is no such grant")


def test_list_grants_when_asked_leaves_sight_to_the_store() -> None:
    approvals = FakeApprovals(granted())
    query = ListGrants(tenant="contoso")
    page = grants.list_grants(approvals, ALICE, query, SOON)
    assert [one.id for one in page.items] == [grant_id(granted())]
    assert approvals.asked == [(ALICE, query)]


# --- tokens --------------------------------------------------------------------------------------------------------


def issue(approvals: FakeApprovals, reader: Caller, wanted: str, now: datetime = SOON) -> str:
    query = GetGrantToken(grant_id=wanted, confirmation=Confirmation(jkt=THUMBPRINT))
    return grants.get_grant_token(approvals, reader, query, KEY, present(now)).token


def test_get_grant_token_when_asked_by_its_own_engineer_signs_the_grant() -> None:
    one = granted()
    token = issue(FakeApprovals(one), ENGINEER, grant_id(one))
    claims = verify(GRANT_TOKEN, token, public_keys(KEY), SOON)
    assert (claims["sub"], claims["jti"], claims["tenant"]) == ("erin@vendor.example", grant_id(one), "contoso")
    assert claims["resources"] == ["mailbox/alice"]
    assert claims["cnf"] == {"jkt": THUMBPRINT}


def test_get_grant_token_when_a_certificate_is_shown_binds_the_grant_to_it() -> None:
    one = granted()
    query = GetGrantToken(grant_id=grant_id(one), confirmation=Confirmation(x5t_s256=THUMBPRINT))
    token = grants.get_grant_token(FakeApprovals(one), ENGINEER, query, KEY, present(SOON)).token
    assert verify(GRANT_TOKEN, token, public_keys(KEY), SOON)["cnf"] == {"x5t#S256": THUMBPRINT}


def test_get_grant_token_when_it_would_be_bound_to_nothing_is_refused() -> None:
    one = granted()
    query = GetGrantToken(grant_id=grant_id(one), confirmation=Confirmation())
    refused = code_of(lambda: grants.get_grant_token(FakeApprovals(one), ENGINEER, query, KEY, present(SOON)), Invalid)
    assert refused == "confirmation_required"


def test_get_grant_token_when_asked_again_gives_the_same_and_is_on_record_once() -> None:
    approvals = FakeApprovals(granted())
    wanted = grant_id(granted())
    assert issue(approvals, ENGINEER, wanted) == issue(approvals, ENGINEER, wanted, SOON + timedelta(hours=1))
    assert approvals.types == ["grant_bound"]
    assert changed_by(approvals) == [ENGINEER.email]


def test_get_grant_token_when_it_is_for_another_key_puts_that_on_record_too() -> None:
    approvals = FakeApprovals(granted())
    for thumbprint in ("a" * 43, "b" * 43):
        query = GetGrantToken(grant_id=grant_id(granted()), confirmation=Confirmation(jkt=thumbprint))
        grants.get_grant_token(approvals, ENGINEER, query, KEY, present(SOON))
    assert [fact.thumbprint for fact in approvals.facts] == ["a" * 43, "b" * 43]  # type: ignore[attr-defined]
    assert approvals.states[REQUEST_ID].granted().bound_to == ("a" * 43, "b" * 43)


def test_get_grant_token_when_it_is_for_too_many_keys_conflicts() -> None:
    approvals = FakeApprovals(granted())

    def fetch(number: int) -> None:
        query = GetGrantToken(grant_id=grant_id(granted()), confirmation=Confirmation(jkt=f"{number:043}"))
        grants.get_grant_token(approvals, ENGINEER, query, KEY, present(SOON))

    for number in range(MOST_KEYS):
        fetch(number)
    fetch(0)
    assert code_of(lambda: fetch(MOST_KEYS), Conflict) == "too_many_keys"


@pytest.mark.parametrize("reader", [LEAD, OTHER_ENGINEER, FRANK, OPERATOR, POINT])
def test_get_grant_token_when_it_is_not_ones_own_grant_says_that_there_is_none(reader: Caller) -> None:
    one = granted()
    assert code_of(lambda: issue(FakeApprovals(one), reader, grant_id(one)), NotFound) == "grant_not_found"


@pytest.mark.parametrize("reader", [VENDOR_APPROVER, VENDOR_AUDITOR, ALICE, ADMIN])
def test_get_grant_token_when_the_caller_is_no_engineer_is_forbidden(reader: Caller) -> None:
    one = granted()
    assert code_of(lambda: issue(FakeApprovals(one), reader, grant_id(one)), Forbidden) == "role_required"


def test_get_grant_token_when_there_is_no_such_grant_says_so() -> None:
    assert code_of(lambda: issue(FakeApprovals(granted()), ENGINEER, UNKNOWN), NotFound) == "grant_not_found"


def test_get_grant_token_when_revoked_conflicts() -> None:
    one = revoke(granted(), ALICE, "", SOON).state
    assert code_of(lambda: issue(FakeApprovals(one), ENGINEER, grant_id(one)), Conflict) == "grant_ended"


def test_get_grant_token_when_its_time_is_over_conflicts_even_before_the_sweep() -> None:
    one = granted()
    approvals = FakeApprovals(one)
    assert issue(approvals, ENGINEER, grant_id(one), END - timedelta(microseconds=1))
    before = approvals.states[REQUEST_ID]
    assert code_of(lambda: issue(approvals, ENGINEER, grant_id(one), END), Conflict) == "grant_ended"
    assert approvals.states[REQUEST_ID] is before


def test_get_grant_token_when_it_starts_later_is_not_valid_before() -> None:
    start = NOW + timedelta(hours=2)
    one = granted(starts_at=start)
    token = issue(FakeApprovals(one), ENGINEER, grant_id(one))
    with pytest.raises(Forbidden) as refused:
        verify(GRANT_TOKEN, token, public_keys(KEY), start - timedelta(microseconds=1))
    assert refused.value.code == "token_not_yet_valid"
    assert verify(GRANT_TOKEN, token, public_keys(KEY), start)


# --- revoking ------------------------------------------------------------------------------------------------------


def revocation(wanted: str) -> RevokeGrant:
    return RevokeGrant(grant_id=wanted, comment="enough", idempotency_key="k-1")


def test_revoke_grant_when_named_by_the_grants_id_ends_it() -> None:
    one = granted()
    approvals = FakeApprovals(one)
    view = grants.end_grant(approvals, ALICE, revocation(grant_id(one)), present(SOON))
    assert (view.state, view.ended_by, view.comment) == (GrantState.REVOKED, "alice@contoso.example", "enough")
    assert approvals.types == ["grant_revoked"]
    assert approvals.acts[0].key == "alice@contoso.example revoke_grant k-1"


@pytest.mark.parametrize(("reader", "kind"), [(FRANK, NotFound), (OTHER_ENGINEER, NotFound), (ENGINEER, Forbidden)])
def test_revoke_grant_when_not_entitled_changes_nothing(reader: Caller, kind: type[LockboxError]) -> None:
    one = granted()
    approvals = FakeApprovals(one)
    code_of(lambda: grants.end_grant(approvals, reader, revocation(grant_id(one)), present(SOON)), kind)
    assert approvals.states[REQUEST_ID] == one


def test_revoke_grant_when_there_is_no_such_grant_says_so() -> None:
    approvals = FakeApprovals(approval())
    assert (
        code_of(lambda: grants.end_grant(approvals, ALICE, revocation(UNKNOWN), present(SOON)), NotFound)
        == "grant_not_found"
    )


def test_complete_grant_when_its_engineer_is_done_ends_it_and_its_token() -> None:
    one = granted()
    approvals = FakeApprovals(one)
    command = CompleteGrant(grant_id=grant_id(one), comment="fixed", idempotency_key="k-1")
    view = grants.end_grant(approvals, ENGINEER, command, present(SOON))
    assert (view.state, view.ended_by, view.comment) == (GrantState.COMPLETED, ENGINEER.email, "fixed")
    assert approvals.types == ["grant_completed"]
    assert code_of(lambda: issue(approvals, ENGINEER, grant_id(one)), Conflict) == "grant_ended"


@pytest.mark.parametrize(("reader", "kind"), [(FRANK, NotFound), (OTHER_ENGINEER, NotFound), (ALICE, Forbidden)])
def test_complete_grant_when_not_ones_own_changes_nothing(reader: Caller, kind: type[LockboxError]) -> None:
    one = granted()
    approvals = FakeApprovals(one)
    command = CompleteGrant(grant_id=grant_id(one), idempotency_key="k-1")
    code_of(lambda: grants.end_grant(approvals, reader, command, present(SOON)), kind)
    assert approvals.states[REQUEST_ID] == one
