from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    CORRELATION_ID,
    ENGINEER,
    FIONA,
    FRANK,
    NOW,
    OPERATOR,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    asked,
    caller,
    event,
    policy,
    quorum,
)
from tests.unit.fakes import FakeDirectory, FakePolicies, changed_by

from approval_service.domain.people import Person
from approval_service.domain.policy.policy import as_view, digest_of
from approval_service.usecases import policy as governing
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, PolicySettings
from lockbox.contracts.policy.operations import DecidePolicyChange, DiffPolicy, EvaluatePolicy, GetPolicy, PutPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.views import TenantView
from lockbox.errors import Conflict, Forbidden, Invalid, NotFound
from request_service.domain.request import ask

SOON = NOW + timedelta(minutes=5)
ADA = caller("ada@contoso.example", "contoso", Role.CUSTOMER_ADMIN)
OPEN = replace(DEFAULT_SETTINGS, require_approval=False)
KEYS = map("k-{}".format, count(1))


@pytest.fixture
def policies() -> FakePolicies:
    return FakePolicies(contoso=policy(), fabrikam=replace(policy(), tenant="fabrikam"))


@pytest.fixture
def directory() -> FakeDirectory:
    people = (ENGINEER, VENDOR_APPROVER, ALICE, ADMIN, ADA, FRANK)
    return FakeDirectory(*(Person(one.email, one.organisation, frozenset(one.roles)) for one in people))


# --- who is known --------------------------------------------------------------------------------------------------


def learn(policies: FakePolicies, directory: FakeDirectory, fact: Any, now: Any = NOW, sequence: int = 1) -> None:
    governing.learn_member(directory, policies, event(fact, sequence), fact, now)


def test_learn_member_when_it_is_a_tenants_first_gives_it_a_policy() -> None:
    policies, directory = FakePolicies(), FakeDirectory()
    learn(policies, directory, MemberAdded(tenant="contoso", email="carol@contoso.example", roles=("customer_admin",)))
    assert policies.states == {"contoso": policy()}
    assert policies.types == ["policy_changed"]
    assert changed_by(policies) == ["approval_service"]
    assert policies.acts[0].cause.correlation_id == CORRELATION_ID
    assert directory.people["carol@contoso.example"].roles == {"customer_admin"}


def test_learn_member_when_the_tenant_is_known_leaves_its_policy(directory: FakeDirectory) -> None:
    policies = FakePolicies(contoso=policy(stages=quorum(3)))
    learn(policies, directory, MemberAdded(tenant="contoso", email="x@contoso.example", roles=()), SOON)
    assert policies.states == {"contoso": policy(stages=quorum(3))}
    assert policies.facts == []


def test_learn_member_when_it_is_the_vendors_knows_it_and_does_no_more() -> None:
    policies, directory = FakePolicies(), FakeDirectory()
    learn(policies, directory, MemberAdded(tenant=None, email="v@vendor.example", roles=("vendor_approver",)))
    assert policies.states == {}
    assert directory.people["v@vendor.example"].organisation == "vendor"


def test_learn_member_when_roles_change_or_somebody_leaves_knows_that(directory: FakeDirectory) -> None:
    learn(FakePolicies(), directory, MemberChanged(tenant="contoso", email=ALICE.email, roles=("customer_auditor",)))
    assert directory.people[ALICE.email].roles == {"customer_auditor"}
    learn(FakePolicies(), directory, MemberRemoved(tenant="contoso", email=ALICE.email), sequence=2)
    assert directory.people[ALICE.email].roles == frozenset()


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", [ALICE, ADMIN, AUDITOR, ENGINEER, VENDOR_APPROVER, VENDOR_AUDITOR])
def test_get_policy_when_of_ones_own_tenant_or_at_the_vendor_gives_it(policies: FakePolicies, reader: Caller) -> None:
    assert governing.get_policy(policies, reader, GetPolicy(tenant="contoso")) == as_view(policy())


@pytest.mark.parametrize("reader", [FRANK, FIONA])
def test_get_policy_when_of_another_tenant_says_the_same_as_for_none(policies: FakePolicies, reader: Caller) -> None:
    for tenant in ("contoso", "nowhere"):
        with pytest.raises(NotFound) as refused:
            governing.get_policy(policies, reader, GetPolicy(tenant=tenant))
        assert (refused.value.code, refused.value.message) == ("tenant_not_found", "there is no such tenant")


def test_get_policy_when_there_is_no_such_tenant_says_so_to_the_vendor_too(policies: FakePolicies) -> None:
    with pytest.raises(NotFound):
        governing.get_policy(policies, VENDOR_APPROVER, GetPolicy(tenant="nowhere"))


# --- changing ------------------------------------------------------------------------------------------------------


def put(
    policies: FakePolicies,
    directory: FakeDirectory,
    by: Caller = ADMIN,
    settings: PolicySettings = OPEN,
    version: int | None = None,
) -> PolicyView:
    command = PutPolicy(tenant="contoso", settings=settings, version=version, idempotency_key=next(KEYS))
    return governing.put_policy(policies, directory, by, command, SOON)


def test_put_policy_when_of_ones_own_tenant_replaces_it(policies: FakePolicies, directory: FakeDirectory) -> None:
    view = put(policies, directory, version=1)
    assert (view.require_approval, view.version, view.changed_by) == (False, 2, "carol@contoso.example")
    assert policies.types == ["policy_changed"]
    assert policies.states["fabrikam"].version == 1


@pytest.mark.parametrize("by", [FIONA, VENDOR_APPROVER, OPERATOR])
def test_put_policy_when_of_another_tenant_says_that_there_is_none(
    policies: FakePolicies, directory: FakeDirectory, by: Caller
) -> None:
    with pytest.raises(NotFound) as refused:
        put(policies, directory, by)
    assert refused.value.code == "tenant_not_found"
    assert policies.facts == []


def test_put_policy_when_somebody_was_faster_conflicts(policies: FakePolicies, directory: FakeDirectory) -> None:
    put(policies, directory, version=1)
    with pytest.raises(Conflict) as refused:
        put(policies, directory, version=1)
    assert refused.value.code == "policy_version_stale"


def test_put_policy_when_it_could_not_work_is_refused_whole(policies: FakePolicies, directory: FakeDirectory) -> None:
    with pytest.raises(Invalid) as refused:
        put(policies, directory, settings=replace(DEFAULT_SETTINGS, stages=quorum(9), comment_on_denial=True))
    assert refused.value.code == "policy_quorum_unreachable"
    assert policies.states["contoso"] == policy()


# --- four eyes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def watched() -> FakePolicies:
    return FakePolicies(contoso=policy(four_eyes=True))


def decided(
    policies: FakePolicies, directory: FakeDirectory, by: Caller, decision: Any = "agree", digest: str | None = None
) -> PolicyView:
    command = DecidePolicyChange(
        tenant="contoso", digest=digest or digest_of(OPEN), decision=decision, comment="no", idempotency_key=next(KEYS)
    )
    return governing.decide_policy_change(policies, directory, by, command, SOON)


def test_four_eyes_when_one_changes_the_policy_it_waits_for_another(
    watched: FakePolicies, directory: FakeDirectory
) -> None:
    view = put(watched, directory)
    assert (view.version, view.require_approval) == (1, True)
    assert view.proposal is not None
    assert (view.proposal.settings, view.proposal.proposed_by) == (OPEN, ADMIN.email)
    assert watched.types == ["policy_change_proposed"]
    agreed = decided(watched, directory, ADA)
    assert (agreed.version, agreed.require_approval, agreed.proposal) == (2, False, None)
    assert (agreed.changed_by, watched.facts[-1].proposed_by) == (ADA.email, ADMIN.email)  # type: ignore[attr-defined]


def test_four_eyes_when_the_same_one_agrees_is_refused(watched: FakePolicies, directory: FakeDirectory) -> None:
    put(watched, directory)
    with pytest.raises(Forbidden) as refused:
        decided(watched, directory, ADMIN)
    assert refused.value.code == "own_proposal"


@pytest.mark.parametrize("by", [ADMIN, ADA])
def test_four_eyes_when_anybody_rejects_it_is_off_the_table(
    watched: FakePolicies, directory: FakeDirectory, by: Caller
) -> None:
    put(watched, directory)
    assert decided(watched, directory, by, "reject").proposal is None
    assert watched.types == ["policy_change_proposed", "policy_change_rejected"]
    with pytest.raises(Conflict) as refused:
        decided(watched, directory, ADA)
    assert refused.value.code == "proposal_stale"


def test_four_eyes_when_something_else_is_proposed_meanwhile_nobody_agrees_to_that_unseen(
    watched: FakePolicies, directory: FakeDirectory
) -> None:
    seen = digest_of(OPEN)
    put(watched, directory)
    put(watched, directory, settings=replace(OPEN, comment_on_denial=True))
    with pytest.raises(Conflict) as refused:
        decided(watched, directory, ADA, digest=seen)
    assert refused.value.code == "proposal_stale"


def test_four_eyes_when_the_people_have_left_meanwhile_is_refused(
    watched: FakePolicies, directory: FakeDirectory
) -> None:
    two = replace(OPEN, require_approval=True, stages=quorum(1), four_eyes=True, comment_on_denial=True)
    named = replace(two, stages=(two.stages[0], replace(two.stages[1], name="Again")))
    put(watched, directory, settings=named)
    directory.learn(Person(ALICE.email, "contoso", frozenset()), 9)
    with pytest.raises(Invalid) as refused:
        decided(watched, directory, ADA, digest=digest_of(named))
    assert refused.value.code == "policy_quorum_unreachable"


@pytest.mark.parametrize("by", [FIONA, VENDOR_APPROVER])
def test_four_eyes_when_of_another_tenant_says_that_there_is_none(
    watched: FakePolicies, directory: FakeDirectory, by: Caller
) -> None:
    put(watched, directory)
    with pytest.raises(NotFound):
        decided(watched, directory, by)


# --- looking ahead -------------------------------------------------------------------------------------------------


def evaluate(policies: FakePolicies, directory: FakeDirectory, by: Caller = ADMIN, **more: Any) -> Any:
    query = EvaluatePolicy(**{"tenant": "contoso", "terms": asked(), "requester": ENGINEER.email, **more})
    return governing.evaluate_policy(policies, directory, by, query, governing.Turn(NOW))


def test_evaluate_policy_when_people_decide_says_who_could(policies: FakePolicies, directory: FakeDirectory) -> None:
    told = evaluate(policies, directory)
    assert (told.outcome, told.version) == ("decide", 1)
    assert [(stage.name, stage.groups[0].eligible) for stage in told.stages] == [
        ("Vendor", (VENDOR_APPROVER.email,)),
        ("Customer", (ALICE.email,)),
    ]


def test_evaluate_policy_when_the_asker_could_decide_leaves_the_asker_out(
    policies: FakePolicies, directory: FakeDirectory
) -> None:
    told = evaluate(policies, directory, requester=VENDOR_APPROVER.email)
    assert told.stages[0].groups[0].eligible == ()


def test_evaluate_policy_when_given_a_document_tries_that_and_changes_nothing(
    policies: FakePolicies, directory: FakeDirectory
) -> None:
    told = evaluate(policies, directory, settings=OPEN)
    assert ([stage.name for stage in told.stages], told.version) == (["Vendor"], None)
    assert policies.facts == []
    with pytest.raises(Invalid) as refused:
        evaluate(policies, directory, settings=replace(OPEN, stages=()))
    assert refused.value.code == "policy_without_stage"


def test_evaluate_policy_when_no_duration_is_given_takes_the_default(
    policies: FakePolicies, directory: FakeDirectory
) -> None:
    told = evaluate(policies, directory, terms=replace(asked(), duration=None))
    assert told.duration == DEFAULT_SETTINGS.default_duration


@pytest.mark.parametrize("by", [ALICE, AUDITOR, VENDOR_APPROVER, VENDOR_AUDITOR])
def test_evaluate_policy_when_the_caller_has_to_do_with_it_is_answered(
    policies: FakePolicies, directory: FakeDirectory, by: Caller
) -> None:
    assert evaluate(policies, directory, by).outcome == "decide"


@pytest.mark.parametrize("by", [FRANK, FIONA])
def test_evaluate_policy_when_of_another_tenant_says_that_there_is_none(
    policies: FakePolicies, directory: FakeDirectory, by: Caller
) -> None:
    with pytest.raises(NotFound):
        evaluate(policies, directory, by)


@pytest.mark.parametrize("by", [ENGINEER, OPERATOR])
def test_evaluate_policy_when_the_caller_has_no_role_for_it_is_refused_by_its_declaration(by: Caller) -> None:
    with pytest.raises(Forbidden):
        EvaluatePolicy.require_role(by)


STRICT = replace(DEFAULT_SETTINGS, service_request_pattern="SR-######")
INADMISSIBLE = [
    ({"starts_at": datetime(2126, 1, 1, tzinfo=UTC)}, "invalid_starts_at", "starts_at"),
    ({"starts_at": NOW - timedelta(minutes=1)}, "invalid_starts_at", "starts_at"),
    ({"duration": timedelta(hours=4, seconds=1)}, "duration_too_long", "duration"),
    ({"service_request": "SR-1"}, "service_request_unlike_pattern", "service_request"),
    ({"resources": tuple(f"mailbox/{'a' * 490}{number}" for number in range(100))}, "grant_too_large", "resources"),
]


@pytest.mark.parametrize(("terms", "code", "field"), INADMISSIBLE)
def test_evaluate_policy_when_the_request_would_be_refused_is_refused_alike(
    policies: FakePolicies, directory: FakeDirectory, terms: dict[str, Any], code: str, field: str
) -> None:
    limits = TenantView(
        tenant="contoso",
        request_lifetime=timedelta(hours=1),
        **{name: getattr(STRICT, name) for name in ("maximum_duration", "default_duration", "service_request_pattern")},
    )
    with pytest.raises(Invalid) as real:
        ask("r-1", asked(**terms), ENGINEER.email, limits, NOW)
    with pytest.raises(Invalid) as dry:
        evaluate(policies, directory, terms=asked(**terms), settings=STRICT)
    assert real.value.code == dry.value.code == code
    assert [fault["field"] for fault in real.value.faults] == [field]
    assert [{**fault, "field": fault["field"].removeprefix("request.")} for fault in dry.value.faults] == list(
        real.value.faults
    )


def test_evaluate_policy_when_the_sample_is_for_another_tenant_is_refused(
    policies: FakePolicies, directory: FakeDirectory
) -> None:
    with pytest.raises(Invalid):
        evaluate(policies, directory, terms=asked(tenant="fabrikam"))


def test_diff_policy_when_checked_says_what_would_change(policies: FakePolicies, directory: FakeDirectory) -> None:
    told = governing.diff_policy(policies, directory, ADMIN, DiffPolicy(tenant="contoso", settings=OPEN))
    assert (told.version, told.digest) == (1, digest_of(OPEN))
    assert [(one.path, one.before, one.after) for one in told.differences] == [("require_approval", True, False)]
    assert policies.facts == []


@pytest.mark.parametrize("by", [FIONA, VENDOR_APPROVER])
def test_diff_policy_when_of_another_tenant_says_that_there_is_none(
    policies: FakePolicies, directory: FakeDirectory, by: Caller
) -> None:
    with pytest.raises(NotFound):
        governing.diff_policy(policies, directory, by, DiffPolicy(tenant="contoso", settings=OPEN))
