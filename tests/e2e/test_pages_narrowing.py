"""Approving less than was asked for, and deciding on nothing but what was shown, in a real browser."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from playwright.sync_api import Page, expect
from tests.e2e.pages import VENDOR_STAGE, Open, barriers, customer_stage, policy_of
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
    vendor.get_by_label("files/report").uncheck()
    vendor.get_by_label("export").uncheck()
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


def test_request_when_approved_as_it_is_says_nothing_of_less(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask(**MUCH)
    page = open_as("vendor_approver", f"/requests/{asked['id']}/approve")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("You approved this request.")).to_be_visible()
    expect(page.get_by_role("region", name="What is left of it")).to_have_count(0)
    assert people.engineer.get(f"/requests/{asked['id']}")["decisions"][0]["changes"] is None


def test_approval_when_it_would_allow_more_says_so_and_keeps_what_was_typed(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask(**MUCH)
    page = open_as("vendor_approver", f"/requests/{asked['id']}/approve")
    page.get_by_text("Approve less than that").click()
    page.get_by_label("Shorter").fill("3h")
    page.get_by_label("Only these of mailbox/*").fill("calendar/alice")
    page.get_by_label("export").uncheck()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#duration-error")).to_contain_text("at most 2 hours")
    page.get_by_label("Shorter").fill("1h")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#resources-error")).to_contain_text("“calendar/alice”")
    assert page.get_by_label("Only these of mailbox/*").input_value() == "calendar/alice"
    expect(page.get_by_label("export")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="read")).to_be_checked()
    page.get_by_label("Only these of mailbox/*").fill("")
    page.get_by_role("checkbox", name="mailbox/*").uncheck()
    page.get_by_label("files/report").uncheck()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#resources-error")).to_contain_text("1 to 100 resources")
    assert people.engineer.get(f"/requests/{asked['id']}")["decisions"] == []


def test_decision_when_the_request_has_changed_meanwhile_is_asked_for_again(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    with policy_of(people, "northwind", stages=[VENDOR_STAGE, customer_stage(2)]):
        asked = ask("northwind", **MUCH)
        people.vendor_approver.decide(asked["id"])
    page = open_as("northwind_approver", f"/requests/{asked['id']}/approve")
    expect(decided_on(page)).to_contain_text("2 hours")
    page.get_by_text("Approve less than that").click()
    page.get_by_label("files/report").uncheck()
    page.get_by_label("Comment").fill("For Alice alone.")
    people.northwind_approver_2.decide(asked["id"], changes={"duration": "PT30M"})
    page.get_by_role("button", name="Approve").click()

    expect(page.get_by_role("alert")).to_contain_text("what you decide on has changed since you opened this page")
    expect(decided_on(page)).to_contain_text("30 minutes")
    expect(page.get_by_label("files/report")).not_to_be_checked()
    assert page.get_by_label("Comment").input_value() == "For Alice alone."
    assert barriers(page) == []
    approvers = {one["approver"] for one in people.engineer.get(f"/requests/{asked['id']}")["decisions"]}
    assert people.northwind_approver.email not in approvers

    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("You approved this request.")).to_be_visible()
    grant = people.engineer.get(f"/requests/{asked['id']}")["grant"]
    assert grant["resources"] == ["mailbox/*"]


def test_rejection_from_the_details_when_the_request_has_changed_meanwhile_is_asked_for_again(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    page = open_as("vendor_approver", f"/requests/{asked['id']}")
    people.lead.post(f"/requests/{asked['id']}/info-requests", {"question": "Why her?"})
    page.get_by_label("Comment").fill("No case.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("alert")).to_contain_text("has changed since you opened this page")
    expect(page.get_by_role("region", name="Questions and answers")).to_contain_text("Why her?")
    assert page.get_by_label("Why").input_value() == "No case."
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("You rejected this request.")).to_be_visible()
    assert people.engineer.get(f"/requests/{asked['id']}")["state"] == "DENIED"
