"""The whole policy as a document, four eyes on its changes, and trying it, in a real browser."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.pages import VENDOR_STAGE, Open, barriers, customer_stage, policy_of
from tests.people import People

POLICY = "/tenants/northwind/policy"
CONFIRM = "Change the policy?"
NIGHT = {"name": "At night", "then": "auto_deny", "when": {"actions": ["export"]}, "comment": "Not without us."}


@pytest.fixture
def northwind(people: People) -> Iterator[dict[str, Any]]:
    with policy_of(people, "northwind", rules=[], freezes=[], four_eyes=False) as policy:
        yield policy


@pytest.fixture
def four_eyes(people: People) -> Iterator[dict[str, Any]]:
    with policy_of(people, "northwind", four_eyes=True) as policy:
        yield policy


def document(page: Page) -> Any:
    return page.get_by_label("Policy (JSON)")


def edit(page: Page, **changes: Any) -> None:
    document(page).fill(json.dumps(json.loads(document(page).input_value()) | changes))
    page.get_by_role("button", name="Show what would change").click()


def test_document_when_changed_shows_the_differences_before_it_is_saved(
    open_as: Open, northwind: dict[str, Any], people: People
) -> None:
    page = open_as("northwind_admin", "/settings")
    page.get_by_role("link", name="Change the whole policy as a document").click()
    assert barriers(page) == []
    edit(page, stages=[VENDOR_STAGE, customer_stage(9)])
    expect(page.get_by_role("alert")).to_contain_text("stages.1.groups.0.approvals")
    assert '"approvals": 9' in document(page).input_value()
    assert barriers(page) == []
    edit(
        page, stages=[VENDOR_STAGE, customer_stage(2)], rules=[NIGHT], maximum_duration="PT3H", default_duration="PT1H"
    )
    expect(page.get_by_role("heading", name=CONFIRM)).to_be_visible()
    longest = page.get_by_role("row").filter(has_text="maximum_duration")
    expect(longest).to_contain_text('"PT4H"')
    expect(longest).to_contain_text('"PT3H"')
    expect(page.get_by_role("row").filter(has_text="stages[Customer].groups[Approvers].approvals")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="rules[At night]")).to_contain_text("auto_deny")
    assert barriers(page) == []
    assert people.northwind_admin.get(POLICY) == northwind
    page.get_by_role("button", name="Go on editing").click()
    assert json.loads(document(page).input_value())["rules"][0]["name"] == "At night"
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_role("button", name="Save the policy").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    expect(page.get_by_role("region", name="How a request is decided")).to_contain_text("2 approvals of Approvers")
    saved = people.northwind_admin.get(POLICY)
    assert saved["rules"][0]["name"] == "At night"
    assert saved["stages"][1]["groups"][0]["approvals"] == 2


def test_change_under_four_eyes_counts_when_another_administrator_agrees(
    open_as: Open, four_eyes: dict[str, Any], people: People
) -> None:
    page = open_as("northwind_admin", "/settings")
    page.get_by_label("Maximum duration").fill("3h")
    page.get_by_label("Default duration").fill("2h")
    page.get_by_role("button", name="Propose the change").click()
    expect(page.get_by_text("Your change is proposed.")).to_be_visible()
    proposal = page.get_by_role("region", name="A change waits for a second administrator")
    expect(proposal.get_by_role("row").filter(has_text="maximum_duration")).to_contain_text('"PT3H"')
    expect(proposal.get_by_role("button", name="Agree")).to_have_count(0)
    assert barriers(page) == []
    assert people.northwind_admin.get(POLICY)["maximum_duration"] == four_eyes["maximum_duration"]

    other = open_as("northwind_admin_2")
    other.get_by_role("link", name="look at it").click()
    expect(other.get_by_role("row").filter(has_text="maximum_duration")).to_contain_text('"PT3H"')
    other.get_by_role("button", name="Agree").click()
    expect(other.get_by_text("You agreed.")).to_be_visible()
    after = people.northwind_admin.get(POLICY)
    assert (after["maximum_duration"], after["proposal"]) == ("PT3H", None)


def test_policy_when_tried_before_it_is_in_force_shows_what_would_happen_by_itself(
    open_as: Open, northwind: dict[str, Any], people: People
) -> None:
    page = open_as("northwind_admin", "/settings/document")
    edit(page, rules=[NIGHT])
    page.get_by_role("button", name="Try it first").click()
    page.get_by_label("Actions").fill("export")
    page.get_by_role("button", name="Try it").click()
    forecast = page.get_by_role("region", name="Forecast")
    expect(forecast).to_contain_text("It would be denied by itself")
    expect(forecast).to_contain_text("Not without us.")
    expect(forecast).to_contain_text("which is not in force")
    assert barriers(page) == []
    page.get_by_label("Policy to try").fill(
        json.dumps({"require_approval": True, "stages": [VENDOR_STAGE, customer_stage(9)]})
    )
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("alert")).to_contain_text("stages.1.groups.0.approvals")
    page.goto(f"{people.portal}/settings")
    page.get_by_role("link", name="Try the policy").click()
    page.get_by_role("button", name="Try it").click()
    expect(forecast).to_contain_text("People would decide")
    expect(forecast).to_contain_text(people.northwind_approver_2.email)
    expect(forecast).to_contain_text(f"version {northwind['version']}, which is in force")
    assert people.northwind_admin.get(POLICY) == northwind
