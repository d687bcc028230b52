"""Signing in and out: one path in a real browser, and a password that is guessed."""

from uuid import uuid4

import httpx
from playwright.sync_api import BrowserContext, expect
from tests.e2e.pages import COOKIE, FormFields, barriers
from tests.people import People


def test_visitor_signs_in_goes_back_to_the_page_that_was_wanted_and_signs_out(
    context: BrowserContext, people: People
) -> None:
    page, account = context.new_page(), people.accounts["contoso_approver"]
    page.goto(f"{people.portal}/grants?tenant=contoso")
    assert page.url.startswith(f"{people.portal}/sign-in?next=")
    assert barriers(page) == []
    page.get_by_label("Email address").fill(account["email"])
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The address or the password is wrong.")
    assert page.get_by_label("Email address").input_value() == account["email"]
    assert page.get_by_label("Password").input_value() == ""
    assert COOKIE not in {cookie["name"] for cookie in context.cookies()}

    page.get_by_label("Password").fill(account["password"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{people.portal}/grants?tenant=contoso", timeout=15_000)
    header = page.get_by_role("banner")
    expect(header).to_contain_text(account["email"])
    expect(header).to_contain_text("contoso · Customer approver")
    [cookie] = [cookie for cookie in context.cookies() if cookie["name"] == COOKIE]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
    assert COOKIE not in page.evaluate("document.cookie")
    assert cookie["value"] not in page.content()

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    stolen = httpx.get(f"{people.portal}/queue", cookies={COOKIE: cookie["value"]})
    assert stolen.status_code == 303
    assert stolen.headers["Location"].startswith("/sign-in")


def test_sign_in_when_tried_too_often_says_to_wait(people: People) -> None:
    email = f"nobody-{uuid4()}@contoso.example"
    with httpx.Client(base_url=people.portal, timeout=30) as visitor:
        typed = {**FormFields(visitor.get("/sign-in").text).fields, "email": email, "password": "wrong"}
        statuses = [visitor.post("/sign-in", data=typed).status_code for _ in range(16)]  # the wait doubles each time
    assert statuses[:10] == [401] * 10
    assert 429 in statuses[10:]
