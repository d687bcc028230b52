import json
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.unit.builders import NOW, REQUEST_ID, signing_key, terms
from tests.unit.lockbox.fake_portal import URL, FakePortal
from tests.waiting import eventually

from approval_service.domain.grant import Grant
from lockbox import clock
from lockbox.contracts import wire
from lockbox.contracts.access import RecordAccess
from lockbox.crypto.tokens import GRANT_TOKEN, sign
from lockbox.guard import Decision, Guard
from lockbox.guard import feed as feed_module

KEYS, REVOCATIONS, RECORD = "GET /.well-known/jwks.json", "GET /api/v1/revocations", "POST /api/v1/access-events"
GRANT = Grant.of(REQUEST_ID, "erin@vendor.example", terms(), "approval", NOW)
TOKEN = sign(GRANT_TOKEN, GRANT.claims(), signing_key())
MakeGuard = Callable[..., Guard]
CONTENT = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read"}


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("lbk_secret\n")
    path.chmod(stat.S_IRUSR)
    return path


@pytest.fixture
def make_guard(portal: FakePortal, token_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeGuard]:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=5))
    portal.says(KEYS, {"keys": [signing_key().jwk]})
    portal.says(REVOCATIONS, {"grant_ids": []})
    portal.says(RECORD, {"access_id": REQUEST_ID}, status=201)
    started: list[Guard] = []

    def make(**options: float) -> Guard:
        guard = Guard(URL, token_file, **options)
        guard.start()
        started.append(guard)
        return guard

    yield make
    for guard in started:
        guard.stop()


@pytest.fixture
def open_guard(make_guard: MakeGuard) -> Guard:
    guard = make_guard()
    eventually(lambda: guard.check(TOKEN, **CONTENT).allowed)
    return guard


def recorded(portal: FakePortal) -> dict[str, Any]:
    [request] = portal.asked(RECORD)
    document: dict[str, Any] = json.loads(request.content)
    return document


def test_check_when_granted_allows_without_a_record(open_guard: Guard, portal: FakePortal) -> None:
    decision = open_guard.check(TOKEN, **CONTENT)
    assert (decision.allowed, decision.reason, decision.engineer) == (True, "granted", "erin@vendor.example")
    assert portal.asked(RECORD) == []


def test_check_when_nothing_is_known_yet_is_stale(portal: FakePortal, token_file: Path) -> None:
    decision = Guard(URL, token_file).check(TOKEN, **CONTENT)
    assert (decision.allowed, decision.reason) == (False, "revocations_stale")
    assert portal.requests == []


def test_check_when_there_is_no_token_says_so_even_while_stale(portal: FakePortal, token_file: Path) -> None:
    guard = Guard(URL, token_file)
    assert guard.check(None, **CONTENT).reason == "no_grant"
    assert guard.check("", **CONTENT).reason == "no_grant"
    assert portal.requests == []


def test_check_when_the_portal_is_unheard_for_too_long_denies(make_guard: MakeGuard, portal: FakePortal) -> None:
    guard = make_guard(stale_after=0.0)
    eventually(lambda: len(portal.asked(REVOCATIONS)) > 2)
    assert guard.check(TOKEN, **CONTENT).reason == "revocations_stale"


@pytest.mark.parametrize("route", [KEYS, REVOCATIONS], ids=["keys", "revocations"])
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"keys": "all", "grant_ids": "none"}),
        httpx.Response(200, text="ok"),
        httpx.Response(500),
    ],
    ids=["wrong", "text", "500"],
)
def test_check_when_the_portal_talks_nonsense_denies(
    make_guard: MakeGuard, portal: FakePortal, route: str, answer: httpx.Response
) -> None:
    portal.on(route, answer)
    guard = make_guard()
    eventually(lambda: len(portal.asked(route)) > 2)
    assert guard.check(TOKEN, **CONTENT).reason == "revocations_stale"


def test_check_when_revoked_denies_soon(open_guard: Guard, portal: FakePortal) -> None:
    portal.says(REVOCATIONS, {"grant_ids": [GRANT.id]})
    assert eventually(lambda: open_guard.check(TOKEN, **CONTENT).reason == "grant_revoked")


def test_enforce_when_allowed_returns_after_the_record(open_guard: Guard, portal: FakePortal) -> None:
    decision = open_guard.enforce(TOKEN, **CONTENT)
    assert decision.allowed
    document = recorded(portal)
    assert UUID(document.pop("access_id")).version == 4
    assert document == {
        "allowed": True,
        "reason": "granted",
        **CONTENT,
        "grant_id": GRANT.id,
        "request_id": REQUEST_ID,
        "engineer": "erin@vendor.example",
        "at": "2026-01-31T09:35:00.123456Z",
    }


def test_enforce_when_denied_puts_that_on_record_too(open_guard: Guard, portal: FakePortal) -> None:
    assert open_guard.enforce(TOKEN, "fabrikam", "mailbox/alice", "read").reason == "other_tenant"
    document = recorded(portal)
    assert (document["allowed"], document["reason"], document["tenant"]) == (False, "other_tenant", "fabrikam")
    assert document["grant_id"] == GRANT.id


def test_enforce_when_there_is_no_grant_puts_that_on_record_too(open_guard: Guard, portal: FakePortal) -> None:
    assert open_guard.enforce(None, **CONTENT).reason == "no_grant"
    document = recorded(portal)
    assert (document["allowed"], document["grant_id"], document["engineer"]) == (False, None, None)


@pytest.mark.parametrize("token", [TOKEN, None, "nonsense"])
def test_enforce_when_it_records_speaks_the_contracts_language(
    open_guard: Guard, portal: FakePortal, token: str | None
) -> None:
    open_guard.enforce(token, **CONTENT)
    attempt = wire.decode(RecordAccess, recorded(portal))
    assert attempt.at == NOW + timedelta(minutes=5)


def test_enforce_when_the_resource_is_longer_than_a_record_holds_records_its_beginning(
    open_guard: Guard, portal: FakePortal
) -> None:
    open_guard.enforce(TOKEN, "contoso", "mailbox/" + "x" * 5000, "read")
    assert len(wire.decode(RecordAccess, recorded(portal)).resource) == 512


@pytest.mark.parametrize("action", ["READ", "read everything", "*", "", "x" * 500])
def test_enforce_when_the_action_is_none_that_could_be_granted_puts_that_on_record_too(
    open_guard: Guard, portal: FakePortal, action: str
) -> None:
    assert open_guard.enforce(TOKEN, "contoso", "mailbox/alice", action).reason == "other_action"
    attempt = wire.decode(RecordAccess, recorded(portal))
    assert action.startswith(attempt.action)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("no route"),
        httpx.ReadTimeout("too slow"),
        httpx.Response(503),
        httpx.Response(401),
        httpx.Response(422),
        httpx.Response(301, headers={"Location": "https://elsewhere.example/"}),
    ],
    ids=["away", "slow", "503", "401", "422", "moved"],
)
def test_enforce_when_it_cannot_be_recorded_denies(
    open_guard: Guard, portal: FakePortal, answer: httpx.Response | httpx.HTTPError
) -> None:
    portal.on(RECORD, answer)
    decision = open_guard.enforce(TOKEN, **CONTENT)
    assert (decision.allowed, decision.reason) == (False, "not_recorded")
    assert decision.grant_id == GRANT.id


def test_enforce_when_denied_and_not_recorded_keeps_its_reason(open_guard: Guard, portal: FakePortal) -> None:
    portal.on(RECORD, httpx.Response(503))
    decision: Decision = open_guard.enforce(TOKEN, "fabrikam", "mailbox/alice", "read")
    assert (decision.allowed, decision.reason) == (False, "other_tenant")


@pytest.mark.parametrize("part", ["tenant", "resource", "action"])
def test_enforce_when_an_address_is_not_even_text_denies_and_does_not_break(open_guard: Guard, part: str) -> None:
    decision = open_guard.enforce(TOKEN, **{**CONTENT, part: "a\udcffb"})
    assert not decision.allowed


def test_guard_when_it_asks_shows_its_own_token(open_guard: Guard, portal: FakePortal) -> None:
    open_guard.enforce(TOKEN, **CONTENT)
    for route in (REVOCATIONS, RECORD):
        assert portal.asked(route)[0].headers["Authorization"] == "Bearer lbk_secret"


def test_guard_when_its_token_file_is_missing_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Guard(URL, tmp_path / "missing")


def test_guard_when_stopped_before_it_was_started_ends_quietly(token_file: Path) -> None:
    Guard(URL, token_file).stop()
