"""Signing in and out, in a real browser."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect
from tests.e2e.pages import COOKIE, HiddenFields, Open, sign_in
from tests.people import People


def test_visitor_when_not_signed_in_is_sent_to_sign_in_and_back(context: BrowserContext, people: People) -> None:
    page = context.new_page()
    page.goto(f"{people.portal}/grants?tenant=contoso")
    assert page.url.startswith(f"{people.portal}/sign-in?next=")
    page.get_by_label("Email address").fill(people.accounts["vendor_approver"]["email"])
    page.get_by_label("Password").fill(people.accounts["vendor_approver"]["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{people.portal}/grants?tenant=contoso")


def test_session_cookie_is_out_of_reach_for_scripts_and_other_sites(context: BrowserContext, people: People) -> None:
    page = context.new_page()
    sign_in(page, people, "contoso_approver")
    [cookie] = [cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["path"] == "/"
    assert COOKIE not in page.evaluate("document.cookie")
    assert cookie["value"] not in page.content()


def test_header_says_who_is_signed_in(open_as: Open, people: People) -> None:
    header = open_as("contoso_approver").get_by_role("banner")
    expect(header).to_contain_text(people.accounts["contoso_approver"]["email"])
    expect(header).to_contain_text("contoso · Customer approver")


def test_sign_in_when_password_is_wrong_says_so_and_lets_nobody_in(context: BrowserContext, people: People) -> None:
    page = context.new_page()
    page.goto(f"{people.portal}/sign-in")
    page.get_by_label("Email address").fill(people.accounts["contoso_approver"]["email"])
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The address or the password is wrong.")
    assert page.get_by_label("Email address").input_value() == people.accounts["contoso_approver"]["email"]
    assert page.get_by_label("Password").input_value() == ""
    assert COOKIE not in {cookie["name"] for cookie in context.cookies()}


@pytest.fixture
def visitor(people: People) -> Iterator[httpx.Client]:
    """A client of the pages that runs no scripts, in which nobody is signed in."""
    with httpx.Client(base_url=people.portal, timeout=30) as client:
        yield client


def send(visitor: httpx.Client, page: str, email: str, password: str) -> httpx.Response:
    """Sign in by the form of a page, as a browser sends it."""
    typed = {"email": email, "password": password}
    return visitor.post(page, data={**HiddenFields(visitor.get(page).text).fields, **typed})


def test_sign_in_when_tried_too_often_says_to_wait(visitor: httpx.Client) -> None:
    email = f"nobody-{uuid4()}@contoso.example"
    statuses = [send(visitor, "/sign-in", email, "wrong").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_sign_out_ends_the_session_itself(context: BrowserContext, people: People) -> None:
    page = context.new_page()
    sign_in(page, people, "contoso_approver")
    [cookie] = [cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    stolen = httpx.get(f"{people.portal}/queue", cookies={COOKIE: cookie["value"]})
    assert stolen.status_code == 303
    assert stolen.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example/", "/\t/evil.example/", "evil.example"]
)
def test_sign_in_when_next_is_elsewhere_goes_to_the_queue(
    visitor: httpx.Client, people: People, elsewhere: str
) -> None:
    signed_in = send(visitor, f"/sign-in?{httpx.QueryParams(next=elsewhere)}", **people.accounts["engineer"])
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, "/queue")


def test_visitor_with_nothing_to_decide_is_told_where_to_go(open_as: Open) -> None:
    page = open_as("contoso_auditor")
    expect(page.get_by_text("You don't decide on requests.")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Audit trail").click()
    expect(page.get_by_role("heading", name="Audit trail")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("engineer", ["My queue", "All requests", "Grants", "Settings"]),
        ("contoso_approver", ["My queue", "All requests", "Grants", "Settings"]),
        ("contoso_admin", ["My queue", "All requests", "Grants", "Settings", "Audit trail"]),
        ("operator", ["Overview", "Settings"]),
    ],
)
def test_navigation_shows_what_the_roles_can_use(open_as: Open, name: str, places: list[str]) -> None:
    main = open_as(name).get_by_role("navigation", name="Main")
    assert [text.strip() for text in main.get_by_role("link").all_inner_texts()] == places
