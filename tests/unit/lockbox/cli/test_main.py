"""The `lockbox` command as a whole: signing in and out, help, errors, and JSON for scripts."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.builders import REQUEST_ID, granted
from tests.unit.lockbox.cli.commands import run, sent, works
from tests.unit.lockbox.cli.documents import as_asked, details, extended, listed, outcome, policy_of, reading
from tests.unit.lockbox.fake_portal import URL, FakePortal

from lockbox.cli import main
from lockbox.cli.session import CommandError, StoredSession, load_session, session_file
from lockbox.contracts import wire

PROFILE = {"email": "erin@vendor.example", "organisation": "vendor", "roles": ["engineer"]}
GRANT = granted().granted()
ONE, ITS_GRANT, TENANT = f"/api/v1/requests/{REQUEST_ID}", f"/api/v1/grants/{GRANT.id}", "/api/v1/tenants/contoso"
ASK = (
    *("request", "--tenant", "contoso", "--service-request", "SR-1", "--reason", "CUSTOMER_INITIATED_SUPPORT"),
    *("--justification", "She asked.", "--resource", "mailbox/alice", "--action", "read"),
)
ASKED, SHOWN, OUTCOME, ENDED = as_asked(extended()), details(extended()), outcome(extended()), wire.encode(GRANT)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "session.json"))
    for name in ("LOCKBOX_URL", "LOCKBOX_EMAIL", "LOCKBOX_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


# --- signing in and out --------------------------------------------------------------------------------------------


def test_login_when_the_password_comes_from_standard_input_keeps_the_token(portal: FakePortal) -> None:
    portal.says("POST /api/v1/session", {"token": "lbs_new"})
    portal.says("GET /api/v1/session", PROFILE)
    said = works("login", "--url", URL + "/", "--email", "erin@vendor.example", "--password-stdin", text="hunter2\n")
    assert said == f"Signed in at {URL} as erin@vendor.example (vendor: engineer).\n"
    assert sent(portal, "POST /api/v1/session") == {"email": "erin@vendor.example", "password": "hunter2"}
    assert portal.asked("GET /api/v1/session")[0].headers["Authorization"] == "Bearer lbs_new"
    assert load_session() == StoredSession(URL, "lbs_new")


def test_login_when_everything_is_in_the_environment_asks_for_nothing(
    portal: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"URL": URL, "EMAIL": "erin@vendor.example", "PASSWORD": "hunter2"}.items():
        monkeypatch.setenv(f"LOCKBOX_{name}", value)
    portal.says("POST /api/v1/session", {"token": "lbs_new"})
    portal.says("GET /api/v1/session", PROFILE)
    shown = json.loads(works("login", "--json"))
    assert shown == {**PROFILE, "url": URL, "session_file": str(session_file())}
    assert sent(portal, "POST /api/v1/session")["password"] == "hunter2"


def test_login_when_it_asks_for_the_password_does_not_show_it(portal: FakePortal) -> None:
    portal.says("POST /api/v1/session", {"token": "lbs_new"})
    portal.says("GET /api/v1/session", PROFILE)
    done = run("login", "--url", URL, "--email", "erin@vendor.example", text="hunter2\n")
    assert done.exit_code == 0
    assert "hunter2" not in done.output
    assert "lbs_new" not in done.output


def test_login_when_refused_keeps_no_token(portal: FakePortal) -> None:
    refusal = {"detail": "the address or the password is wrong", "code": "sign_in_failed"}
    portal.says("POST /api/v1/session", refusal, status=401)
    result = run("login", "--url", URL, "--email", "erin@vendor.example", "--password-stdin", text="wrong\n")
    assert isinstance(result.exception, CommandError)
    assert str(result.exception) == "the address or the password is wrong [sign_in_failed]"
    assert not session_file().exists()


@pytest.mark.usefixtures("signed_in")
def test_logout_when_signed_in_ends_the_session_and_removes_the_token(portal: FakePortal) -> None:
    portal.on("DELETE /api/v1/session", httpx.Response(204))
    assert works("logout") == "Signed out.\n"
    assert not session_file().exists()


@pytest.mark.usefixtures("signed_in")
def test_logout_when_the_session_has_ended_already_removes_the_token(portal: FakePortal) -> None:
    portal.says("DELETE /api/v1/session", {"detail": "the session has ended", "code": "session_expired"}, status=401)
    run("logout")
    assert not session_file().exists()


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["grants"],
        ["show", REQUEST_ID],
        ["approve", REQUEST_ID],
        ["queue"],
        ["policy", "get", "contoso"],
        ["policy", "schema"],
        ["break-glass", "list", "contoso"],
        ["audit", "x"],
        ["token", REQUEST_ID],
        ["fetch", REQUEST_ID, f"{URL}/a"],
        ["ops", "keys", "list"],
        ["logout"],
    ],
)
def test_command_when_nobody_is_signed_in_says_how_to(portal: FakePortal, command: list[str]) -> None:
    result = run(*command)
    assert str(result.exception) == "you are not signed in; run `lockbox login`"
    assert portal.requests == []


def test_main_when_it_fails_says_so_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["lockbox", "list"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", "lockbox: you are not signed in; run `lockbox login`\n")


# --- the same for all ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("command", "route", "document"),
    [
        (["list"], "GET /api/v1/requests", listed(ASKED, next_cursor="x")),
        (["show", REQUEST_ID], f"GET {ONE}", SHOWN),
        (ASK, "POST /api/v1/requests", ASKED),
        (["queue"], "GET /api/v1/queue", listed(reading(extended()))),
        (["approve", REQUEST_ID], f"POST {ONE}/decisions", OUTCOME),
        (["deny", REQUEST_ID], f"POST {ONE}/decisions", OUTCOME),
        (["ask", REQUEST_ID, "Why?"], f"POST {ONE}/info-requests", OUTCOME),
        (["answer", REQUEST_ID, "So."], f"POST {ONE}/info-answers", ASKED),
        (["cancel", REQUEST_ID], f"POST {ONE}/cancel", OUTCOME),
        (["break-glass", "use", REQUEST_ID, "-m", "x"], f"POST {ONE}/break-glass", OUTCOME),
        (["break-glass", "acknowledge", REQUEST_ID], f"POST {ONE}/break-glass/acknowledge", OUTCOME),
        (["break-glass", "list", "contoso"], f"GET {TENANT}/break-glass", listed()),
        (["grants"], "GET /api/v1/grants", listed(ENDED)),
        (["token", GRANT.id], f"GET {ITS_GRANT}/token", {"grant_id": GRANT.id, "token": "a.b.c"}),
        (
            ["extend", GRANT.id, "--duration", "PT1H", "--justification", "x"],
            f"POST {ITS_GRANT}/extensions",
            OUTCOME,
        ),
        (["revoke", GRANT.id], f"POST {ITS_GRANT}/revoke", ENDED),
        (["complete", GRANT.id], f"POST {ITS_GRANT}/complete", ENDED),
        (["policy", "agree", "contoso", "0123"], f"POST {TENANT}/policy/proposal", policy_of()),
        (["policy", "reject", "contoso", "0123"], f"POST {TENANT}/policy/proposal", policy_of()),
        (["audit", "contoso"], f"GET {TENANT}/audit", listed()),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list | tuple) else "",
)
def test_command_when_json_is_wanted_prints_the_portals_document(
    portal: FakePortal, command: list[str], route: str, document: dict[str, Any]
) -> None:
    portal.says(f"GET {ONE}", SHOWN)
    portal.says(route, document)
    assert json.loads(works(*command, "--json")) == document


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ("Requests", "Decisions", "Access", "queue", "break-glass", "extend", "policy")),
        (["approve"], ("--digest", "--duration", "--resource", "--action", "--starts-at", "--json")),
        (["policy"], ("get", "put", "diff", "test", "agree", "reject", "schema")),
        (["policy", "diff"], ("--exit-code", "Exit code: 0")),
        (["policy", "test"], ("--expect", "Exit code: 0")),
        (["break-glass"], ("use", "acknowledge", "list")),
        (["fetch"], ("--method", "--data", "--header", "--output", "Exit code: 0")),
        (["ops", "keys"], ("list", "rotate", "revoke")),
    ],
)
def test_help_when_asked_for_names_what_there_is(command: list[str], words: tuple[str, ...]) -> None:
    said = works(*command, "--help")
    assert [word for word in words if word not in said] == []


# --- the trail -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("signed_in")
def test_audit_when_all_is_wanted_follows_the_cursor(portal: FakePortal) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        first = "cursor" not in request.url.params
        record = {
            "time": "2026-01-31T09:30:00.000000Z",
            "type": f"event_{first}",
            "actor": "a",
            "subject": "s",
            "digest": "d",
        }
        return httpx.Response(200, json={"items": [record], "next_cursor": "c-1" if first else None})

    portal.on("GET /api/v1/tenants/contoso/audit", answer)
    shown = json.loads(
        works("audit", "contoso", "--all", "--json", "--type", "access_granted", "--from", "2026-01-31T00:00:00Z")
    )
    assert [record["type"] for record in shown["items"]] == ["event_True", "event_False"]
    assert shown["next_cursor"] is None
    for request in portal.requests:
        assert request.url.params["type"] == "access_granted"
        assert request.url.params["from"] == "2026-01-31T00:00:00Z"
    assert portal.requests[1].url.params["cursor"] == "c-1"


@pytest.mark.usefixtures("signed_in")
def test_audit_when_one_part_is_wanted_asks_once(portal: FakePortal) -> None:
    portal.says("GET /api/v1/tenants/vendor/audit", {"items": [], "next_cursor": "c-1"})
    works("audit", "vendor", "--newest-first")
    assert len(portal.requests) == 1
    assert portal.requests[0].url.params["newest_first"] == "true"
