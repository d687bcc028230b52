"""The web application over https and without."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs
from werkzeug.routing import Map

from lockbox.runtime.host.web import UPGRADE, WebRequest
from portal_service.app import create_app


def app(folder: Path, portal_url: str) -> Flask:
    (folder / "web.key").write_text("a secret of these tests\n")
    config: dict[str, Any] = {"lockbox": {"portal_url": portal_url, "web_key": str(folder / "web.key")}}
    return create_app(config)


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/openapi.json"])
def test_answer_when_the_portal_is_on_https_keeps_browsers_there(tmp_path: Path, path: str) -> None:
    answer = app(tmp_path, "https://lockbox.example").test_client().get(path)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_answer_when_the_portal_is_on_http_says_nothing_of_https(tmp_path: Path) -> None:
    answer = app(tmp_path, "http://127.0.0.1:8480").test_client().get("/api/v1/nowhere")
    assert "Strict-Transport-Security" not in answer.headers


HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")


@pytest.mark.parametrize(
    ("method", "path", "environ", "status"),
    [
        ("TRACE", "/", {}, 405),
        ("TRACE", "/api/v1/requests", {}, 405),
        ("PROPFIND", "/requests", {}, 405),
        ("PROPFIND", "/api/v1/requests", {}, 405),
        ("BREW", "/api/v1/nowhere", {}, 404),
        ("GET", "/", {UPGRADE: "websocket"}, 400),
        ("GET", "/api/v1/requests", {UPGRADE: "websocket"}, 400),
        ("HEAD", "/api/v1/requests", {}, 405),
        ("HEAD", f"/api/v1/grants/{'123e4567-e89b-12d3-a456-426614174000'}/token", {}, 405),
    ],
)
def test_request_of_a_kind_that_is_not_served_is_refused_with_a_problem_and_the_headers(
    tmp_path: Path, method: str, path: str, environ: dict[str, Any], status: int
) -> None:
    client = app(tmp_path, "http://127.0.0.1:8480").test_client()
    answer = client.open(path, method=method, environ_overrides=environ)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert [name for name in HEADERS if name not in answer.headers] == []
    assert ("Allow" in answer.headers) is (status == 405)


def test_request_when_answered_is_one_line_in_the_log_with_the_id_of_its_answer(tmp_path: Path) -> None:
    client = app(tmp_path, "http://127.0.0.1:8480").test_client()
    with capture_logs() as lines:
        answer = client.get("/api/v1/tenants/contoso/audit?actor=secret@contoso.example&actor=b")
    [line] = lines
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "web_request",
        "log_level": "info",
        "correlation_id": answer.json["instance"].removeprefix("urn:uuid:"),
        "method": "GET",
        "route": "/api/v1/tenants/<tenant>/audit",
        "status": 422,
        "person": None,
    }


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "HEAD", "QUERY"])
def test_entrypoint_when_the_method_is_any_takes_it_to_the_application(method: str) -> None:
    rule = Map([WebRequest("/<path:path>").get_url_rule()])
    assert rule.bind("portal.example").match("/a/b", method=method)[1] == {"path": "a/b"}


@pytest.mark.parametrize("name", ["SESSION_COOKIE_NAME", "SIGN_IN_COOKIE_NAME"])
def test_cookies_when_the_portal_is_on_https_are_of_its_host_alone(tmp_path: Path, name: str) -> None:
    made = app(tmp_path, "https://lockbox.example")
    assert made.config[name].startswith("__Host-lockbox_")
    assert made.config["SESSION_COOKIE_SECURE"]
    assert not app(tmp_path, "http://127.0.0.1:8480").config[name].startswith("__Host-")
