"""Settings, in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.pages import Open, barriers, policy_of, put
from tests.people import People


@pytest.fixture
def fabrikam_policy(people: People) -> Iterator[dict[str, Any]]:
    with policy_of(people, "fabrikam", require_approval=True) as policy:
        yield policy


def switch(page: Page) -> Any:
    return page.get_by_role("switch", name="Require approval for all data access requests")


def test_switch_when_turned_off_asks_first_and_then_counts(
    open_as: Open, fabrikam_policy: dict[str, Any], people: People
) -> None:
    page = open_as("fabrikam_admin", "/settings")
    expect(switch(page)).to_be_checked()
    switch(page).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Turn approval off?")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="require_approval")).to_contain_text("false")
    assert barriers(page) == []
    assert people.fabrikam_admin.get("/tenants/fabrikam/policy")["require_approval"] is True
    page.get_by_role("button", name="Turn approval off").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    expect(switch(page)).not_to_be_checked()
    assert people.fabrikam_admin.get("/tenants/fabrikam/policy")["require_approval"] is False
    switch(page).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    assert people.fabrikam_admin.get("/tenants/fabrikam/policy")["require_approval"] is True


def test_audit_only_when_turned_on_asks_first_and_needs_approval_to_be_off(
    open_as: Open, fabrikam_policy: dict[str, Any], people: People
) -> None:
    page = open_as("fabrikam_admin", "/settings")
    page.get_by_role("switch", name="Audit only").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#audit_only-error")).to_contain_text("as long as approval is required")
    switch(page).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nobody decides, not even the vendor's approvers")).to_be_visible()
    page.get_by_role("button", name="Turn approval off").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    assert people.fabrikam_admin.get("/tenants/fabrikam/policy")["audit_only"] is True
    page.get_by_role("switch", name="Audit only").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("switch", name="Audit only")).not_to_be_checked()


def test_rejection_when_it_has_to_say_why_is_not_taken_without(
    open_as: Open, fabrikam_policy: dict[str, Any], people: People
) -> None:
    page = open_as("fabrikam_admin", "/settings")
    page.get_by_role("switch", name="A rejection has to say why").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    expect(page.get_by_role("switch", name="A rejection has to say why")).to_be_checked()
    asked = people.engineer.ask(tenant="fabrikam")
    page = open_as("vendor_approver", f"/requests/{asked}/reject")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#comment-error")).to_contain_text("why you reject")
    page.get_by_label("Why").fill("Not without a case.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("You rejected this request.")).to_be_visible()


def test_settings_when_somebody_else_was_faster_are_not_saved(
    open_as: Open, fabrikam_policy: dict[str, Any], people: People
) -> None:
    page = open_as("fabrikam_admin", "/settings")
    other = {**fabrikam_policy, "version": None, "maximum_duration": "PT7H"}
    put(people.fabrikam_admin, other)
    page.get_by_label("Maximum duration").fill("3h")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Your change was not saved.")
    assert page.get_by_label("Maximum duration").input_value() == "7h"
    assert people.fabrikam_admin.get("/tenants/fabrikam/policy")["maximum_duration"] == "PT7H"


def test_settings_when_a_value_is_wrong_says_so_beside_it(open_as: Open, fabrikam_policy: dict[str, Any]) -> None:
    page = open_as("fabrikam_admin", "/settings")
    page.get_by_label("Maximum duration").fill("25h")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#maximum_duration-error")).to_contain_text("1 second to 1 day")
    assert page.get_by_label("Maximum duration").input_value() == "25h"


def test_settings_when_they_contradict_each_other_say_so_beside_it(
    open_as: Open, fabrikam_policy: dict[str, Any]
) -> None:
    page = open_as("fabrikam_admin", "/settings")
    page.get_by_label("Default duration").fill("3h")
    page.get_by_label("Maximum duration").fill("2h")
    page.get_by_role("switch", name="Four eyes").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#default_duration-error")).to_contain_text("at most maximum duration, 2 hours")
    expect(page.locator("#four_eyes-error")).to_contain_text("no second administrator")


@pytest.mark.parametrize("name", ["contoso_approver", "contoso_auditor", "engineer"])
def test_settings_shown_to_others_are_read_only(open_as: Open, name: str) -> None:
    page = open_as(name, "/settings")
    expect(page.get_by_text("Require approval for all data access requests")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
