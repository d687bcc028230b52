"""What tests of the pages do again and again."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page
from tests.people import People, Person

COOKIE = "lockbox_session"
WITHIN_SECONDS = 20.0

Open = Callable[..., Page]


def sign_in(page: Page, people: People, name: str, path: str = "/queue") -> None:
    account = people.accounts[name]
    page.goto(f"{people.portal}{path}")
    page.get_by_label("Email address").fill(account["email"])
    page.get_by_label("Password").fill(account["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def row(page: Page, service_request: str) -> Locator:
    return page.get_by_role("row").filter(has_text=service_request)


def reload_until(page: Page, shown: Callable[[], bool]) -> None:
    """What events tell arrives a moment later."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not shown():
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.reload()


def form_of(page: Page) -> dict[str, str]:
    """The hidden fields of the page's own form."""
    inputs = page.locator("main form[method=post] input[type=hidden]")
    return {field.get_attribute("name") or "": field.input_value() for field in inputs.all()}


def put(admin: Person, policy: dict[str, Any]) -> Any:
    """Replace a tenant's policy, whatever its version."""
    answer = admin.http.put(f"/tenants/{policy['tenant']}/policy", json={**policy, "version": None})
    assert answer.status_code == 200, answer.text
    return answer.json()
