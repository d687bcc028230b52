"""Approving less than was asked for, in a real browser."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from playwright.sync_api import Page, expect
from tests.e2e.pages import Open, barriers
from tests.people import People

MUCH = {"resources": ["mailbox/*", "files/report"], "actions": ["read", "export"], "duration": "PT2H"}


def decided_on(page: Page) -> Any:
    return page.get_by_role("region", name="What you decide on")


def test_request_when_less_is_approved_opens_less(open_as: Open, ask: Callable[..., Any], people: People) -> None:
    asked = ask(**MUCH)
    vendor = open_as("vendor_approver", f"/requests/{asked['id']}")
    vendor.get_by_role("link", name="Approve less").click()
    vendor.get_by_text("Approve less than that").click()
    vendor.get_by_label("Shorter").fill("90 minutes")
    vendor.get_by_label("Only these of mailbox/*").fill("mailbox/alice\nmailbox/bob")
    vendor.get_by_label("files/report", exact=True).uncheck()
    vendor.get_by_label("export", exact=True).uncheck()
    assert barriers(vendor) == []
    vendor.get_by_role("button", name="Approve").click()
    left = vendor.get_by_role("region", name="What is left of it")
    for text in ("1 hour 30 minutes", "mailbox/alice", "mailbox/bob"):
        expect(left).to_contain_text(text)
    assert barriers(vendor) == []

    customer = open_as("contoso_approver", f"/requests/{asked['id']}/approve")
    expect(decided_on(customer)).to_contain_text("1 hour 30 minutes")
    expect(decided_on(customer)).not_to_contain_text("export")
    expect(decided_on(customer)).not_to_contain_text("files/report")
    customer.get_by_text("Approve less than that").click()
    customer.get_by_label("mailbox/bob").uncheck()
    customer.get_by_role("button", name="Approve").click()
    expect(customer.get_by_role("heading", name="Grant Active")).to_be_visible()
    grant = people.engineer.get(f"/requests/{asked['id']}")["grant"]
    assert grant["resources"] == ["mailbox/alice"]
    assert grant["actions"] == ["read"]
    lasts = datetime.fromisoformat(grant["ends_at"]) - datetime.fromisoformat(grant["starts_at"])
    assert lasts.total_seconds() == 90 * 60
