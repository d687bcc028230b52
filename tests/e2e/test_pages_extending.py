"""Asking for more time while access is open, deciding on it, and completing it, in a real browser."""

from datetime import datetime, timedelta
from typing import Any

from playwright.sync_api import expect
from tests.e2e.pages import Open, barriers, reload_until, row
from tests.people import People


def test_extension_when_approved_shorter_lets_the_access_end_that_much_later_unless_completed(
    open_as: Open, approved: dict[str, Any], people: People
) -> None:
    ends_at = datetime.fromisoformat(approved["grant"]["ends_at"])
    engineer = open_as("engineer", "/grants")
    live = engineer.get_by_role("listitem").filter(has_text=approved["service_request"])
    live.get_by_role("link", name="Ask for more time").click()
    engineer.get_by_label("How much longer").fill("40 min")
    engineer.get_by_label("Why").fill("The export takes longer.")
    assert barriers(engineer) == []
    engineer.get_by_role("button", name="Ask for more time").click()
    expect(engineer.get_by_text("You asked for more time.")).to_be_visible()
    expect(engineer.get_by_role("heading", name="Extension 1 Pending")).to_be_visible()
    assert barriers(engineer) == []

    vendor = open_as("vendor_approver")
    waiting = row(vendor, approved["service_request"])
    expect(waiting).to_contain_text("Extension")
    expect(waiting).to_contain_text("40 minutes more to")
    waiting.get_by_role("link", name="Approve").click()
    expect(vendor.get_by_role("heading", name="Approve this extension?")).to_be_visible()
    expect(vendor.get_by_role("region", name="What you decide on")).to_contain_text("The export takes longer.")
    vendor.get_by_text("Approve less than that").click()
    expect(vendor.get_by_role("group", name="Resources")).to_have_count(0)
    vendor.get_by_label("Shorter").fill("20 min")
    vendor.get_by_role("button", name="Approve").click()
    expect(vendor.get_by_text("You approved this extension.")).to_be_visible()

    customer = open_as("contoso_approver", "/grants")
    live = customer.get_by_role("listitem").filter(has_text=approved["service_request"])
    live.get_by_role("link", name="waits for your decision").click()
    expect(customer.get_by_role("region", name="What you decide on")).to_contain_text("20 minutes")
    customer.get_by_role("button", name="Approve").click()
    expect(customer.get_by_text("You approved this extension.")).to_be_visible()
    expect(customer.get_by_role("heading", name="Extension 1 Approved")).to_be_visible()
    grant = people.engineer.get(f"/grants/{approved['grant']['id']}")
    assert datetime.fromisoformat(grant["ends_at"]) == ends_at + timedelta(minutes=20)
    history = customer.get_by_role("region", name="History")
    reload_until(customer, lambda: "The access was extended until" in history.inner_text())

    engineer.get_by_role("link", name="Grants").click()
    live = engineer.get_by_role("listitem").filter(has_text=approved["service_request"])
    live.get_by_role("link", name="Complete").click()
    expect(engineer.get_by_role("heading", name="Complete this access?")).to_be_visible()
    engineer.get_by_label("What was done").fill("Solved.")
    engineer.get_by_role("button", name="Complete access").click()
    expect(engineer.get_by_text("You completed the access.")).to_be_visible()
    assert people.engineer.get(f"/grants/{approved['grant']['id']}")["state"] == "COMPLETED"
    engineer.get_by_role("link", name="Grants").click()
    expect(row(engineer, approved["service_request"])).to_contain_text("Completed")
