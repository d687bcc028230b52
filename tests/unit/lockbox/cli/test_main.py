import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from tests.unit.builders import REQUEST_ID
from tests.unit.lockbox.fake_portal import URL, FakePortal
from typer.testing import CliRunner

from lockbox.cli import main
from lockbox.cli.main import app
from lockbox.cli.session import CommandError, Session, load_session, save_session, session_file

PROFILE = {"email": "erin@vendor.example", "organisation": "vendor", "roles": ["engineer"]}
GRANT = {
    "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "state": "ACTIVE",
    "tenant": "contoso",
    "requester": "erin@vendor.example",
    "resources": ["mailbox/alice"],
    "actions": ["read"],
    "starts_at": "2026-01-31T09:30:00.000000Z",
    "ends_at": "2026-01-31T13:30:00.000000Z",
    "ended_at": None,
}
REQUEST = {
    "id": REQUEST_ID,
    "service_request": "SR-359423",
    "state": "PENDING_VENDOR",
    "tenant": "contoso",
    "requester": "erin@vendor.example",
    "reason_code": "CUSTOMER_INITIATED_SUPPORT",
    "severity": "NORMAL",
    "justification": "Alice cannot open her [mailbox].",
    "resources": ["mailbox/alice"],
    "actions": ["read"],
    "duration": "PT4H",
    "starts_at": None,
    "created_at": "2026-01-31T09:30:00.000000Z",
    "expires_at": "2026-01-31T21:30:00.000000Z",
    "decisions": [],
    "grant": None,
    "history": [
        {
            "time": "2026-01-31T09:30:00.000000Z",
            "type": "request_created",
            "actor": "erin@vendor.example",
            "data": {"comment": "as agreed"},
        }
    ],
}
OUTCOME = {"request_id": REQUEST_ID, "state": "APPROVED", "grant": GRANT}
POLICY = {
    "tenant": "contoso",
    "version": 3,
    "require_approval": True,
    "request_lifetime": "PT12H",
    "maximum_duration": "PT4H",
    "customer_quorum": 1,
    "changed_at": "2026-01-31T09:30:00.000000Z",
    "changed_by": "carol@contoso.example",
}
ASK = [
    "request", "--tenant", "contoso", "--service-request", "SR-359423", "--reason", "CUSTOMER_INITIATED_SUPPORT",
    "--justification", "Alice cannot open her mailbox.", "--resource", "mailbox/alice", "--resource", "files/x",
    "--action", "read",
]  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "session.json"))
    for name in ("LOCKBOX_URL", "LOCKBOX_EMAIL", "LOCKBOX_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def signed_in() -> None:
    save_session(Session(URL, "lbs_secret"))


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=text)


def works(*arguments: str, text: str | None = None) -> str:
    result = run(*arguments, text=text)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def body(portal: FakePortal, route: str) -> Any:
    [request] = portal.asked(route)
    return json.loads(request.content)


# --- signing in and out --------------------------------------------------------------------------------------------


def test_login_when_the_password_comes_from_standard_input_keeps_the_token(portal: FakePortal) -> None:
    portal.says("POST /api/v1/session", {"token": "lbs_new"})
    portal.says("GET /api/v1/session", PROFILE)
    said = works("login", "--url", URL + "/", "--email", "erin@vendor.example", "--password-stdin", text="hunter2\n")
    assert said == f"Signed in at {URL} as erin@vendor.example (vendor: engineer).\n"
    assert body(portal, "POST /api/v1/session") == {"email": "erin@vendor.example", "password": "hunter2"}
    assert portal.asked("GET /api/v1/session")[0].headers["Authorization"] == "Bearer lbs_new"
    assert load_session() == Session(URL, "lbs_new")


def test_login_when_everything_is_in_the_environment_asks_for_nothing(
    portal: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"URL": URL, "EMAIL": "erin@vendor.example", "PASSWORD": "hunter2"}.items():
        monkeypatch.setenv(f"LOCKBOX_{name}", value)
    portal.says("POST /api/v1/session", {"token": "lbs_new"})
    portal.says("GET /api/v1/session", PROFILE)
    shown = json.loads(works("login", "--json"))
    assert shown == {**PROFILE, "url": URL, "session_file": str(session_file())}
    assert body(portal, "POST /api/v1/session")["password"] == "hunter2"


def test_login_when_it_asks_for_the_password_does_not_show_it(portal: FakePortal) -> None:
    portal.says("POST /api/v1/session", {"token": "lbs_new"})
    portal.says("GET /api/v1/session", PROFILE)
    said = works("login", "--url", URL, "--email", "erin@vendor.example", text="hunter2\n")
    assert "hunter2" not in said
    assert "lbs_new" not in said


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
    [["list"], ["grants"], ["show", "x"], ["approve", "x"], ["policy", "get", "contoso"], ["audit", "x"], ["logout"]],
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


# --- requests ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("signed_in")
def test_request_when_made_sends_the_terms_with_a_key(portal: FakePortal) -> None:
    portal.says("POST /api/v1/requests", REQUEST, status=201)
    assert works(*ASK) == f"Request {REQUEST_ID} is PENDING_VENDOR; it expires 2026-01-31 21:30:00 UTC.\n"
    assert body(portal, "POST /api/v1/requests") == {
        "tenant": "contoso",
        "service_request": "SR-359423",
        "reason_code": "CUSTOMER_INITIATED_SUPPORT",
        "justification": "Alice cannot open her mailbox.",
        "resources": ["mailbox/alice", "files/x"],
        "actions": ["read"],
        "duration": "PT4H",
        "starts_at": None,
        "severity": "NORMAL",
    }
    assert len(portal.requests[0].headers["Idempotency-Key"]) == 36


@pytest.mark.usefixtures("signed_in")
def test_list_when_filtered_sends_what_was_given_alone(portal: FakePortal) -> None:
    portal.says("GET /api/v1/requests", {"items": [REQUEST], "next_cursor": None})
    said = works("list", "--state", "PENDING_VENDOR")
    assert portal.requests[0].url.query == b"state=PENDING_VENDOR&limit=50"
    assert REQUEST_ID in said
    assert "2026-01-31 09:30:00 UTC" in said
    assert len(said.splitlines()) == 2


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("command", "route", "document"),
    [
        (["list"], "GET /api/v1/requests", {"items": [REQUEST], "next_cursor": "x"}),
        (["show", REQUEST_ID], f"GET /api/v1/requests/{REQUEST_ID}", REQUEST),
        (ASK, "POST /api/v1/requests", REQUEST),
        (["approve", REQUEST_ID], f"POST /api/v1/requests/{REQUEST_ID}/decisions", OUTCOME),
        (["deny", REQUEST_ID], f"POST /api/v1/requests/{REQUEST_ID}/decisions", OUTCOME),
        (["cancel", REQUEST_ID], f"POST /api/v1/requests/{REQUEST_ID}/cancel", OUTCOME),
        (["grants"], "GET /api/v1/grants", {"items": [GRANT], "next_cursor": None}),
        (
            ["token", GRANT["id"]],
            f"GET /api/v1/grants/{GRANT['id']}/token",
            {"grant_id": GRANT["id"], "token": "a.b.c"},
        ),
        (["revoke", GRANT["id"]], f"POST /api/v1/grants/{GRANT['id']}/revoke", GRANT),
        (["complete", GRANT["id"]], f"POST /api/v1/grants/{GRANT['id']}/complete", GRANT),
        (["policy", "get", "contoso"], "GET /api/v1/tenants/contoso/policy", POLICY),
        (["audit", "contoso"], "GET /api/v1/tenants/contoso/audit", {"items": [], "next_cursor": None}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_command_when_json_is_wanted_prints_the_portals_document(
    portal: FakePortal, command: list[str], route: str, document: dict[str, Any]
) -> None:
    portal.says(route, document)
    assert json.loads(works(*command, "--json")) == document


@pytest.mark.usefixtures("signed_in")
def test_show_when_there_is_everything_shows_it_all(portal: FakePortal) -> None:
    decision = {"stage": "VENDOR", "approver": "victor@vendor.example", "decision": "approve", "comment": "fine"}
    decided = {**decision, "decided_at": "2026-01-31T09:35:00.000000Z"}
    portal.says(f"GET /api/v1/requests/{REQUEST_ID}", REQUEST | {"grant": GRANT, "decisions": [decided]})
    said = works("show", REQUEST_ID)
    for part in (
        "SR-359423",
        "Alice cannot open her [mailbox].",
        "erin@vendor.example",
        "victor@vendor.example",
        "2026-01-31 09:35:00 UTC",
        f"Grant {GRANT['id']} is ACTIVE",
        "request_created",
    ):
        assert part in said.replace("\n", " "), part


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_decision_when_made_sends_it_with_its_comment(portal: FakePortal, decision: str) -> None:
    portal.says(f"POST /api/v1/requests/{REQUEST_ID}/decisions", OUTCOME, status=201)
    said = works(decision, REQUEST_ID, "-m", "because")
    assert body(portal, f"POST /api/v1/requests/{REQUEST_ID}/decisions") == {"decision": decision, "comment": "because"}
    assert said.splitlines() == [
        f"Request {REQUEST_ID} is APPROVED.",
        f"Grant {GRANT['id']} is ACTIVE until 2026-01-31 13:30:00 UTC.",
    ]


@pytest.mark.usefixtures("signed_in")
def test_cancel_when_done_says_so(portal: FakePortal) -> None:
    portal.says(f"POST /api/v1/requests/{REQUEST_ID}/cancel", OUTCOME | {"state": "CANCELLED", "grant": None})
    assert works("cancel", REQUEST_ID) == f"Request {REQUEST_ID} is CANCELLED.\n"
    assert body(portal, f"POST /api/v1/requests/{REQUEST_ID}/cancel") == {"comment": ""}


@pytest.mark.usefixtures("signed_in")
def test_command_when_the_portal_refuses_says_why(portal: FakePortal) -> None:
    refusal = {"detail": "nobody decides on an own request", "code": "own_request"}
    portal.says(f"POST /api/v1/requests/{REQUEST_ID}/decisions", refusal, status=403)
    result = run("approve", REQUEST_ID)
    assert str(result.exception) == "nobody decides on an own request [own_request]"


# --- grants, policy, audit -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("signed_in")
def test_token_when_fetched_is_printed_alone(portal: FakePortal) -> None:
    portal.says(f"GET /api/v1/grants/{GRANT['id']}/token", {"grant_id": GRANT["id"], "token": "a.b.c"})
    assert works("token", str(GRANT["id"])) == "a.b.c\n"


@pytest.mark.usefixtures("signed_in")
def test_grants_when_listed_show_who_what_and_until_when(portal: FakePortal) -> None:
    portal.says("GET /api/v1/grants", {"items": [GRANT], "next_cursor": None})
    said = works("grants", "--tenant", "contoso")
    assert "2026-01-31 13:30:00 UTC" in said
    assert "mailbox/alice" in said
    assert portal.requests[0].url.query == b"tenant=contoso&limit=50"


@pytest.mark.usefixtures("signed_in")
def test_revoke_when_done_says_since_when(portal: FakePortal) -> None:
    revoked = GRANT | {"state": "REVOKED", "ended_at": "2026-01-31T10:00:00.000000Z"}
    portal.says(f"POST /api/v1/grants/{GRANT['id']}/revoke", revoked)
    assert works("revoke", str(GRANT["id"]), "-m", "enough").startswith(
        f"Grant {GRANT['id']} is REVOKED since 2026-01-31"
    )
    assert body(portal, f"POST /api/v1/grants/{GRANT['id']}/revoke") == {"comment": "enough"}


@pytest.mark.usefixtures("signed_in")
def test_policy_when_settings_are_given_changes_them_alone(portal: FakePortal) -> None:
    portal.says("GET /api/v1/tenants/contoso/policy", POLICY)
    portal.says("PUT /api/v1/tenants/contoso/policy", POLICY | {"version": 4})
    works("policy", "put", "contoso", "require_approval=false", "customer_quorum=2", "request_lifetime=PT1H")
    sent = body(portal, "PUT /api/v1/tenants/contoso/policy")
    assert sent == POLICY | {"require_approval": False, "customer_quorum": 2, "request_lifetime": "PT1H"}


@pytest.mark.usefixtures("signed_in")
def test_policy_when_it_comes_from_a_file_or_standard_input_sends_it_whole(portal: FakePortal, tmp_path: Path) -> None:
    portal.says("PUT /api/v1/tenants/contoso/policy", POLICY)
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    works("policy", "put", "contoso", "--file", str(tmp_path / "policy.json"))
    works("policy", "put", "contoso", "--file", "-", text=json.dumps(POLICY))
    sent = [json.loads(request.content) for request in portal.asked("PUT /api/v1/tenants/contoso/policy")]
    assert sent == [POLICY, POLICY]
    assert portal.asked("GET /api/v1/tenants/contoso/policy") == []


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("arguments", [[], ["require_approval=false", "--file", "-"]])
def test_policy_when_neither_or_both_are_given_says_so(portal: FakePortal, arguments: list[str]) -> None:
    result = run("policy", "put", "contoso", *arguments)
    assert str(result.exception) == "give either settings, as in require_approval=false, or --file"
    assert portal.requests == []


@pytest.mark.usefixtures("signed_in")
def test_policy_when_the_file_is_no_json_says_which(portal: FakePortal, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(b"{\xff")
    for name in ("bad.json", "missing.json"):
        result = run("policy", "put", "contoso", "--file", str(tmp_path / name))
        assert isinstance(result.exception, CommandError)
        assert name in str(result.exception)
    assert portal.requests == []


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
