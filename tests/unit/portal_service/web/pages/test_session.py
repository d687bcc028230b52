"""Sign in, sign out, and the cookie of the browser."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher
from flask import Flask
from tests.unit.builders import ALICE, ENGINEER, approval
from tests.unit.portal_service.web import portal as harness
from tests.unit.portal_service.web.conftest import OpenAs
from tests.unit.portal_service.web.portal import COOKIE, Portal, Services

from portal_service.domain.account import Account
from portal_service.domain.sign_in import OF_SOURCE_AND_ADDRESS

PASSWORD = "correct horse"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CAROL = Account(
    email="carol@contoso.example",
    organisation="contoso",
    roles=("customer_admin",),
    password_hash=HASHER.hash(PASSWORD),
)


class Visitor(Portal):
    """A browser in which nobody is signed in, at a portal that knows one account."""

    def sign_in(self, path: str = "/sign-in", password: str = PASSWORD) -> Any:
        form = self.get(path).values | {"email": CAROL.email, "password": password}
        return self.answer(path, "POST", data=form)


@pytest.fixture
def visitor(app: Flask, known_accounts: None) -> Visitor:
    return Visitor(app, Services(), None)


@pytest.fixture
def known_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stores of a portal that knows one account, the same for every web request of a test."""
    stores = harness._known(None)
    stores.accounts.states[CAROL.email] = CAROL  # type: ignore[attr-defined]
    monkeypatch.setattr(harness, "_known", lambda person: stores)


def test_sign_in_sets_a_cookie_out_of_reach_for_scripts_and_other_sites(visitor: Visitor) -> None:
    answer = visitor.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue")
    [cookie] = [text for text in answer.headers.getlist("Set-Cookie") if text.startswith(f"{COOKIE}=")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "lbs_" not in answer.text


def test_sign_in_with_a_wrong_password_says_so_and_keeps_the_address(visitor: Visitor) -> None:
    answer = visitor.sign_in(password="wrong")
    assert answer.status_code == 401
    assert "The address or the password is wrong." in answer.text
    assert 'value="carol@contoso.example"' in answer.text
    assert 'wrong"' not in answer.text
    assert COOKIE not in "".join(answer.headers.getlist("Set-Cookie"))


def test_sign_in_tried_too_often_says_to_wait(visitor: Visitor) -> None:
    statuses = [visitor.sign_in(password="wrong").status_code for _ in range(OF_SOURCE_AND_ADDRESS.at_once + 1)]
    assert statuses == [401] * OF_SOURCE_AND_ADDRESS.at_once + [429]


def test_sign_in_makes_the_browser_known_and_gets_through_while_strangers_are_slowed(visitor: Visitor) -> None:
    answer = visitor.sign_in()
    [cookie] = [text for text in answer.headers.getlist("Set-Cookie") if text.startswith("lockbox_known=")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    stranger = Visitor(visitor.app, visitor.services, None)
    statuses = [stranger.sign_in(password="wrong").status_code for _ in range(OF_SOURCE_AND_ADDRESS.at_once + 1)]
    assert statuses[-1] == 429
    visitor.client.delete_cookie(COOKIE, domain="portal.example")
    assert visitor.sign_in().status_code == 303


@pytest.mark.parametrize("forged", ["", "x", "eyJlbWFpbCI6ImNhcm9sQGNvbnRvc28uZXhhbXBsZSJ9.x.y"])
def test_browser_is_not_known_by_a_forged_cookie(visitor: Visitor, forged: str) -> None:
    visitor.client.set_cookie("lockbox_known", forged, domain="portal.example")
    statuses = [visitor.sign_in(password="wrong").status_code for _ in range(OF_SOURCE_AND_ADDRESS.at_once + 1)]
    assert statuses[-1] == 429


def test_sign_in_without_an_address_says_what_is_expected(visitor: Visitor) -> None:
    answer = visitor.answer("/sign-in", "POST", data=visitor.get("/sign-in").values | {"email": "carol"})
    assert answer.status_code == 422
    assert "an email address" in answer.text


@pytest.mark.parametrize(
    ("wanted", "destination"),
    [
        ("/grants?tenant=contoso", "/grants?tenant=contoso"),
        ("//evil.example/", "/queue"),
        ("https://evil.example/", "/queue"),
        ("/\\evil.example/", "/queue"),
        ("/\t/evil.example/", "/queue"),
        ("evil.example", "/queue"),
        ("", "/queue"),
    ],
)
def test_sign_in_leads_on_within_the_portal_alone(visitor: Visitor, wanted: str, destination: str) -> None:
    assert visitor.sign_in(f"/sign-in?next={quote(wanted)}").headers["Location"] == destination


@pytest.mark.parametrize("path", ["/queue", "/grants?tenant=contoso", "/audit", "/requests/new"])
def test_visitor_is_sent_to_sign_in_and_back(open_as: OpenAs, path: str) -> None:
    answer = open_as(None).answer(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=")


def test_signed_in_person_is_sent_on_from_the_sign_in_page(open_as: OpenAs) -> None:
    assert open_as(ALICE).answer("/sign-in").headers["Location"] == "/queue"


def test_sign_out_ends_the_session_itself(open_as: OpenAs, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = harness._known(ALICE)
    sessions = stores.sessions
    monkeypatch.setattr(sessions, "remove", lambda key: sessions.states.pop(key), raising=False)  # type: ignore[attr-defined]
    monkeypatch.setattr(harness, "_known", lambda person: stores)
    portal = open_as(ALICE)
    form = portal.get("/queue").values
    assert "You have signed out." in portal.post("/sign-out", form).text
    assert sessions.states == {}  # type: ignore[attr-defined]


def test_header_names_the_signed_in_person(open_as: OpenAs) -> None:
    assert "alice@contoso.example contoso · Customer approver" in open_as(ALICE).get("/queue").text


def test_bearer_token_lets_nobody_in_to_a_page(open_as: OpenAs) -> None:
    answer = open_as(None).answer("/queue", headers={"Authorization": "Bearer lbs_of_this_test"})
    assert answer.status_code == 303


@pytest.mark.parametrize("token", [None, "forged"])
def test_form_without_its_token_is_refused_and_sends_no_command(open_as: OpenAs, token: str | None) -> None:
    portal = open_as(ENGINEER, approval())
    path = f"/requests/{approval().request_id}/cancel"
    form = {name: text for name, text in portal.get(path).values.items() if name != "csrf_token"}
    page = portal.post(path, form | ({"csrf_token": token} if token else {}), 400)
    assert "This form is out of date" in page.text
    assert [message.method for message in portal.services.sent if message.method == "cancel_request"] == []


def test_pages_are_kept_out_of_caches_and_carry_their_security_headers(open_as: OpenAs) -> None:
    headers = open_as(ALICE).answer("/queue").headers
    assert headers["Cache-Control"] == "no-store"
    assert not re.search(r"unsafe-inline|\*", headers["Content-Security-Policy"])
    assert headers["X-Frame-Options"] == "DENY"
