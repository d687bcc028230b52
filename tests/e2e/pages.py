"""What tests of the pages do again and again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page
from tests.people import People, Person

COOKIE = "lockbox_session"
WITHIN_SECONDS = 20.0
VENDOR_STAGE = {
    "name": "Vendor",
    "side": "VENDOR",
    "groups": [{"name": "Vendor approvers", "members": ["vendor_approver"]}],
}

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


class FormFields(HTMLParser):
    """Collects the hidden fields and ticked boxes of a document: its `fields` are sent when nothing is typed."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and (given.get("type") == "hidden" or "checked" in given):
            self.fields[given["name"] or ""] = given.get("value") or "on"


def barriers(page: Page) -> list[str]:
    """What axe finds that would keep people out."""
    violations = Axe().run(page).response["violations"]
    return [found["id"] for found in violations if found["impact"] in {"serious", "critical"}]


def put(admin: Person, policy: dict[str, Any]) -> Any:
    """Replace a tenant's policy, whatever its version; raises where a second administrator has to agree."""
    answer = admin.http.put(f"/tenants/{policy['tenant']}/policy", json={**policy, "version": None})
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextmanager
def policy_of(people: People, tenant: str, **changes: Any) -> Iterator[dict[str, Any]]:
    """A tenant's policy with some changes; it is put back as it was, whatever became of it."""
    admin = getattr(people, f"{tenant}_admin")
    before = admin.get(f"/tenants/{tenant}/policy")
    try:
        yield put(admin, before | changes)
    finally:
        answer = admin.http.put(f"/tenants/{tenant}/policy", json={**before, "version": None})
        if answer.status_code == 202:
            agreed = {"decision": "agree", "digest": answer.json()["proposal"]["digest"]}
            answer = getattr(people, f"{tenant}_admin_2").post(f"/tenants/{tenant}/policy/proposal", agreed)
        assert answer.status_code == 200, answer.text


def customer_stage(approvals: int = 1, name: str = "Customer") -> dict[str, Any]:
    group = {"name": "Approvers", "members": ["customer_approver"], "approvals": approvals}
    return {"name": name, "side": "CUSTOMER", "groups": [group]}
