"""The web application over https and without."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

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


@pytest.mark.parametrize("name", ["SESSION_COOKIE_NAME", "SIGN_IN_COOKIE_NAME"])
def test_cookies_when_the_portal_is_on_https_are_of_its_host_alone(tmp_path: Path, name: str) -> None:
    made = app(tmp_path, "https://lockbox.example")
    assert made.config[name].startswith("__Host-lockbox_")
    assert made.config["SESSION_COOKIE_SECURE"]
    assert not app(tmp_path, "http://127.0.0.1:8480").config[name].startswith("__Host-")
