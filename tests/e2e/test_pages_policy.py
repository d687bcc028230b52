"""The whole policy as a document, four eyes on its changes, and trying it, in a real browser."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.pages import VENDOR_STAGE, Open, barriers, customer_stage, policy_of, put
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
    page.get_by_role("button", name="Save the policy").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    expect(page.get_by_role("region", name="How a request is decided")).to_contain_text("2 approvals of Approvers")
    saved = people.northwind_admin.get(POLICY)
    assert saved["rules"][0]["name"] == "At night"
    assert saved["stages"][1]["groups"][0]["approvals"] == 2


def test_document_when_gone_on_with_is_as_it_was_left(open_as: Open, northwind: dict[str, Any]) -> None:
    page = open_as("northwind_admin", "/settings/document")
    edit(page, rules=[NIGHT])
    page.get_by_role("button", name="Go on editing").click()
    assert json.loads(document(page).input_value())["rules"][0]["name"] == "At night"
    edit(page, rules=[])
    expect(page.get_by_role("heading", name="Nothing would change")).to_be_visible()
    expect(page.get_by_role("button", name="Save the policy")).to_have_count(0)


def test_document_when_it_can_not_be_in_force_says_where(
    open_as: Open, northwind: dict[str, Any], people: People
) -> None:
    page = open_as("northwind_admin", "/settings/document")
    edit(page, stages=[VENDOR_STAGE, customer_stage(9)])
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("stages.1.groups.0.approvals")
    expect(alert).to_contain_text("so many people can decide here")
    assert '"approvals": 9' in document(page).input_value()
    edit(page, maximum_duration="PT25H", stages=[{**VENDOR_STAGE, "side": "NOBODY"}])
    expect(alert).to_contain_text("maximum_duration")
    expect(alert).to_contain_text("stages.0.side")
    assert barriers(page) == []
    document(page).fill('{"require_approval": tru')
    page.get_by_role("button", name="Show what would change").click()
    expect(alert).to_contain_text("The document is not JSON")
    document(page).fill(json.dumps({"tenant": "contoso"}))
    page.get_by_role("button", name="Show what would change").click()
    expect(alert).to_contain_text("tenant: expected northwind")
    document(page).fill("{}")
    page.get_by_role("button", name="Show what would change").click()
    expect(alert).to_contain_text("require_approval: expected a value")
    expect(alert).to_contain_text("stages: expected a value")
    assert people.northwind_admin.get(POLICY) == northwind


def test_document_when_somebody_else_was_faster_is_not_saved_and_not_lost(
    open_as: Open, northwind: dict[str, Any], people: People
) -> None:
    page = open_as("northwind_admin", "/settings/document")
    edit(page, rules=[NIGHT])
    put(people.northwind_admin_2, {**northwind, "version": None, "comment_on_denial": True})
    page.get_by_role("button", name="Save the policy").click()
    expect(page.get_by_role("alert")).to_contain_text("Your change was not saved.")
    assert json.loads(document(page).input_value())["rules"][0]["name"] == "At night"
    assert people.northwind_admin.get(POLICY)["rules"] == []
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("row").filter(has_text="comment_on_denial")).to_be_visible()


def test_simple_form_when_saved_keeps_what_it_does_not_show(
    open_as: Open, northwind: dict[str, Any], people: People
) -> None:
    freeze = {
        "name": "Year end",
        "starts": "2099-12-24T18:00",
        "ends": "2099-12-27T08:00",
        "time_zone": "Europe/Berlin",
        "effect": "no_access",
    }
    before = put(people.northwind_admin, {**northwind, "version": None, "rules": [NIGHT], "freezes": [freeze]})
    page = open_as("northwind_admin", "/settings")
    plan = page.get_by_role("region", name="How a request is decided")
    for text in ("At night", "denies", "actions: export", "Year end", "no access at all"):
        expect(plan).to_contain_text(text)
    page.get_by_label("Maximum with extensions").fill("6h")
    page.get_by_role("switch", name="Allow break-glass").check()
    page.get_by_label("Break-glass duration").fill("30 min")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    after = people.northwind_admin.get(POLICY)
    assert after["maximum_total"] == "PT6H"
    assert after["break_glass"] == {"allowed": True, "duration": "PT30M"}
    assert [after[name] for name in ("stages", "rules", "freezes")] == [
        before[name] for name in ("stages", "rules", "freezes")
    ]


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


@pytest.mark.parametrize(("name", "button"), [("northwind_admin_2", "Reject"), ("northwind_admin", "Withdraw")])
def test_proposal_when_taken_off_the_table_changes_nothing(
    open_as: Open, four_eyes: dict[str, Any], people: People, name: str, button: str
) -> None:
    proposed = people.northwind_admin.http.put(POLICY, json={**four_eyes, "comment_on_denial": True})
    assert proposed.status_code == 202, proposed.text
    page = open_as(name, "/settings")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_text("The proposal is rejected.")).to_be_visible()
    after = people.northwind_admin.get(POLICY)
    assert (after["comment_on_denial"], after["proposal"]) == (False, None)


def test_proposal_when_another_one_took_its_place_is_not_agreed_to_unseen(
    open_as: Open, four_eyes: dict[str, Any], people: People
) -> None:
    people.northwind_admin.http.put(POLICY, json={**four_eyes, "comment_on_denial": True})
    page = open_as("northwind_admin_2", "/settings")
    people.northwind_admin.http.put(POLICY, json={**four_eyes, "maximum_duration": "PT8H"})
    page.get_by_role("button", name="Agree").click()
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="maximum_duration")).to_contain_text('"PT8H"')
    assert people.northwind_admin.get(POLICY)["version"] == four_eyes["version"]


def test_proposal_shown_to_others_has_no_buttons(open_as: Open, four_eyes: dict[str, Any], people: People) -> None:
    people.northwind_admin.http.put(POLICY, json={**four_eyes, "comment_on_denial": True})
    page = open_as("northwind_auditor", "/settings")
    proposal = page.get_by_role("region", name="A change waits for a second administrator")
    expect(proposal).to_contain_text(people.northwind_admin.email)
    expect(proposal.get_by_role("button")).to_have_count(0)


def test_policy_when_tried_shows_who_would_decide(
    open_as: Open, northwind: dict[str, Any], people: People, ask: Callable[..., Any]
) -> None:
    page = open_as("northwind_approver", "/settings")
    page.get_by_role("link", name="Try the policy").click()
    page.get_by_label("Actions").fill("read, export")
    page.get_by_role("button", name="Try it").click()
    forecast = page.get_by_role("region", name="Forecast")
    expect(forecast).to_contain_text("People would decide")
    for name in ("vendor_approver", "lead", "northwind_approver", "northwind_approver_2"):
        expect(forecast).to_contain_text(getattr(people, name).email)
    expect(forecast).to_contain_text(f"version {northwind['version']}, which is in force")
    assert page.get_by_label("Actions").input_value() == "read, export"
    assert barriers(page) == []
    page.get_by_label("Engineer").fill(people.lead.email)
    page.get_by_role("button", name="Try it").click()
    expect(forecast).not_to_contain_text(people.lead.email)
    page.get_by_label("Resources").fill("nothing")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#resources-error")).to_contain_text("“nothing”")


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
    page.get_by_label("Policy to try").fill(
        json.dumps({"require_approval": True, "stages": [VENDOR_STAGE, customer_stage(9)]})
    )
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("alert")).to_contain_text("stages.1.groups.0.approvals")
    assert people.northwind_admin.get(POLICY) == northwind


def test_policy_of_any_tenant_can_be_tried_by_who_decides_at_the_vendor(open_as: Open) -> None:
    page = open_as("vendor_approver", "/settings?tenant=northwind")
    page.get_by_role("link", name="Try the policy").click()
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("region", name="Forecast")).to_contain_text("People would decide")
    expect(page.get_by_role("main")).to_contain_text("What the policy of northwind would make of a request")
    page = open_as("engineer")
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
