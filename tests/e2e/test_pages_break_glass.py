"""Opening access without the customer, and acknowledging it, in a real browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.pages import Open, barriers, policy_of, reload_until
from tests.people import People

WHY = "Why it can't wait"


@pytest.fixture
def urgent(ask: Callable[..., Any], people: People) -> Iterator[dict[str, Any]]:
    """A request to a tenant that allows break-glass."""
    with policy_of(people, "northwind", break_glass={"allowed": True, "duration": "PT30M"}):
        yield ask("northwind")


def broken(page: Page, service_request: str) -> Any:
    return page.get_by_role("listitem").filter(has_text=service_request)


def test_glass_when_broken_by_two_opens_access_that_the_customer_acknowledges(
    open_as: Open, urgent: dict[str, Any], people: People
) -> None:
    first = open_as("vendor_approver", f"/requests/{urgent['id']}")
    first.get_by_role("link", name="Break the glass").click()
    expect(first.get_by_text("You would be the first to ask for this, so nothing opens yet.")).to_be_visible()
    first.get_by_role("button", name="Break the glass").click()
    expect(first.locator("#comment-error")).to_be_visible()
    first.get_by_label(WHY).fill("Mail is down for everybody.")
    assert barriers(first) == []
    first.get_by_role("button", name="Break the glass").click()
    expect(first.get_by_text("Nothing is open until a second approver asks for it too.")).to_be_visible()
    assert people.engineer.get(f"/requests/{urgent['id']}")["grant"] is None

    second = open_as("lead", f"/requests/{urgent['id']}/break-glass")
    expect(second.get_by_text("You would be the second approver to ask for this: access opens at once")).to_be_visible()
    expect(second.get_by_role("region", name="Break-glass")).to_contain_text("Mail is down for everybody.")
    second.get_by_label(WHY).fill("So it is.")
    second.get_by_role("button", name="Open access now").click()
    expect(second.get_by_text("Access is open, without the customer's approval.")).to_be_visible()
    expect(second.get_by_text("By break-glass, without the customer", exact=True)).to_be_visible()
    assert people.engineer.get(f"/requests/{urgent['id']}")["grant"]["opened_by"] == "break_glass"

    expect(second.get_by_role("region", name="Opened without the approval of northwind")).to_contain_text("So it is.")

    customer = open_as("northwind_admin")
    top = customer.get_by_role("region", name="Opened without your approval")
    broken(top, urgent["service_request"]).get_by_role("link", name="Acknowledge").click()
    expect(customer.get_by_text("You put on record that your organisation knows of this access.")).to_be_visible()
    customer.get_by_label("Comment").fill("We knew of the outage.")
    customer.get_by_role("button", name="Acknowledge").click()
    expect(customer.get_by_text("You acknowledged this access.")).to_be_visible()
    assert barriers(customer) == []
    history = customer.get_by_role("region", name="History")
    reload_until(customer, lambda: "acknowledged the access that was opened" in history.inner_text())
    customer.get_by_role("link", name="My queue").click()
    expect(customer.get_by_text(urgent["service_request"])).to_have_count(0)
    customer.goto(f"{people.portal}/grants")
    customer.get_by_role("link", name="Break-glass report").click()
    known = customer.get_by_role("region", name="Acknowledged", exact=True)
    expect(broken(known, urgent["service_request"])).to_contain_text("We knew of the outage.")
