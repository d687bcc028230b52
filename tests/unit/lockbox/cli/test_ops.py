"""`lockbox ops`: what it asks the portal for, what it prints, and when it fails."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from tests.unit.lockbox.fake_portal import URL, FakePortal
from typer.testing import CliRunner

from lockbox.cli.main import app
from lockbox.cli.session import CommandError, StoredSession, save_session

QUEUE = "audit_service.on_event.v1"
ONE = "3c0f5c1e-7d6b-4a39-9a55-5d1f2f6f0b0e"
API = "/api/v1/ops"
MESSAGE = {
    "queue": QUEUE,
    "parked_id": ONE,
    "parked_at": "2026-01-31T09:30:00.123456Z",
    "reason": "Invalid: not_json",
    "attempt": 1,
    "origin": "approval_service.events",
    "event_id": None,
    "event_type": None,
    "size": 12,
    "sha256": "9f86",
}
SILENT = [{"service": "notify_service", "code": "service_timeout", "detail": "notify_service did not answer in time"}]
OUTBOX = {"service": "portal_service", "waiting": 2, "oldest_seconds": 7, "published": 40}
ITEM = {
    "service": "audit_service",
    "kind": "queue",
    "name": QUEUE,
    "fault": None,
    "messages": 0,
    "consumers": 1,
}


@pytest.fixture(autouse=True)
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "session.json"))
    save_session(StoredSession(URL, "lbs_secret"))


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["ops", *arguments], input=text)


def works(*arguments: str, text: str | None = None) -> str:
    result = run(*arguments, text=text)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def fails(*arguments: str, text: str | None = None) -> str:
    result = run(*arguments, text=text)
    assert isinstance(result.exception, CommandError), result.output
    return str(result.exception)


def parts(*sizes: int, total: int) -> Any:
    """Answers to one request after the other, so many items each."""
    left = [total]
    answers = []
    for size in sizes:
        left[0] -= size
        answers.append(httpx.Response(200, json={"items": [MESSAGE] * size, "left": left[0]}))
    replies = iter(answers)
    return lambda _request: next(replies)


def test_list_when_something_is_parked_shows_counts_and_messages(portal: FakePortal) -> None:
    found = {"queues": [{"queue": QUEUE, "parked": 1}], "items": [MESSAGE], "silent": []}
    portal.says(f"GET {API}/parked", found)
    said = works("parked", "list", "--queue", QUEUE, "--limit", "5")
    for word in ("PARKED ID", ONE, QUEUE, "2026-01-31 09:30:00 UTC", "Invalid: not_json"):
        assert word in said
    assert dict(portal.asked(f"GET {API}/parked")[0].url.params) == {"queue": QUEUE, "limit": "5"}
    assert json.loads(works("parked", "list", "--json")) == found


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize(
    ("command", "path", "found"),
    [
        (("parked", "list"), "/parked", {"queues": [], "items": [MESSAGE]}),
        (("outbox",), "/outbox", {"items": [OUTBOX]}),
        (("topology", "check"), "/topology", {"items": [ITEM]}),
    ],
)
def test_overview_when_a_service_is_silent_shows_the_others_and_fails(
    portal: FakePortal, command: tuple[str, ...], path: str, found: dict[str, Any], options: tuple[str, ...]
) -> None:
    portal.says(f"GET {API}{path}", found | {"silent": SILENT})
    result = run(*command, *options)
    assert str(result.exception).startswith("notify_service did not answer")
    assert "[service_timeout]" in str(result.exception)
    assert (ONE if "parked" in command else "_service") in result.output


def test_show_when_the_body_is_cut_says_so(portal: FakePortal) -> None:
    portal.says(f"GET {API}/parked/{QUEUE}/{ONE}", MESSAGE | {"body": "not JSON", "truncated": True})
    said = works("parked", "show", QUEUE, ONE)
    assert "not JSON" in said
    assert said.endswith("The body goes on.\n")


@pytest.mark.parametrize(
    ("command", "route", "did"),
    [
        ("replay", f"POST {API}/parked/{QUEUE}/{ONE}/replay", "Replayed"),
        ("drop", f"DELETE {API}/parked/{QUEUE}/{ONE}", "Dropped"),
    ],
)
def test_one_when_settled_says_what_was_done(portal: FakePortal, command: str, route: str, did: str) -> None:
    portal.says(route, {"items": [MESSAGE], "left": 3})
    assert works("parked", command, QUEUE, ONE) == (
        f"{did} {ONE} (unreadable, 12 bytes).\n{did} 1 of {QUEUE}; it is on record.\n"
    )
    assert json.loads(works("parked", command, QUEUE, ONE, "--json")) == {"items": [MESSAGE]}


@pytest.mark.parametrize(
    ("command", "route", "options"),
    [
        ("replay", f"POST {API}/parked/{QUEUE}/replay", ()),
        ("drop", f"DELETE {API}/parked/{QUEUE}", ("--yes",)),
    ],
)
def test_all_when_settled_goes_on_until_those_are_done_that_were_parked_when_it_began(
    portal: FakePortal, command: str, route: str, options: tuple[str, ...]
) -> None:
    portal.on(route, parts(2, 2, 1, total=5))
    assert f"5 of {QUEUE}" in works("parked", command, QUEUE, "--all", *options)
    assert len(portal.asked(route)) == 3


def test_all_when_nothing_more_is_taken_ends(portal: FakePortal) -> None:
    portal.on(f"POST {API}/parked/{QUEUE}/replay", parts(2, 0, total=5))
    assert f"Replayed 2 of {QUEUE}" in works("parked", "replay", QUEUE, "--all")


@pytest.mark.parametrize("text", ["n\n", ""])
def test_drop_when_not_confirmed_drops_nothing(portal: FakePortal, text: str) -> None:
    result = run("parked", "drop", QUEUE, "--all", text=text)
    assert result.exit_code == 1
    assert portal.requests == []


@pytest.mark.parametrize("command", ["replay", "drop"])
@pytest.mark.parametrize("options", [(), (ONE, "--all")])
def test_settling_when_it_is_not_said_what_asks_for_it(
    portal: FakePortal, command: str, options: tuple[str, ...]
) -> None:
    assert fails("parked", command, QUEUE, *options) == "give either a parked ID or --all"
    assert portal.requests == []


def test_outbox_when_all_answer_is_a_table(portal: FakePortal) -> None:
    portal.says(f"GET {API}/outbox", {"items": [OUTBOX], "silent": []})
    assert works("outbox").splitlines()[1].split() == ["portal_service", "2", "7", "40"]


def test_check_when_all_is_well_says_so(portal: FakePortal) -> None:
    portal.says(f"GET {API}/topology", {"items": [ITEM], "silent": []})
    assert works("topology", "check").endswith("All 1 are as they should be.\n")


def test_check_when_something_is_wrong_names_it_and_fails(portal: FakePortal) -> None:
    portal.says(f"GET {API}/topology", {"items": [ITEM, ITEM | {"fault": "missing"}], "silent": []})
    assert fails("topology", "check") == f"{QUEUE}: missing"
