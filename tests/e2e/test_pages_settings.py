"""Settings, in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.pages import Open, barriers, policy_of
from tests.people import People


@pytest.fixture
def fabrikam_policy(people: People) -> Iterator[dict[str, Any]]:
    with policy_of(people, "fabrikam", require_approval=True) as policy:
        yield policy


def switch(page: Page, name: str = "Require approval for all data access requests") -> Any:
    return page.get_by_role("switch", name=name)


def test_switch_when_turned_off_asks_first_and_then_counts(
    open_as: Open, fabrikam_policy: dict[str, Any], people: People
) -> None:
    page = open_as("fabrikam_admin", "/settings")
    expect(switch(page)).to_be_checked()
    switch(page, "Audit only").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#audit_only-error")).to_contain_text("as long as approval is required")
    switch(page).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Turn approval off?")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="require_approval")).to_contain_text("false")
    expect(page.get_by_text("Nobody decides, not even the vendor's approvers")).to_be_visible()
    assert barriers(page) == []
    assert people.fabrikam_admin.get("/tenants/fabrikam/policy")["require_approval"] is True
    page.get_by_role("button", name="Turn approval off").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    expect(switch(page)).not_to_be_checked()
    after = people.fabrikam_admin.get("/tenants/fabrikam/policy")
    assert (after["require_approval"], after["audit_only"]) == (False, True)
    switch(page, "Audit only").uncheck()
    switch(page).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    expect(switch(page, "Audit only")).not_to_be_checked()
    assert people.fabrikam_admin.get("/tenants/fabrikam/policy")["require_approval"] is True
