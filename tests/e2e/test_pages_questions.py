"""Asking the engineer for more, and answering, in a real browser."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect
from tests.e2e.pages import Open, reload_until, row
from tests.people import People


def test_request_when_asked_about_is_answered_and_goes_on(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    approver = open_as("vendor_approver", f"/requests/{asked['id']}")
    approver.get_by_role("link", name="Ask for information").click()
    approver.get_by_label("What you want to know").fill("Which messages exactly?")
    approver.get_by_role("button", name="Send question").click()
    expect(approver.get_by_text("Your question is sent.")).to_be_visible()
    approver.get_by_role("link", name="My queue").click()
    expect(row(approver, asked["service_request"])).to_contain_text("Information requested")

    engineer = open_as("engineer")
    reload_until(engineer, lambda: "Answer" in row(engineer, asked["service_request"]).inner_text())
    row(engineer, asked["service_request"]).get_by_role("link", name="Answer").click()
    expect(engineer.get_by_text("Which messages exactly?")).to_be_visible()
    engineer.get_by_label("Your answer").fill("Those of last Monday.")
    engineer.get_by_role("button", name="Send answer").click()
    expect(engineer.get_by_text("Your answer is on its way")).to_be_visible()

    approver.goto(f"{people.portal}/requests/{asked['id']}")
    reload_until(approver, lambda: "Pending vendor" in approver.get_by_role("main").inner_text())
    talk = approver.get_by_role("region", name="Questions and answers")
    expect(talk).to_contain_text("Those of last Monday.")
    history = approver.get_by_role("region", name="History")
    reload_until(approver, lambda: "The vendor's people go on deciding" in history.inner_text())
    expect(history).to_contain_text(f"{people.vendor_approver.email} asked {people.engineer.email} for information")
    approver.get_by_role("button", name="Approve").click()
    expect(approver.get_by_text("You approved this request.")).to_be_visible()
