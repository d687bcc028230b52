import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.unit.builders import REQUEST_ID
from tests.unit.lockbox.guard.children import child
from tests.unit.lockbox.guard.grants import CONTENT
from tests.unit.lockbox.guard.scene import ENGINEER, GRANT_ID, ISSUER, Scene, grant, shown_with
from tests.unit.lockbox.guard.stand_in import (
    KEYS,
    RECORD,
    RECORD_SOME,
    STREAM,
    Behaviour,
    Handler,
    StandIn,
    answers,
    hang,
    portal_of,
    stream,
)
from tests.unit.lockbox.guard.stand_in import record as usual
from tests.waiting import eventually

from lockbox.contracts import wire
from lockbox.contracts.access import RecordAccess
from lockbox.errors import Invalid
from lockbox.guard import Decision, Guard, Options

PATIENCE = 30.0


@pytest.fixture
def portal() -> Iterator[StandIn]:
    with portal_of(ISSUER.jwk) as portal:
        yield portal


@pytest.fixture
def silent(portal: StandIn, tmp_path: Path) -> Guard:
    """A guard that was never started."""
    return Scene(portal, tmp_path).guard


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("lbk_secret\n")
    return path


def check(guard: Guard, **attempt: Any) -> Decision:
    token = grant()
    return guard.check(token, **{**CONTENT, **attempt}, shown=shown_with(token))


def enforce(guard: Guard, **attempt: Any) -> Decision:
    token = grant()
    return guard.enforce(token, **{**CONTENT, **attempt}, shown=shown_with(token))


# --- what it knows -------------------------------------------------------------------------------------------------


def test_check_when_granted_allows_without_a_record(scene: Scene) -> None:
    decision = check(scene.guard)
    assert (decision.allowed, decision.reason, decision.engineer) == (True, "granted", ENGINEER)
    assert scene.portal.asked(RECORD) == []


def test_check_when_nothing_is_known_yet_denies_and_asks_nobody(silent: Guard, portal: StandIn) -> None:
    assert (check(silent).allowed, check(silent).reason) == (False, "revocations_stale")
    assert not silent.ready
    assert portal.requests == []


def test_check_when_there_is_no_token_says_so_even_while_stale(silent: Guard) -> None:
    assert silent.check(None, **CONTENT).reason == "no_grant"
    assert silent.check("", **CONTENT).reason == "no_grant"


@pytest.mark.parametrize("route", [STREAM, KEYS], ids=["revocations", "keys"])
@pytest.mark.parametrize(
    "behaviour",
    [answers(data=b"<h1>Welcome to the hotel's WiFi</h1>"), answers(503), answers(data=b"{}"), hang],
    ids=["nonsense", "503", "empty", "slow"],
)
def test_check_when_keys_or_revocations_never_came_denies(
    silent: Guard, portal: StandIn, route: str, behaviour: Behaviour
) -> None:
    portal.behaviours[route] = behaviour
    silent.start()
    eventually(lambda: portal.asked(route))
    assert check(silent).reason == "revocations_stale"
    assert not silent.ready
    portal.released.set()
    silent.stop()


def test_check_when_revoked_denies_soon(scene: Scene) -> None:
    assert check(scene.guard).allowed
    scene.revoke()
    assert check(scene.guard).reason == "grant_revoked"
    assert scene.guard.ready


def test_check_when_the_portal_can_not_revoke_denies_at_once_until_it_can(scene: Scene) -> None:
    assert check(scene.guard).allowed
    scene.portal.able = False
    eventually(lambda: check(scene.guard).reason == "revocations_stale", within=scene.guard._options.stale_after)
    assert not scene.guard.ready
    scene.portal.able = True
    eventually(lambda: check(scene.guard).allowed)


def test_check_when_the_signing_key_is_revoked_denies_soon(scene: Scene) -> None:
    assert check(scene.guard).allowed
    scene.portal.revoked_keys.append(ISSUER.kid)
    eventually(lambda: check(scene.guard).reason == "token_key_revoked")


@pytest.mark.parametrize("how", ["down", "half open"])
def test_check_when_the_portal_is_unheard_for_too_long_denies_until_it_is_back(
    portal: StandIn, tmp_path: Path, how: str
) -> None:
    scene = Scene(portal, tmp_path).open()
    guard = scene.guard
    portal.behaviours[STREAM] = hang
    portal.cut() if how == "half open" else portal.down()
    assert check(guard).allowed, "what was heard a moment ago counts"
    scene.clock.advance(Options().stale_after)
    assert check(guard).reason == "revocations_stale"
    assert not guard.ready
    del portal.behaviours[STREAM]
    portal.cut() if how == "half open" else portal.up()
    eventually(lambda: check(guard).allowed)
    guard.stop()


@pytest.mark.parametrize("minutes", [-10, 10])
def test_check_when_the_clock_is_ten_minutes_off_denies_until_it_is_right(scene: Scene, minutes: int) -> None:
    scene.portal.clock_is_off_by = timedelta(minutes=minutes)
    eventually(lambda: check(scene.guard).reason == "clock_off")
    assert not scene.guard.ready
    scene.portal.clock_is_off_by = timedelta()
    scene.portal.cut()
    eventually(lambda: check(scene.guard).allowed)


@pytest.mark.parametrize("seconds", [-50, 50])
def test_check_when_clocks_differ_a_little_allows(portal: StandIn, tmp_path: Path, seconds: int) -> None:
    portal.clock_is_off_by = timedelta(seconds=seconds)
    guard = Scene(portal, tmp_path).open().guard
    assert check(guard).allowed
    guard.stop()


# --- strict: on record before the answer ---------------------------------------------------------------------------


def test_enforce_when_allowed_returns_after_the_record(scene: Scene) -> None:
    assert enforce(scene.guard).allowed
    [document] = scene.portal.records
    assert UUID(document["access_id"]).version == 4
    wire.decode(RecordAccess, document)
    assert {name: document[name] for name in document.keys() - {"access_id", "at"}} == {
        "allowed": True,
        "reason": "granted",
        **CONTENT,
        "grant_id": GRANT_ID,
        "request_id": REQUEST_ID,
        "engineer": ENGINEER,
    }


def test_enforce_when_denied_puts_that_on_record_too(scene: Scene) -> None:
    assert enforce(scene.guard, tenant="fabrikam").reason == "other_tenant"
    [document] = scene.portal.records
    assert (document["allowed"], document["reason"], document["tenant"]) == (False, "other_tenant", "fabrikam")
    assert document["grant_id"] == GRANT_ID


@pytest.mark.parametrize(("token", "reason"), [(None, "no_grant"), ("nonsense", "token_malformed")])
def test_enforce_when_there_is_no_genuine_grant_puts_that_on_record_too(
    scene: Scene, token: str | None, reason: str
) -> None:
    assert scene.guard.enforce(token, **CONTENT).reason == reason
    [document] = scene.portal.records
    assert (document["allowed"], document["reason"]) == (False, reason)
    assert (document["grant_id"], document["engineer"]) == (None, None)
    wire.decode(RecordAccess, document)


@pytest.mark.parametrize("action", ["READ", "read everything", "*", "", "x" * 500])
def test_enforce_when_the_action_is_none_that_could_be_granted_puts_that_on_record_too(
    scene: Scene, action: str
) -> None:
    assert enforce(scene.guard, action=action).reason == "other_action"
    assert wire.decode(RecordAccess, scene.portal.records[0]).action == action[:64]


def test_enforce_when_the_resource_is_longer_than_a_record_holds_records_its_beginning(scene: Scene) -> None:
    enforce(scene.guard, resource="mailbox/" + "x" * 5000)
    assert len(wire.decode(RecordAccess, scene.portal.records[0]).resource) == 512


@pytest.mark.parametrize("part", ["tenant", "resource", "action"])
def test_enforce_when_an_address_is_not_even_text_denies_and_does_not_break(scene: Scene, part: str) -> None:
    assert not enforce(scene.guard, **{part: "a\udcffb"}).allowed
    assert len(scene.portal.records) == (0 if part == "tenant" else 1)


NOT_TAKEN: dict[str, Behaviour] = {
    "503": answers(503),
    "401": answers(401),
    "422": answers(422),
    "moved": answers(302, Location="https://elsewhere.example/"),
    "nonsense": answers(200, b"ok"),
}


@pytest.mark.parametrize("behaviour", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_enforce_when_it_cannot_be_recorded_denies(scene: Scene, behaviour: Behaviour) -> None:
    scene.portal.behaviours[RECORD] = behaviour
    decision = enforce(scene.guard)
    assert (decision.allowed, decision.reason, decision.grant_id) == (False, "not_recorded", GRANT_ID)


def test_enforce_when_the_portal_is_down_denies_though_the_grant_still_counts(scene: Scene) -> None:
    scene.portal.down()
    assert enforce(scene.guard).reason == "not_recorded"
    assert check(scene.guard).allowed


def test_enforce_when_denied_and_not_recorded_keeps_its_reason(scene: Scene) -> None:
    scene.portal.behaviours[RECORD] = answers(503)
    assert enforce(scene.guard, tenant="fabrikam").reason == "other_tenant"


# --- buffered: on record soon after --------------------------------------------------------------------------------


@pytest.fixture
def buffered(portal: StandIn, tmp_path: Path) -> Iterator[Guard]:
    guard = Scene(portal, tmp_path, Options(spool=tmp_path / "spool", spool_bytes=20_000)).open().guard
    yield guard
    portal.behaviours.clear()
    guard.stop()


def test_enforce_when_buffered_does_not_wait_for_the_portal_and_loses_nothing(buffered: Guard, portal: StandIn) -> None:
    portal.behaviours[RECORD_SOME] = answers(503)
    assert [enforce(buffered).reason for _ in range(10)] == ["granted"] * 10
    assert enforce(buffered, tenant="fabrikam").reason == "other_tenant"
    assert portal.records == []
    del portal.behaviours[RECORD_SOME]
    eventually(lambda: len(portal.records) == 11)
    assert portal.asked(RECORD) == []


def test_enforce_when_the_spool_is_full_denies_until_the_portal_took_some(buffered: Guard, portal: StandIn) -> None:
    portal.behaviours[RECORD_SOME] = answers(503)
    reasons = [enforce(buffered).reason for _ in range(100)]
    taken = reasons.count("granted")
    assert 10 < taken < 100
    assert reasons == ["granted"] * taken + ["not_recorded"] * (100 - taken)
    del portal.behaviours[RECORD_SOME]
    eventually(lambda: enforce(buffered).allowed)


def test_enforce_when_the_disk_is_full_denies(portal: StandIn, token_file: Path, tmp_path: Path) -> None:
    portal.behaviours[RECORD_SOME] = answers(503)
    with child("ask_until_the_disk_is_full", portal.url, token_file, tmp_path / "spool", 5_000) as process:
        *before, last = process.communicate()[0].split()
    assert (set(before), last) == ({"granted"}, "not_recorded")
    assert len(before) > 5


# --- its API token, its beginning and end --------------------------------------------------------------------------


def test_guard_when_it_asks_shows_its_own_token(scene: Scene) -> None:
    enforce(scene.guard)
    for route in (STREAM, RECORD):
        assert scene.portal.asked(route)[0]["Authorization"] == "Bearer lbk_secret"


def test_guard_when_its_token_file_is_missing_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Guard("https://lockbox.example", tmp_path / "missing")


@pytest.mark.parametrize("text", ["", " \n", "two words", "lbk_\u00e9"])
def test_guard_when_its_token_file_holds_no_token_does_not_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    with pytest.raises(ValueError, match="holds no API token"):
        Guard("http://127.0.0.1:1", tmp_path / "token")


@pytest.mark.parametrize(
    "url",
    [
        "http://lockbox.example",
        "http://10.0.0.1:8480",
        "http://127.0.0.1@lockbox.example",
        "http://127.0.0.1.lockbox.example",
        "http://localhost.example",
        "http://0.0.0.0:8480",
        "HTTP://lockbox.example",
        "ftp://127.0.0.1",
        "lockbox.example",
        "https://",
        "",
    ],
)
def test_guard_when_its_token_would_travel_in_the_clear_does_not_start(tmp_path: Path, url: str) -> None:
    (tmp_path / "token").write_text("lbk_secret")
    with pytest.raises(Invalid) as refused:
        Guard(url, tmp_path / "token")
    assert refused.value.code == "invalid_portal"
    assert refused.value.message.startswith("portal: expected an https address, or http to 127.0.0.1")
    assert repr(url) in refused.value.message
    assert "lbk_secret" not in refused.value.message


@pytest.mark.parametrize(
    "url",
    ["https://lockbox.example", "http://127.0.0.1:8480", "http://127.9.9.9", "http://[::1]:1", "http://localhost"],
)
def test_guard_when_its_portal_is_https_or_on_this_machine_starts(tmp_path: Path, url: str) -> None:
    (tmp_path / "token").write_text("lbk_secret")
    assert not Guard(url, tmp_path / "token").ready


def test_guard_when_http_is_allowed_for_a_closed_network_starts(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("lbk_secret")
    assert not Guard("http://portal_service:8480", tmp_path / "token", Options(allow_http=True)).ready
    with pytest.raises(Invalid, match="expected an https address"):
        Guard("ftp://portal_service", tmp_path / "token", Options(allow_http=True))


def test_guard_when_stopped_before_it_was_started_ends_quietly(silent: Guard, portal: StandIn) -> None:
    silent.stop()
    assert portal.requests == []


def test_start_when_called_twice_listens_once(scene: Scene) -> None:
    scene.guard.start()
    assert check(scene.guard).allowed
    assert len(scene.portal.asked(STREAM)) == 1


def test_guard_when_stopped_lets_nobody_in_until_it_is_started_again(scene: Scene) -> None:
    scene.guard.stop()
    assert check(scene.guard).reason == "revocations_stale"
    scene.open()
    assert enforce(scene.guard).allowed


# --- threads, forks and loops --------------------------------------------------------------------------------------


def test_guard_when_asked_by_many_threads_answers_and_records_each(scene: Scene) -> None:
    reasons: list[str] = []

    def ask() -> None:
        reasons.extend(enforce(scene.guard).reason for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reasons == ["granted"] * 80
    assert len(scene.portal.ids) == 80


def silent_after(count: int, until: threading.Event) -> Behaviour:
    """A portal that tells so many guards what there is, and others only from then on."""

    def behave(handler: Handler) -> None:
        if len(handler.portal.asked(STREAM)) > count:
            until.wait(PATIENCE)
        stream(handler)

    return behave


def test_guard_when_forked_while_it_is_asked_starts_anew_in_each_child(portal: StandIn, token_file: Path) -> None:
    asked = threading.Event()
    portal.behaviours[STREAM] = silent_after(1, asked)
    with child("fork", portal.url, token_file, 3) as process:
        assert process.stdout is not None
        lines = sorted(islice(process.stdout, 4))
        assert lines == [*["child revocations_stale\n"] * 3, "parent granted granted\n"]
        asked.set()
        assert process.communicate()[0].splitlines() == ["child granted"] * 3
        assert process.returncode == 0
    assert len(portal.records) == 4
    assert len(portal.asked(STREAM)) == 4


def test_guard_when_forked_before_it_is_started_belongs_to_the_child(portal: StandIn, token_file: Path) -> None:
    asked = threading.Event()
    portal.behaviours[STREAM] = silent_after(0, asked)
    with child("fork_before_start", portal.url, token_file) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "child revocations_stale\n"
        asked.set()
        assert process.communicate()[0] == "child granted\n"
    assert len(portal.asked(STREAM)) == 1


PATCHED = {
    "threads": "",
    "eventlet": "import eventlet; eventlet.monkey_patch(); assert eventlet.patcher.is_monkey_patched('thread')",
    "gevent": "from gevent import monkey; monkey.patch_all(); assert monkey.is_module_patched('threading')",
}


@pytest.mark.parametrize("first", PATCHED.values(), ids=PATCHED)
def test_guard_when_threads_are_of_another_kind_waits_without_holding_up_others(
    portal: StandIn, token_file: Path, first: str
) -> None:
    portal.behaviours[RECORD] = slowly
    with child("ask_beside_others", portal.url, token_file, first=first) as process:
        *reasons, turns = process.communicate()[0].split()
    assert reasons == ["granted"] * 10
    assert int(turns) > 10


def slowly(handler: Handler) -> None:
    handler.pause(0.5)
    usual(handler)


def test_guard_when_asked_in_an_event_loop_does_not_hold_it_up(scene: Scene) -> None:
    scene.portal.behaviours[RECORD] = slowly

    async def ask() -> tuple[list[str], int]:
        assert check(scene.guard).allowed
        asked = asyncio.gather(*(asyncio.to_thread(enforce, scene.guard) for _ in range(4)))
        turns = 0
        while not asked.done():
            await asyncio.sleep(0.01)
            turns += 1
        return [decision.reason for decision in await asked], turns

    reasons, turns = asyncio.run(ask())
    assert reasons == ["granted"] * 4
    assert turns > 10
