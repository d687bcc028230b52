import json
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import eventlet
import pytest
from argon2 import PasswordHasher
from tests.unit.builders import ALICE, CORRELATION_ID, ENGINEER, EVENT_ID, NOW, REQUEST_ID, approval, terms
from tests.unit.fakes import FakeAggregates
from tests.unit.portal_service.fakes import FakeFailedAttempts, FakeSessions

from approval_service.domain.approval import views
from lockbox.contracts import wire
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import CancelRequest, Decide, GetApproval
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.calls import Call
from lockbox.contracts.events import Cause
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.member import SignedIn, SignInFailed
from lockbox.contracts.request.operations import GetRequest
from lockbox.contracts.request.terms import RequestState
from lockbox.contracts.request.views import RequestView
from lockbox.errors import Conflict, Forbidden, Invalid, LockboxError, NotFound, TooMany, Unavailable
from portal_service import passwords, sign_in, usecases
from portal_service.domain.account import Account
from portal_service.domain.seed import Seed, SeedMember
from portal_service.domain.session import (
    SESSION_LIFETIME,
    ApiToken,
    Session,
    Unauthenticated,
)
from portal_service.domain.sign_in import OF_SOURCE, OF_SOURCE_AND_ADDRESS, Visitor
from portal_service.passwords import token_digest
from portal_service.sign_in import SignInAttempt
from portal_service.usecases import Known, RequestDetails

HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CAROL = Account(
    email="carol@contoso.example",
    organisation="contoso",
    roles=("customer_admin",),
    password_hash=HASHER.hash("correct horse"),
)
POINT = Account(email="point@vendor.example", organisation="vendor", roles=("enforcement_point",), password_hash=None)
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"
AT_HOME = Visitor(HOME)
FAILURES_ALLOWED = OF_SOURCE_AND_ADDRESS.at_once
FAILURES_WITHIN = timedelta(seconds=1)
SOON = NOW + timedelta(minutes=5)


class Portal:
    """What the portal knows, in memory."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts: FakeAggregates[Account] = FakeAggregates(**{account.email: account for account in accounts})
        self.sessions = FakeSessions()
        self.api_tokens: FakeAggregates[ApiToken] = FakeAggregates()
        self.failed_attempts = FakeFailedAttempts()
        self.known = Known(self.accounts, self.sessions, self.api_tokens, self.failed_attempts)

    def sign_in(self, password: str, email: str = CAROL.email, now: datetime = NOW, visitor: Visitor = AT_HOME) -> str:
        act = Act(Cause(email, CORRELATION_ID), now)
        attempt = SignInAttempt(f"attempt-{len(self.failed_attempts.states)}", email, password, visitor)
        return sign_in.sign_in(self.known, attempt, act)

    def code_of_identify(self, token: str, now: datetime = NOW) -> str:
        with pytest.raises(Unauthenticated) as refused:
            usecases.identify(self.known, token, now)
        return refused.value.code


@pytest.fixture(autouse=True)
def quick_hash_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hash_of_no_account", HASHER.hash("nobody's"))


@pytest.fixture
def portal() -> Portal:
    return Portal(CAROL, POINT)


# --- signing in ----------------------------------------------------------------------------------------------------


def test_sign_in_when_the_password_is_right_begins_a_session(portal: Portal) -> None:
    token = portal.sign_in("correct horse")
    assert portal.sessions.states == {token_digest(token): Session.begin(CAROL, NOW, HOME).state}
    assert portal.sessions.types == ["signed_in"]
    assert token not in repr(portal.sessions.states)


def test_sign_in_when_done_again_begins_another_session(portal: Portal) -> None:
    assert portal.sign_in("correct horse") != portal.sign_in("correct horse")
    assert len(portal.sessions.states) == 2


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (CAROL.email, "wrong"),
        (CAROL.email, ""),
        ("nobody@contoso.example", "correct horse"),
        (POINT.email, ""),
        (POINT.email, "correct horse"),
    ],
)
def test_sign_in_when_refused_always_says_the_same(portal: Portal, email: str, password: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        portal.sign_in(password, email)
    assert (refused.value.code, refused.value.message) == ("sign_in_failed", "the address or the password is wrong")
    assert portal.sessions.states == {}
    assert portal.failed_attempts.types == ["sign_in_failed"]


@pytest.mark.parametrize(
    ("email", "tenant"), [(CAROL.email, "contoso"), (POINT.email, None), ("nobody@contoso.example", None)]
)
def test_sign_in_when_it_failed_is_told_to_the_tenant_of_the_account(
    portal: Portal, email: str, tenant: str | None
) -> None:
    with pytest.raises(Unauthenticated):
        portal.sign_in("wrong", email)
    [fact] = portal.failed_attempts.facts
    assert (fact.tenant, fact.subject) == (tenant, email)


def fail(portal: Portal, times: int, email: str = CAROL.email, now: datetime = NOW, visitor: Visitor = AT_HOME) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            portal.sign_in("wrong", email, now, visitor)


def test_sign_in_when_it_failed_often_is_refused_even_with_the_right_password(portal: Portal) -> None:
    fail(portal, FAILURES_ALLOWED)
    with pytest.raises(TooMany) as refused:
        portal.sign_in("correct horse")
    assert refused.value.code == "too_many_attempts"
    assert portal.sessions.states == {}
    assert len(portal.failed_attempts.states) == FAILURES_ALLOWED


def test_sign_in_when_it_failed_almost_too_often_still_works(portal: Portal) -> None:
    fail(portal, FAILURES_ALLOWED - 1)
    assert portal.sign_in("correct horse")


def test_sign_in_when_time_has_passed_works_again(portal: Portal) -> None:
    fail(portal, FAILURES_ALLOWED)
    assert portal.sign_in("correct horse", now=NOW + FAILURES_WITHIN)


def test_sign_in_when_another_address_failed_works(portal: Portal) -> None:
    fail(portal, FAILURES_ALLOWED, "nobody@contoso.example")
    assert portal.sign_in("correct horse")


def test_sign_in_when_an_address_that_nobody_has_failed_often_is_throttled_too(portal: Portal) -> None:
    fail(portal, FAILURES_ALLOWED, "nobody@contoso.example")
    with pytest.raises(TooMany):
        portal.sign_in("wrong", "nobody@contoso.example")


def test_sign_in_when_a_stranger_fails_often_works_for_the_person_from_another_source(portal: Portal) -> None:
    fail(portal, FAILURES_ALLOWED, visitor=Visitor(ELSEWHERE))
    with pytest.raises(TooMany):
        portal.sign_in("correct horse", visitor=Visitor(ELSEWHERE))
    assert portal.sign_in("correct horse", visitor=Visitor(HOME))


def test_sign_in_when_strangers_fail_from_everywhere_works_for_a_browser_that_is_known(portal: Portal) -> None:
    for number in range(50):
        fail(portal, 1, visitor=Visitor(f"203.0.113.{number}"))
    with pytest.raises(TooMany):
        portal.sign_in("correct horse", visitor=Visitor(HOME))
    assert portal.sign_in("correct horse", visitor=Visitor(HOME, browser="known"))


def test_sign_in_when_a_known_browser_guesses_is_slowed_too(portal: Portal) -> None:
    browser = Visitor(HOME, browser="stolen")
    fail(portal, 10, visitor=browser)
    with pytest.raises(TooMany):
        portal.sign_in("correct horse", visitor=browser)


def test_sign_in_when_a_source_tries_new_addresses_is_slowed(portal: Portal) -> None:
    for number in range(OF_SOURCE.at_once):
        fail(portal, 1, f"nobody{number}@contoso.example")
    with pytest.raises(TooMany) as refused:
        portal.sign_in("wrong", "another@contoso.example")
    assert refused.value.params == {"retry_after": 1}


def test_sign_in_when_refused_for_its_number_is_not_judged(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(portal, FAILURES_ALLOWED)
    judged: list[str] = []
    monkeypatch.setattr(passwords, "_matches", lambda _hash, password: bool(judged.append(password)))
    with pytest.raises(TooMany):
        portal.sign_in("correct horse")
    assert judged == []


def test_sign_in_when_many_guess_at_once_counts_before_it_judges(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []

    def slow(_hash: str, password: str) -> bool:
        judged.append(password)
        time.sleep(0.01)
        return False

    monkeypatch.setattr(passwords, "_matches", slow)

    def guess(number: int) -> None:
        with pytest.raises(LockboxError):
            portal.sign_in(f"guess {number}")

    pool = eventlet.GreenPool(80)
    for number in range(80):
        pool.spawn(guess, number)
    pool.waitall()
    assert 0 < len(judged) <= FAILURES_ALLOWED


def test_sign_in_when_the_password_is_right_uncounts_the_attempt(portal: Portal) -> None:
    for _ in range(3 * FAILURES_ALLOWED):
        assert portal.sign_in("correct horse")
    assert {count.count for count in portal.failed_attempts.counts.values()} == {0}


def test_sign_in_when_too_many_wait_is_refused_at_once_and_uncounted(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "FOR_STRANGERS", passwords.CheckQueue(0, 0))
    with pytest.raises(Unavailable) as refused:
        portal.sign_in("correct horse")
    assert refused.value.code == "sign_in_busy"
    assert {count.count for count in portal.failed_attempts.counts.values()} == {0}
    assert portal.sign_in("correct horse", visitor=Visitor(HOME, browser="known"))


def test_sign_in_when_on_record_names_the_source(portal: Portal) -> None:
    portal.sign_in("correct horse")
    fail(portal, 1, visitor=Visitor(ELSEWHERE))
    [signed_in], [failed] = portal.sessions.facts, portal.failed_attempts.facts
    assert isinstance(signed_in, SignedIn)
    assert isinstance(failed, SignInFailed)
    assert (signed_in.source_address, failed.source_address) == (HOME, ELSEWHERE)


def test_sign_out_when_done_ends_the_session(portal: Portal) -> None:
    token = portal.sign_in("correct horse")
    other = portal.sign_in("correct horse")
    usecases.sign_out(portal.known, token)
    assert portal.code_of_identify(token) == "token_unknown"
    assert usecases.identify(portal.known, other, NOW).account == CAROL


# --- identifying ---------------------------------------------------------------------------------------------------


def test_identify_when_signed_in_says_who_and_since_when(portal: Portal) -> None:
    token = portal.sign_in("correct horse")
    identity = usecases.identify(portal.known, token, SOON)
    assert (identity.account, identity.since, identity.tenants) == (CAROL, NOW, None)


def test_identify_when_the_session_has_ended_says_so(portal: Portal) -> None:
    token = portal.sign_in("correct horse")
    assert usecases.identify(portal.known, token, NOW + SESSION_LIFETIME - timedelta(microseconds=1))
    assert portal.code_of_identify(token, NOW + SESSION_LIFETIME) == "session_expired"


def test_identify_when_the_account_was_removed_says_so(portal: Portal) -> None:
    token = portal.sign_in("correct horse")
    del portal.accounts.states[CAROL.email]
    assert portal.code_of_identify(token) == "account_removed"


@pytest.mark.parametrize("token", ["", "lbs_unknown", "lbs_", "\u00e4", "x" * 10_000])
def test_identify_when_the_token_is_unknown_says_so(portal: Portal, token: str) -> None:
    portal.sign_in("correct horse")
    assert portal.code_of_identify(token) == "token_unknown"


def test_identify_when_shown_the_digest_in_place_of_the_token_does_not_know_it(portal: Portal) -> None:
    assert portal.code_of_identify(token_digest(portal.sign_in("correct horse"))) == "token_unknown"


def test_identify_when_it_is_a_machines_token_knows_it_without_an_end(portal: Portal) -> None:
    portal.api_tokens.states[token_digest("lbk_machine")] = ApiToken.create(POINT, ("contoso",), NOW).state
    identity = usecases.identify(portal.known, "lbk_machine", NOW + timedelta(days=400))
    assert (identity.account, identity.since, identity.tenants) == (POINT, NOW, {"contoso"})
    del portal.accounts.states[POINT.email]
    assert portal.code_of_identify("lbk_machine") == "account_removed"


def test_identify_when_roles_have_changed_gives_the_ones_of_now(portal: Portal) -> None:
    token = portal.sign_in("correct horse")
    portal.accounts.states[CAROL.email] = replace(CAROL, roles=("customer_auditor",))
    caller = usecases.identify(portal.known, token, NOW).account.as_caller(NOW, CORRELATION_ID)
    assert caller.roles == {Role.CUSTOMER_AUDITOR}


# --- the seed ------------------------------------------------------------------------------------------------------

SEED = Seed(
    members=(
        SeedMember("alice@contoso.example", "contoso", ("customer_approver",), password="hunter2"),
        SeedMember(
            "robot@vendor.example", "vendor", ("enforcement_point",), api_token="lbk_machine", tenants=["contoso"]
        ),
    )
)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usecases, "hash_password", HASHER.hash)


@pytest.mark.usefixtures("hashed")
def test_plant_when_nothing_is_there_names_the_members() -> None:
    portal = Portal()
    usecases.create_members(portal.known, SEED, CORRELATION_ID, NOW)
    assert portal.accounts.types == ["member_added", "member_added"]
    assert portal.api_tokens.types == ["api_token_created"]
    assert set(portal.api_tokens.states) == {token_digest("lbk_machine")}
    assert portal.sign_in("hunter2", "alice@contoso.example")
    assert usecases.identify(portal.known, "lbk_machine", NOW).account.email == "robot@vendor.example"
    assert portal.accounts.states["robot@vendor.example"].password_hash is None


@pytest.mark.usefixtures("hashed")
def test_plant_when_done_again_changes_nothing() -> None:
    portal = Portal()
    usecases.create_members(portal.known, SEED, CORRELATION_ID, NOW)
    accounts, tokens = dict(portal.accounts.states), dict(portal.api_tokens.states)
    usecases.create_members(portal.known, SEED, EVENT_ID, SOON)
    assert (portal.accounts.states, portal.api_tokens.states) == (accounts, tokens)
    assert len(portal.accounts.facts) == 2
    assert len(portal.api_tokens.facts) == 1


@pytest.mark.usefixtures("hashed")
def test_plant_when_the_seed_names_other_tenants_lets_the_token_be_for_these() -> None:
    portal = Portal()
    usecases.create_members(portal.known, SEED, CORRELATION_ID, NOW)
    robot = replace(SEED.members[1], tenants="*")
    usecases.create_members(portal.known, Seed(members=(robot,)), EVENT_ID, SOON)
    assert portal.api_tokens.types == ["api_token_created", "api_token_changed"]
    assert usecases.identify(portal.known, "lbk_machine", SOON).tenants == {"*"}


@pytest.mark.usefixtures("hashed")
def test_plant_when_somebody_is_there_already_leaves_password_and_roles() -> None:
    known = replace(CAROL, roles=("customer_auditor",))
    portal = Portal(known)
    again = SeedMember(CAROL.email, "contoso", ("customer_admin",), password="another")
    usecases.create_members(portal.known, Seed(members=(again,)), CORRELATION_ID, NOW)
    assert portal.accounts.states == {CAROL.email: known}


@pytest.mark.usefixtures("hashed")
def test_plant_when_roles_do_not_fit_says_whose() -> None:
    wrong = SeedMember("x@contoso.example", "contoso", ("operator",), password="x")
    with pytest.raises(Invalid) as refused:
        usecases.create_members(Portal().known, Seed(members=(wrong,)), CORRELATION_ID, NOW)
    assert "x@contoso.example" in refused.value.message


def test_seed_when_read_has_addresses_in_lower_case() -> None:
    member = {"email": "Alice@Contoso.Example", "organisation": "contoso", "roles": ["customer_approver"]}
    seed = wire.decode(Seed, json.loads(json.dumps({"members": [member]})))
    assert seed.members[0].email == "alice@contoso.example"


# --- two services, one answer --------------------------------------------------------------------------------------

VIEW = RequestView(
    **terms().within(),
    id=REQUEST_ID,
    requester="erin@vendor.example",
    state=RequestState.PENDING_VENDOR,
    created_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)
DECIDED = views.as_reading(replace(approval(), state=RequestState.PENDING_CUSTOMER), ALICE, NOW)
DECIDE = Decide(request_id=REQUEST_ID, request_digest="d", decision="approve", idempotency_key="k-1")
CANCEL = CancelRequest(request_id=REQUEST_ID, idempotency_key="k-1")
NOT_FOUND = NotFound("request_not_found", "there is no such request")


class FakeServices:
    """Answers each kind of message with what is told, one after the other; the last goes on."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name: list(answer) for name, answer in answers.items()}
        self.asked: list[tuple[Caller, Call[Any]]] = []

    @property
    def methods(self) -> list[str]:
        return [message.method for _, message in self.asked]

    def call(self, caller: Caller, message: Call[Any]) -> Any:
        self.asked.append((caller, message))
        waiting = self.answers[message.method]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakePatience:
    """Patience for so many waits."""

    def __init__(self, waits: int) -> None:
        self.left = waits
        self.waited = 0

    def __call__(self) -> bool:
        self.waited += 1
        self.left -= 1
        return self.left > 0


def test_read_request_when_both_answer_puts_them_together() -> None:
    services = FakeServices(get_request=[VIEW], get_approval=[DECIDED])
    details = usecases.read_request(services, ALICE, REQUEST_ID, FakePatience(1))
    assert isinstance(details, RequestDetails)
    assert (details.id, details.justification) == (REQUEST_ID, VIEW.justification)
    assert (details.state, details.expires_at) == (DECIDED.state, DECIDED.expires_at)
    assert (details.stages, details.decisions, details.grant) == (DECIDED.stages, (), None)
    assert (details.request_digest, details.terms, details.you) == (DECIDED.request_digest, terms(), DECIDED.you)
    assert services.asked == [(ALICE, GetRequest(request_id=REQUEST_ID)), (ALICE, GetApproval(request_id=REQUEST_ID))]


def test_read_request_when_the_approval_has_not_begun_shows_what_was_asked() -> None:
    services = FakeServices(get_request=[VIEW], get_approval=[NOT_FOUND])
    patience = FakePatience(3)
    details = usecases.read_request(services, ALICE, REQUEST_ID, patience)
    assert patience.waited == 3
    assert wire.encode(details, RequestView) == wire.encode(VIEW)
    assert (details.stages, details.decisions, details.grant) == ((), (), None)


def test_read_request_when_it_was_created_a_moment_ago_waits_for_its_approval() -> None:
    services = FakeServices(get_request=[VIEW], get_approval=[NOT_FOUND, NOT_FOUND, DECIDED])
    details = usecases.read_request(services, ALICE, REQUEST_ID, FakePatience(5))
    assert details.request_digest == DECIDED.request_digest
    assert services.methods == ["get_request", "get_approval", "get_approval", "get_approval"]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"get_request": [NOT_FOUND], "get_approval": [DECIDED]}, NotFound),
        ({"get_request": [VIEW], "get_approval": [Unavailable("service_timeout", "late")]}, Unavailable),
    ],
)
def test_read_request_when_one_does_not_answer_surfaces_that(answers: dict[str, Any], kind: type[LockboxError]) -> None:
    with pytest.raises(kind):
        usecases.read_request(FakeServices(**answers), ALICE, REQUEST_ID, FakePatience(1))


@pytest.mark.parametrize("message", [DECIDE, CANCEL])
def test_act_on_request_when_it_works_asks_once(message: Decide | CancelRequest) -> None:
    services = FakeServices(**{message.method: [DECIDED]})
    patience = FakePatience(3)
    answer: ApprovalView = usecases.act_on_request(services, ALICE, message, patience)
    assert answer == DECIDED
    assert services.asked == [(ALICE, message)]
    assert patience.waited == 0


def test_act_on_request_when_it_was_created_a_moment_ago_tries_again_with_the_same_message() -> None:
    services = FakeServices(decide=[NOT_FOUND, NOT_FOUND, DECIDED], get_request=[VIEW])
    patience = FakePatience(5)
    assert usecases.act_on_request(services, ALICE, DECIDE, patience) == DECIDED
    assert services.methods == ["decide", "get_request", "decide", "get_request", "decide"]
    assert [message for _, message in services.asked if message.method == "decide"] == [DECIDE] * 3
    assert patience.waited == 2


def test_act_on_request_when_it_never_opens_gives_up() -> None:
    services = FakeServices(decide=[NOT_FOUND], get_request=[VIEW])
    with pytest.raises(Unavailable) as failed:
        usecases.act_on_request(services, ALICE, DECIDE, FakePatience(3))
    assert failed.value.code == "request_not_open_yet"
    assert services.methods.count("decide") == 3


def test_act_on_request_when_there_is_no_such_request_says_so_at_once() -> None:
    services = FakeServices(decide=[NOT_FOUND], get_request=[NOT_FOUND])
    patience = FakePatience(3)
    with pytest.raises(NotFound) as failed:
        usecases.act_on_request(services, ALICE, DECIDE, patience)
    assert failed.value.code == "request_not_found"
    assert services.methods == ["decide", "get_request"]
    assert patience.waited == 0


@pytest.mark.parametrize(
    "error",
    [Forbidden("own_request", "no"), Conflict("request_denied", "late"), Unavailable("service_timeout", "late")],
)
def test_act_on_request_when_it_is_refused_surfaces_that_at_once(error: LockboxError) -> None:
    services = FakeServices(decide=[error])
    with pytest.raises(type(error)) as failed:
        usecases.act_on_request(services, ENGINEER, DECIDE, FakePatience(3))
    assert failed.value is error
    assert services.methods == ["decide"]
