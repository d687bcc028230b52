"""The example on Flask, in this process; the portal is a stand-in."""

import importlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.unit.lockbox.guard.scene import ALICE, ENGINEER, GRANT_ID, ISSUER, ORIGIN, cookies, grant, shown
from tests.unit.lockbox.guard.stand_in import StandIn, portal_of
from tests.waiting import eventually

MODULE = "examples.content_service.app"
LETTER = "From: bank@example.org"


@dataclass(frozen=True)
class Product:
    portal: StandIn
    client: FlaskClient
    guard: Any


@pytest.fixture
def product(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Product]:
    (tmp_path / "token").write_text("lbk_secret")
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    with portal_of(ISSUER.jwk) as portal:
        monkeypatch.setenv("LOCKBOX_URL", portal.url)
        monkeypatch.setenv("LOCKBOX_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("CONTENT_ORIGIN", ORIGIN)
        module = importlib.import_module(MODULE)
        yield Product(portal, module.app.test_client(use_cookies=False), module.guard)
        module.guard.stop()


@pytest.fixture
def client(product: Product) -> FlaskClient:
    product.guard.start()
    eventually(lambda: product.guard.ready)
    return product.client


def test_document_when_a_grant_allows_it_is_served_and_the_products_own_log_says_to_whom(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = client.get(ALICE, headers=shown(grant()))
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert answer.text.startswith(LETTER)
    [line] = [line for line in caplog.messages if GRANT_ID in line]
    assert ENGINEER in line
    assert "mailbox/alice" in line


def test_document_when_nothing_or_not_enough_is_shown_is_not_served(client: FlaskClient) -> None:
    token = grant()
    for headers, status, code in (
        ({}, 401, "no_grant"),
        ({"Authorization": f"Bearer {token}"}, 403, "proof_missing"),
        ({"Authorization": f"DPoP {token}"}, 403, "proof_missing"),
        ({"Authorization": "Basic YTpi"}, 401, "no_grant"),
    ):
        answer = client.get(ALICE, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (status, code)
        assert LETTER not in answer.text


def test_document_when_a_browser_shows_its_cookies_is_served(client: FlaskClient) -> None:
    assert client.get(ALICE, headers=cookies(grant())).text.startswith(LETTER)


def test_document_when_a_grant_allows_to_write_is_replaced(client: FlaskClient) -> None:
    token = grant(actions=["read", "write"])
    assert client.put(ALICE, headers=shown(token, method="PUT"), data="Dear Alice").text == "Dear Alice"
    assert client.get(ALICE, headers=shown(token)).text == "Dear Alice"


def test_document_when_it_does_not_exist_is_missed_only_by_who_may_know(client: FlaskClient) -> None:
    path = "/documents/contoso/mailbox/nobody"
    named = grant(resources=["mailbox/nobody"])
    assert client.get(path, headers=shown(named, path)).status_code == 404
    answer = client.get(path, headers=shown(grant(), path))
    assert (answer.status_code, answer.json["code"]) == (403, "other_resource")


def test_path_when_no_route_names_it_is_refused(client: FlaskClient) -> None:
    for path in ("/documents/contoso", "/static/app.py", "/documents/contoso/mailbox/alice/", "//"):
        assert client.get(path, headers=shown(grant(), path)).status_code == 403, path
    assert client.delete(ALICE, headers=shown(grant(), method="DELETE")).json["code"] == "no_route"


def test_product_when_its_guard_knows_enough_says_that_it_is_alive(product: Product) -> None:
    assert product.client.get("/").status_code == 503
    product.guard.start()
    eventually(lambda: product.client.get("/").status_code == 200)
    assert product.portal.records == []
