"""Deciding and revoking, in a real browser."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.e2e.pages import VENDOR_STAGE, Open, customer_stage, form_of, policy_of, reload_until, row
from tests.people import People


def test_request_when_both_sides_click_approve_opens_access(open_as: Open, ask: Callable[..., Any]) -> None:
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

    customer = open_as("contoso_approver")
    reload_until(customer, lambda: row(customer, asked["service_request"]).count() == 1)
    row(customer, asked["service_request"]).get_by_role("link", name="Approve").click()
    expect(customer.get_by_text("This is the last approval that is needed.")).to_be_visible()
    customer.get_by_role("button", name="Approve").click()
    expect(customer.get_by_role("heading", name="Grant Active")).to_be_visible()
    reload_until(customer, lambda: "Access is open" in customer.get_by_role("region", name="History").inner_text())
    expect(customer.get_by_role("region", name="Decisions")).to_contain_text("Checked the case.")


def test_request_when_rejected_is_denied_and_gives_no_access(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    people.vendor_approver.decide(asked["id"], "approve")
    page = open_as("contoso_approver")
    reload_until(page, lambda: row(page, asked["service_request"]).count() == 1)
    row(page, asked["service_request"]).get_by_role("link", name="Reject").click()
    expect(page.get_by_text("One rejection is final")).to_be_visible()
    page.get_by_label("Why").fill("No.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("You rejected this request.")).to_be_visible()
    expect(page.get_by_role("region", name="Progress")).to_contain_text("No access")
    assert people.engineer.get(f"/requests/{asked['id']}")["grant"] is None


def test_decision_from_the_details_page_counts(open_as: Open, ask: Callable[..., Any]) -> None:
    page = open_as("vendor_approver", f"/requests/{ask()['id']}")
    page.get_by_label("Comment").fill("Not needed.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("You rejected this request.")).to_be_visible()
    expect(page.get_by_role("region", name="Decisions")).to_contain_text("Not needed.")


def test_decision_when_the_form_is_sent_twice_counts_once(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    page = open_as("vendor_approver", f"/requests/{asked['id']}/approve")
    form = {**form_of(page), "comment": "once"}
    answers = [page.request.post(page.url, form=form, max_redirects=0) for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 303]
    page.goto(page.url.removesuffix("/approve"))
    expect(page.get_by_text("Nothing was changed")).to_have_count(0)
    decisions = people.engineer.get(f"/requests/{asked['id']}")["decisions"]
    assert [(decision["side"], decision["comment"]) for decision in decisions] == [("VENDOR", "once")]


def test_decision_when_the_request_was_cancelled_meanwhile_changes_nothing(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    page = open_as("vendor_approver", f"/requests/{asked['id']}/approve")
    people.engineer.post(f"/requests/{asked['id']}/cancel", {})
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Nothing was changed. This request is cancelled")).to_be_visible()


@pytest.mark.parametrize("path", ["", "/approve", "/reject"])
def test_emailed_link_when_merely_opened_changes_nothing(
    open_as: Open, ask: Callable[..., Any], people: People, path: str
) -> None:
    asked = ask()
    page = open_as("vendor_approver", f"/requests/{asked['id']}{path}")
    for query in ("?decision=approve", "?comment=x&csrf_token=x"):
        page.goto(page.url.partition("?")[0] + query)
    after = people.engineer.get(f"/requests/{asked['id']}")
    assert after["state"] == "PENDING_VENDOR"
    assert after["decisions"] == []


def test_request_when_opened_by_its_engineer_can_be_cancelled_and_not_decided(
    open_as: Open, ask: Callable[..., Any]
) -> None:
    page = open_as("engineer", f"/requests/{ask()['id']}")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("link", name="Cancel request").click()
    page.get_by_role("button", name="Cancel request").click()
    expect(page.get_by_text("You cancelled this request.")).to_be_visible()


def test_decision_when_two_approvals_are_needed_shows_the_progress(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    with policy_of(people, "northwind", stages=[VENDOR_STAGE, customer_stage(2, "Security")]):
        asked = ask("northwind")
        people.vendor_approver.decide(asked["id"])
    page = open_as("northwind_approver", f"/requests/{asked['id']}")
    expect(page.get_by_text("this stage still needs 1 approval")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("region", name="Progress")).to_contain_text("Approvers: 1 of 2")
    expect(page.get_by_text("Until the stage is over you can change your mind")).to_be_visible()
    page.get_by_role("link", name="My queue").click()
    expect(row(page, asked["service_request"])).to_have_count(0)
    other = open_as("northwind_approver_2")
    expect(row(other, asked["service_request"])).to_contain_text("Stage: Security")


def test_decision_when_the_mind_is_changed_before_the_stage_is_over_takes_the_place_of_the_first(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    with policy_of(people, "northwind", stages=[VENDOR_STAGE, customer_stage(2)]):
        asked = ask("northwind")
        people.vendor_approver.decide(asked["id"])
    page = open_as("northwind_approver", f"/requests/{asked['id']}")
    page.get_by_label("Comment").fill("Looks right.")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("link", name="Reject instead").click()
    expect(page.get_by_role("heading", name="Change your decision?")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("You approved this request")
    expect(page.get_by_role("main")).to_contain_text("Looks right.")
    page.get_by_label("Why").fill("It is not.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("You rejected this request.")).to_be_visible()
    after = people.engineer.get(f"/requests/{asked['id']}")
    assert after["state"] == "DENIED"
    said = [(one["approver"], one["decision"], one["comment"]) for one in after["decisions"] if one["stage"] == 2]
    assert said == [(people.northwind_approver.email, "deny", "It is not.")]
    history = page.get_by_role("region", name="History")
    reload_until(page, lambda: "in place of an earlier" in history.inner_text())


def test_decision_of_who_is_not_of_the_stage_is_not_offered(
    open_as: Open, ask: Callable[..., Any], people: People
) -> None:
    asked = ask()
    people.vendor_approver.decide(asked["id"])
    page = open_as("vendor_approver", f"/requests/{asked['id']}")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.get_by_text("The customer's people decide now.")).to_be_visible()
    page.goto(f"{page.url}/approve")
    expect(page.get_by_role("heading", name="You can't do this now")).to_be_visible()


def test_grant_when_revoked_by_clicks_has_ended(open_as: Open, approved: dict[str, Any], people: People) -> None:
    page = open_as("contoso_approver", "/grants")
    live = page.get_by_role("listitem").filter(has_text=approved["service_request"])
    expect(live).to_contain_text("left")
    live.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("heading", name="Revoke this access?")).to_be_visible()
    page.get_by_label("Why").fill("Enough.")
    page.get_by_role("button", name="Revoke access").click()
    expect(page.get_by_text("You revoked the access.")).to_be_visible()
    assert people.engineer.get(f"/grants/{approved['grant']['id']}")["state"] == "REVOKED"
    page.get_by_role("link", name="Grants").click()
    expect(row(page, approved["service_request"])).to_contain_text("Revoked")


def test_grant_when_completed_by_clicks_has_ended(open_as: Open, approved: dict[str, Any], people: People) -> None:
    page = open_as("engineer", "/grants")
    live = page.get_by_role("listitem").filter(has_text=approved["service_request"])
    live.get_by_role("link", name="Complete").click()
    expect(page.get_by_role("heading", name="Complete this access?")).to_be_visible()
    page.get_by_label("What was done").fill("Solved.")
    page.get_by_role("button", name="Complete access").click()
    expect(page.get_by_text("You completed the access.")).to_be_visible()
    assert people.engineer.get(f"/grants/{approved['grant']['id']}")["state"] == "COMPLETED"
    page.get_by_role("link", name="Grants").click()
    expect(row(page, approved["service_request"])).to_contain_text("Completed")


def test_grant_shown_to_its_engineer_says_how_to_fetch_it_and_not_the_token(
    open_as: Open, approved: dict[str, Any]
) -> None:
    page = open_as("engineer", "/grants")
    expect(page.get_by_text(f"lockbox token {approved['grant']['id']}")).to_be_visible()
    assert not re.search(r"eyJ[\w-]{20,}", page.content())


def test_time_left_counts_down(open_as: Open, approved: dict[str, Any]) -> None:
    page = open_as("engineer", f"/requests/{approved['id']}")
    page.clock.install(time=datetime.now(UTC))
    page.reload()
    left = page.locator(".time-left [data-countdown]")
    expect(left).to_contain_text("59 min")
    page.clock.fast_forward("55:00")
    expect(left).to_contain_text(re.compile(r"^[34] min"))
