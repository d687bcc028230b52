"""Asking for access and taking it back: one path in a real browser, and a form that is sent twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
from playwright.sync_api import Page, expect
from tests.e2e.conftest import numbers
from tests.e2e.pages import FormFields, Open, row
from tests.people import People

JUSTIFICATION = "Messages of Alice can't be opened since the migration."


def fill_request(page: Page, service_request: str, duration: str) -> None:
    page.get_by_label("Customer").select_option("contoso")
    page.get_by_label("Service request").fill(service_request)
    page.get_by_label("Reason").select_option("CUSTOMER_INITIATED_SUPPORT")
    page.get_by_label("Severity").select_option("HIGH")
    page.get_by_label("Justification").fill(JUSTIFICATION)
    page.get_by_label("Resources").fill("mailbox/alice\nmailbox/bob")
    page.get_by_label("Actions").fill("read, export")
    page.get_by_label("Duration").fill(duration)


def test_new_request_is_corrected_sent_shown_in_utc_and_cancelled(open_as: Open) -> None:
    page, service_request = open_as("engineer", timezone_id="Asia/Tokyo"), f"SR-{next(numbers)}"
    start = datetime.now(UTC) + timedelta(days=1)
    page.get_by_role("link", name="New request").click()
    fill_request(page, service_request, duration="soon")
    page.get_by_label("Start in UTC").fill(f"{start:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    expect(page.locator("#duration-error")).to_contain_text("duration such as")
    assert page.get_by_label("Resources").input_value() == "mailbox/alice\nmailbox/bob"
    assert page.get_by_label("Customer").input_value() == "contoso"
    page.get_by_label("Duration").fill("23h")
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("#duration-error")).to_contain_text("at most ")
    page.get_by_label("Duration").fill("1h 30m")
    page.get_by_role("button", name="Send request").click()

    expect(page.get_by_role("heading", name=service_request)).to_be_visible()
    details = page.get_by_role("region", name="Details")
    shown = ("High", "mailbox/bob", "export", "1 hour 30 minutes", JUSTIFICATION, f"{start:%Y-%m-%d %H:%M}:00 UTC")
    for text in shown:
        expect(details).to_contain_text(text)
    page.get_by_role("link", name="My queue").click()
    expect(row(page, service_request)).to_contain_text("Pending vendor")

    page.go_back()
    page.get_by_role("link", name="Cancel request").click()
    page.get_by_role("button", name="Cancel request").click()
    expect(page.get_by_text("You cancelled this request.")).to_be_visible()


def test_new_request_when_sent_twice_is_one_and_lasts_as_long_as_the_policy_says(
    browse: Callable[[str], httpx.Client], people: People
) -> None:
    engineer, service_request = browse("engineer"), f"SR-{next(numbers)}"
    typed = {
        **FormFields(engineer.get("/requests/new").text).fields,
        "tenant": "contoso",
        "service_request": service_request,
        "reason_code": "CUSTOMER_INITIATED_SUPPORT",
        "justification": JUSTIFICATION,
        "resources": "mailbox/*",
        "actions": "read",
        "duration": "",
    }
    first, second = (engineer.post("/requests/new", data=typed) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    mine = people.engineer.get("/requests?limit=50")["items"]
    [asked] = [item for item in mine if item["service_request"] == service_request]
    default = people.contoso_admin.get("/tenants/contoso/policy")["default_duration"]
    assert (asked["duration"], asked["resources"]) == (default, ["mailbox/*"])
