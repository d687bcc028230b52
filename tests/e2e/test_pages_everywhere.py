"""What must not work, and what must hold on every page, in a real browser."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from tests.e2e.pages import VENDOR_STAGE, Open, barriers, customer_stage, policy_of, sign_in
from tests.people import People


@pytest.mark.parametrize("token", [None, "forged"])
def test_form_without_its_token_is_refused_and_changes_nothing(
    open_as: Open, ask: Callable[..., Any], people: People, token: str | None
) -> None:
    asked = ask()
    page = open_as("vendor_approver", f"/requests/{asked['id']}/approve")
    form = {"comment": "", **({"csrf_token": token} if token else {})}
    refused = page.request.post(page.url, form=form, max_redirects=0)
    assert refused.status == 400
    assert "This form is out of date" in refused.text()
    assert people.engineer.get(f"/requests/{asked['id']}")["decisions"] == []


def test_cookie_when_sent_to_the_api_lets_nobody_in(open_as: Open, people: People) -> None:
    page = open_as("vendor_approver")
    answer = page.request.get(f"{people.portal}/api/v1/requests")
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_bearer_token_when_sent_to_a_page_lets_nobody_in(people: People) -> None:
    headers = {"Authorization": people.vendor_approver.http.headers["Authorization"]}
    answer = httpx.get(f"{people.portal}/queue", headers=headers)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in")


def test_request_of_another_tenant_looks_as_if_it_did_not_exist(open_as: Open, ask: Callable[..., Any]) -> None:
    asked = ask("fabrikam")
    page = open_as("contoso_approver")
    answer = page.goto(page.url.replace("/queue", f"/requests/{asked['id']}"))
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert asked["service_request"] not in page.content()


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("engineer", "/audit", 403),
        ("engineer", "/settings?tenant=contoso", 403),
        ("operator", "/settings?tenant=contoso", 403),
        ("engineer", "/settings/try", 403),
        ("contoso_approver", "/settings/document", 403),
        ("operator", "/grants/break-glass", 403),
        ("contoso_approver", "/requests/new", 403),
        ("contoso_approver", "/nowhere", 404),
        ("contoso_approver", "/requests/not-an-id", 404),
        ("contoso_approver", "/requests?state=NONSENSE", 422),
        ("contoso_approver", "/requests?cursor=NONSENSE", 422),
        ("vendor_approver", "/settings?tenant=nobody", 404),
        ("contoso_auditor", "/audit?type=x&cursor=nonsense", 422),
    ],
)
def test_page_when_it_can_not_be_shown_says_so_in_html(
    open_as: Open, people: People, name: str, path: str, status: int
) -> None:
    page = open_as(name)
    answer = page.goto(f"{people.portal}{path}")
    assert answer is not None
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/html")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_address_of_the_api_that_is_nothing_answers_with_a_problem(people: People) -> None:
    answer = httpx.get(f"{people.portal}/api/v1/nowhere", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


WIDE = 1440
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


@pytest.mark.parametrize("width", [WIDE, 375])
@pytest.mark.parametrize("name", PLACES)
def test_every_page_is_accessible_fits_and_logs_no_error(
    open_as: Open, people: People, scenes: dict[str, str], name: str, width: int
) -> None:
    page = open_as(name, viewport={"width": width, "height": 900})
    logged: list[str] = []
    outside: list[str] = []
    page.on("console", lambda message: logged.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: logged.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((people.portal, "data:")) else outside.append(sent.url))
    for place in PLACES[name]:
        answer = page.goto(people.portal + place.format(**scenes))
        assert answer is not None
        assert answer.status == 200, place
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        if width == WIDE:
            assert barriers(page) == [], place
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{place} is wider than {width}"
    assert logged == []
    assert outside == []


def test_sign_in_page_is_accessible(context: BrowserContext, people: People) -> None:
    page = context.new_page()
    page.goto(f"{people.portal}/sign-in")
    assert barriers(page) == []


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
