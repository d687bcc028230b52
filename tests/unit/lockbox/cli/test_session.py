import json
import stat
from pathlib import Path

import httpx
import pytest
from tests.unit.lockbox.fake_portal import URL, FakePortal

from lockbox.cli.session import (
    CommandError,
    StoredSession,
    ask,
    load_session,
    post,
    put,
    read,
    read_all,
    save_session,
    session_file,
)

SESSION = StoredSession(URL, "lbs_secret")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LOCKBOX_SESSION", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


# --- the token file ------------------------------------------------------------------------------------------------


def test_session_file_when_nothing_is_said_is_in_the_configuration_folder(home: Path) -> None:
    assert session_file() == home / ".config" / "lockbox" / "session.json"


def test_session_file_when_xdg_says_where_is_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert session_file() == home / "xdg" / "lockbox" / "session.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    assert session_file() == home / ".config" / "lockbox" / "session.json"


def test_session_file_when_named_is_that(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    monkeypatch.setenv("LOCKBOX_SESSION", str(home / "mine.json"))
    assert session_file() == home / "mine.json"


def test_save_when_done_is_for_the_owner_alone(home: Path) -> None:
    path = save_session(SESSION)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_session() == SESSION


def test_save_when_somebody_could_read_the_file_before_closes_it(home: Path) -> None:
    path = save_session(SESSION)
    path.chmod(0o644)
    save_session(StoredSession(URL, "lbs_other"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_session() == StoredSession(URL, "lbs_other")


def test_save_when_a_link_leads_elsewhere_does_not_follow_it(home: Path) -> None:
    path = session_file()
    path.parent.mkdir(parents=True)
    path.symlink_to(home / "elsewhere")
    save_session(SESSION)
    assert not (home / "elsewhere").exists()
    assert not path.is_symlink()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o602, 0o610])
def test_load_when_others_have_rights_to_the_file_refuses_it(mode: int) -> None:
    path = save_session(SESSION)
    path.chmod(mode)
    with pytest.raises(CommandError, match=f"can be read by others; run `chmod 600 {path}`"):
        load_session()


def test_load_when_there_is_no_file_says_how_to_sign_in() -> None:
    with pytest.raises(CommandError, match="run `lockbox login`"):
        load_session()


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "7", "{}", '{"url": "x"}', '{"url": "x", "token": "y", "more": 1}']
)
def test_load_when_the_file_is_nonsense_says_how_to_sign_in(text: str) -> None:
    path = save_session(SESSION)
    path.write_text(text)
    with pytest.raises(CommandError, match="run `lockbox login`"):
        load_session()


# --- asking --------------------------------------------------------------------------------------------------------


def test_ask_when_the_portal_answers_gives_its_document(portal: FakePortal) -> None:
    portal.says("GET /api/v1/requests", {"items": []})
    assert ask(SESSION, "GET", "/requests", params={"limit": 5}, headers={"Idempotency-Key": "k"}) == {"items": []}
    [request] = portal.requests
    assert request.headers["Authorization"] == "Bearer lbs_secret"
    assert request.headers["Idempotency-Key"] == "k"
    assert request.url.query == b"limit=5"


def test_ask_when_nobody_is_signed_in_shows_no_token(portal: FakePortal) -> None:
    portal.says("POST /api/v1/session", {"token": "lbs_new"})
    ask(StoredSession(URL, ""), "POST", "/session", json={})
    assert "Authorization" not in portal.requests[0].headers


def test_ask_when_there_is_no_content_gives_none(portal: FakePortal) -> None:
    portal.on("DELETE /api/v1/session", httpx.Response(204))
    assert ask(SESSION, "DELETE", "/session") is None


def complaint(method: str = "GET", path: str = "/x", session: StoredSession = SESSION) -> str:
    with pytest.raises(CommandError) as refused:
        ask(session, method, path)
    return str(refused.value)


def test_ask_when_the_portal_objects_says_what_it_said(portal: FakePortal) -> None:
    portal.says("GET /api/v1/x", {"detail": "there is no such request", "code": "request_not_found"}, status=404)
    assert complaint() == "there is no such request [request_not_found]"


def test_ask_when_there_is_one_fault_does_not_repeat_it(portal: FakePortal) -> None:
    fault = {"field": "duration", "expected": "an ISO 8601 duration"}
    portal.says(
        "GET /api/v1/x", {"detail": "duration: wrong", "code": "invalid_duration", "errors": [fault]}, status=422
    )
    assert complaint() == "duration: wrong [invalid_duration]"


def test_ask_when_there_are_several_faults_lists_them(portal: FakePortal) -> None:
    faults = [{"field": "duration", "expected": "a duration"}, {"field": "tenant", "expected": "a name"}]
    portal.says("GET /api/v1/x", {"detail": "wrong", "code": "invalid_duration", "errors": faults}, status=422)
    assert complaint().splitlines() == [
        "wrong [invalid_duration]",
        "  duration: expected a duration",
        "  tenant: expected a name",
    ]


def test_ask_when_a_fault_says_what_came_shows_that_too(portal: FakePortal) -> None:
    faults = [{"field": "rules.0.then", "expected": "one of a, b", "received": "c"}] * 2
    portal.says("GET /api/v1/x", {"detail": "wrong", "code": "invalid_rules", "errors": faults}, status=422)
    assert complaint().splitlines()[1:] == ["  rules.0.then: expected one of a, b, got 'c'"] * 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<h1>Bad Gateway</h1>"),
        httpx.Response(502, json=[]),
        httpx.Response(502, json={}),
        httpx.Response(502),
    ],
    ids=["html", "list", "empty", "nothing"],
)
def test_ask_when_the_error_is_no_problem_document_says_the_status(portal: FakePortal, answer: httpx.Response) -> None:
    portal.on("GET /api/v1/x", answer)
    assert complaint() == "the portal answered 502 Bad Gateway"


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.ReadError("gone")])
def test_ask_when_the_portal_does_not_answer_says_which(portal: FakePortal, error: httpx.HTTPError) -> None:
    portal.on("GET /api/v1/x", error)
    assert complaint().startswith(f"{URL} does not answer: ")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<h1>Welcome</h1>"),
        httpx.Response(301, html="<h1>Moved</h1>", headers={"Location": "https://elsewhere.example/"}),
        httpx.Response(200, content=b"\xff\xfe"),
    ],
    ids=["html", "moved", "bytes"],
)
def test_ask_when_something_else_than_a_portal_answers_says_so(portal: FakePortal, answer: httpx.Response) -> None:
    portal.on("GET /api/v1/x", answer)
    assert URL in complaint()


@pytest.mark.parametrize("url", ["http://[::1", "https://lockbox.example:port"])
def test_ask_when_the_address_is_none_says_so(url: str) -> None:
    assert url in complaint(session=StoredSession(url, ""))


def test_read_when_a_parameter_is_none_leaves_it_out(portal: FakePortal) -> None:
    save_session(SESSION)
    portal.says("GET /api/v1/grants", {"items": []})
    assert read("/grants", tenant=None, limit=5, acknowledged=False) == {"items": []}
    assert portal.requests[0].url.query == b"limit=5&acknowledged=false"
    assert portal.requests[0].headers["Authorization"] == "Bearer lbs_secret"


def test_read_all_when_there_are_parts_puts_them_together(portal: FakePortal) -> None:
    save_session(SESSION)

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("cursor", "0"))
        return httpx.Response(200, json={"items": [number], "next_cursor": str(number + 1) if number < 2 else None})

    portal.on("GET /api/v1/queue", answer)
    assert read_all("/queue", tenant="contoso") == [0, 1, 2]
    assert {request.url.params["tenant"] for request in portal.requests} == {"contoso"}


def test_post_and_put_when_sent_again_have_another_key(portal: FakePortal) -> None:
    save_session(SESSION)
    for method, act in (("POST", post), ("PUT", put)):
        portal.says(f"{method} /api/v1/x", {"done": method})
        assert [act("/x", {"a": 1}), act("/x", {"a": 1})] == [{"done": method}] * 2
    assert [json.loads(request.content) for request in portal.requests] == [{"a": 1}] * 4
    keys = {request.headers["Idempotency-Key"] for request in portal.requests}
    assert (len(keys), {len(key) for key in keys}) == (4, {36})


def test_complaints_when_made_never_show_the_token(portal: FakePortal) -> None:
    portal.on("GET /api/v1/x", httpx.ConnectError("refused"))
    assert "lbs_secret" not in complaint()
    assert json.loads(save_session(SESSION).read_text())["token"] == "lbs_secret"


@pytest.mark.parametrize(
    "path", ["/requests/../tenants", "/requests/", "/a//b", "/a%2fb", "/a?b", "/a#b", "/a b", "x", "/."]
)
def test_ask_when_the_path_could_lead_elsewhere_sends_nothing(portal: FakePortal, path: str) -> None:
    assert complaint(path=path) == f"the portal has no address {path!r}"
    assert portal.requests == []


def test_ask_when_text_is_no_utf_8_says_so(portal: FakePortal) -> None:
    with pytest.raises(CommandError, match="expected text in UTF-8"):
        ask(SESSION, "POST", "/x", json={"comment": "\udcff"})
    assert portal.requests == []
