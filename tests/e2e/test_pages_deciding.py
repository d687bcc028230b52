"""Deciding and revoking: one path in a real browser, and a form that is sent twice."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from playwright.sync_api import expect
from tests.e2e.pages import FormFields, Open, reload_until, row
from tests.people import People


def test_access_when_both_sides_click_approve_is_open_counts_down_and_is_revoked(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    vendor = open_as("vendor_approver")
    waiting = row(vendor, asked["service_request"])
    expect(waiting).to_contain_text("Customer initiated support")
    expect(waiting).to_contain_text("Pending vendor")
    waiting.get_by_role("link", name="Approve").click()
    expect(vendor.get_by_role("heading", name="Approve this request?")).to_be_visible()
    expect(vendor.get_by_text("contoso's own approvers decide next")).to_be_visible()
    vendor.get_by_label("Comment").fill("Checked the case.")
    vendor.get_by_role("button", name="Approve").click()
    expect(vendor.get_by_text("You approved this request.")).to_be_visible()

    page = open_as("contoso_approver")
    reload_until(page, lambda: row(page, asked["service_request"]).count() == 1)
    row(page, asked["service_request"]).get_by_role("link", name="Approve").click()
    expect(page.get_by_text("This is the last approval that is needed.")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Grant Active")).to_be_visible()
    reload_until(page, lambda: "Access is open" in page.get_by_role("region", name="History").inner_text())
    expect(page.get_by_role("region", name="Decisions")).to_contain_text("Checked the case.")

    page.clock.install(time=datetime.now(UTC))
    page.reload()
    left = page.locator(".time-left [data-countdown]")
    expect(left).to_contain_text("59 min")
    page.clock.fast_forward("55:00")
    expect(left).to_contain_text(re.compile(r"^[34] min"))

    page.get_by_role("link", name="Grants").click()
    live = page.get_by_role("listitem").filter(has_text=asked["service_request"])
    live.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("heading", name="Revoke this access?")).to_be_visible()
    page.get_by_label("Why").fill("Enough.")
    page.get_by_role("button", name="Revoke access").click()
    expect(page.get_by_text("You revoked the access.")).to_be_visible()
    assert people.engineer.get(f"/requests/{asked['id']}")["grant"]["state"] == "REVOKED"
    page.get_by_role("link", name="Grants").click()
    expect(row(page, asked["service_request"])).to_contain_text("Revoked")


def test_request_when_rejected_on_its_own_page_gives_no_access(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    page = open_as("vendor_approver", f"/requests/{asked['id']}")
    page.get_by_label("Comment").fill("Not needed.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("You rejected this request.")).to_be_visible()
    expect(page.get_by_role("region", name="Decisions")).to_contain_text("Not needed.")
    expect(page.get_by_role("region", name="Progress")).to_contain_text("No access")
    assert people.engineer.get(f"/requests/{asked['id']}")["grant"] is None


def test_decision_when_the_form_is_sent_twice_counts_once(
    browse: Callable[[str], httpx.Client], ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    approver, path = browse("vendor_approver"), f"/requests/{asked['id']}"
    form = {**FormFields(approver.get(f"{path}/approve").text).fields, "comment": "once"}
    answers = [approver.post(f"{path}/approve", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert "Nothing was changed" not in approver.get(path).text
    decisions = people.engineer.get(f"/requests/{asked['id']}")["decisions"]
    assert [(decision["side"], decision["comment"]) for decision in decisions] == [("VENDOR", "once")]
