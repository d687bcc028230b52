"""Promises of every page: sight, accessibility, width, silence of the console, use without JavaScript."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from tests.e2e.pages import VENDOR_STAGE, Open, barriers, customer_stage, policy_of, sign_in
from tests.people import People

Browse = Callable[[str], httpx.Client]


def test_cookie_when_sent_to_the_api_lets_nobody_in(browse: Browse) -> None:
    answer = browse("vendor_approver").get("/api/v1/requests")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_request_of_another_tenant_looks_as_if_it_did_not_exist(browse: Browse, ask: Callable[..., Any]) -> None:
    asked = ask("fabrikam")
    answer = browse("contoso_approver").get(f"/requests/{asked['id']}")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert asked["service_request"] not in answer.text


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("contoso_approver", "/requests?cursor=NONSENSE", 422),
        ("vendor_approver", "/settings?tenant=nobody", 404),
        ("contoso_auditor", "/audit?type=x&cursor=nonsense", 422),
    ],
)
def test_page_when_a_service_refuses_it_says_so_in_html(browse: Browse, name: str, path: str, status: int) -> None:
    answer = browse(name).get(path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Sign out" in answer.text


WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 375, "height": 900}
PLACES = {
    "engineer": [
        "/queue",
        "/requests",
        "/requests/new",
        "{pending}",
        "{pending}/cancel",
        "{asked}",
        "{asked}/answer",
        "/grants",
        "{grant}/complete",
        "{grant}/extend",
    ],
    "vendor_approver": [
        "/queue",
        "{pending}",
        "{pending}/approve",
        "{pending}/reject",
        "{pending}/ask",
        "{urgent}",
        "{urgent}/break-glass",
        "/settings/try",
        "/grants/break-glass",
    ],
    "vendor_auditor": ["/audit", "/audit?tenant=northwind", "/grants/usage?tenant=northwind"],
    "operator": ["/queue"],
    "northwind_approver": ["/queue", "{granted}", "{grant}/revoke", "{broken}", "{broken}/acknowledge"],
    "northwind_admin": ["/queue", "/settings", "/settings/document", "/settings/try", "/grants", "/grants/break-glass"],
    "northwind_auditor": ["/requests", "/audit?type=policy_changed", "/settings", "/grants/usage"],
}


@pytest.fixture(scope="module")
def scenes(people: People) -> dict[str, str]:
    """A request in each standing that a page shows differently."""

    def ask(**terms: Any) -> str:
        return people.engineer.ask(tenant="northwind", resources=["mailbox/*", "files/report"], **terms)

    def broken() -> str:
        request_id = ask()
        for approver in (people.vendor_approver, people.lead):
            opened = approver.post(f"/requests/{request_id}/break-glass", {"comment": "It burns."})
            assert opened.status_code == 200, opened.text
        return request_id

    stages = [VENDOR_STAGE, customer_stage(1, "Security")]
    with policy_of(people, "northwind", stages=stages, break_glass={"allowed": True, "duration": "PT1H"}):
        asked, granted = ask(), ask(duration="PT2H")
        people.vendor_approver.post(f"/requests/{asked}/info-requests", {"question": "Why?"})
        people.vendor_approver.decide(granted, changes={"duration": "PT1H", "resources": ["mailbox/alice"]})
        grant = people.northwind_approver.decide(granted)["grant"]
        extended = {"duration": "PT30M", "justification": "Longer than I thought."}
        people.engineer.post(f"/grants/{grant['id']}/extensions", extended)
        requests = {"pending": ask(), "asked": asked, "granted": granted, "urgent": ask(), "broken": broken()}
    return {name: f"/requests/{id_}" for name, id_ in requests.items()} | {"grant": f"/grants/{grant['id']}"}


@pytest.mark.parametrize("name", PLACES)
def test_every_page_is_accessible_fits_and_logs_no_error(
    open_as: Open, people: People, scenes: dict[str, str], name: str
) -> None:
    page = open_as(name)
    logged: list[str] = []
    outside: list[str] = []
    page.on("console", lambda message: logged.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: logged.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((people.portal, "data:")) else outside.append(sent.url))
    for place in PLACES[name]:
        page.set_viewport_size(WIDE)
        answer = page.goto(people.portal + place.format(**scenes))
        assert answer is not None
        assert answer.status == 200, place
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert barriers(page) == [], place
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{place} is wider than {size}"
    assert logged == []
    assert outside == []


def test_pages_without_javascript_can_approve_less(browser: Browser, people: People, ask: Callable[..., Any]) -> None:
    asked = ask(actions=["read", "export"])
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        sign_in(page, people, "vendor_approver", f"/requests/{asked['id']}/approve")
        page.get_by_text("Approve less than that").click()
        page.get_by_label("export").uncheck()
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("You approved this request.")).to_be_visible()
    finally:
        context.close()
    assert people.engineer.get(f"/requests/{asked['id']}")["terms"]["actions"] == ["read"]
