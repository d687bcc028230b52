"""The pages of a tenant's policy: read, simple form, whole document, proposals, trial."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    LEAD,
    OPERATOR,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    policy,
)
from tests.unit.portal_service.web.conftest import OpenAs
from tests.unit.portal_service.web.portal import ADMIN_2, Portal

from approval_service.domain.people import Person
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import BreakGlass, Condition, Freeze, Rule
from lockbox.contracts.policy.operations import DecidePolicyChange, EvaluatePolicy, PutPolicy

NIGHT = {"name": "At night", "then": "auto_deny", "when": {"actions": ["export"]}, "comment": "Not without us."}
TOO_MANY = [
    {
        "name": side.title(),
        "side": side,
        "groups": [{"name": "Approvers", "members": [f"{side.lower()}_approver"], "approvals": approvals}],
    }
    for side, approvals in (("VENDOR", 1), ("CUSTOMER", 9))
]
RULE = Rule(name="At night", then="auto_deny", when=Condition(actions=("export",)), comment="Not without us.")
YEAR_END = Freeze(
    name="Year end",
    starts="2099-12-24T18:00",
    ends="2099-12-27T08:00",
    time_zone="Europe/Berlin",
    effect="no_access",
)


def document(portal: Portal, **changes: Any) -> str:
    """The document that the page shows, with some of it changed."""
    return json.dumps(json.loads(portal.get("/settings/document").values["document"]) | changes)


def put(portal: Portal, **settings: Any) -> None:
    """Put another policy in force, as the next version."""
    portal.services.policies.states["contoso"] = policy(**settings)


def check(portal: Portal, text: str, status: int = 200) -> Any:
    form = portal.get("/settings/document").values | {"document": text, "step": "check"}
    return portal.post("/settings/document", form, status)


def save(portal: Portal, page: Any, status: int = 303) -> Any:
    return portal.post("/settings/document", page.values | {"step": "save"}, status)


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "changes", "tries"),
    [
        (ADMIN, True, True),
        (ALICE, False, True),
        (AUDITOR, False, True),
        (VENDOR_APPROVER, False, True),
        (VENDOR_AUDITOR, False, True),
    ],
)
def test_policy_is_read_by_many_and_changed_by_administrators(
    open_as: OpenAs, person: Caller, *, changes: bool, tries: bool
) -> None:
    page = open_as(person).get("/settings?tenant=contoso")
    assert "Require approval for all data access requests" in page.text
    assert ("Save" in page.buttons) is changes
    assert ("Change the whole policy as a document" in page.links) is changes
    assert ("Try the policy" in page.links) is tries


@pytest.mark.parametrize("person", [ENGINEER, OPERATOR])
def test_policy_is_not_read_by_engineers_and_operators(open_as: OpenAs, person: Caller) -> None:
    open_as(person).get("/settings?tenant=contoso", 403)


def test_policy_shows_its_stages_rules_and_freezes_in_words(open_as: OpenAs) -> None:
    portal = open_as(ALICE)
    put(portal, rules=(RULE,), freezes=(YEAR_END,))
    text = portal.get("/settings").text
    for words in (
        "At night denies",
        "actions: export",
        "Not without us.",
        "Year end",
        "no access at all",
        "1 approval",
    ):
        assert words in text


# --- the simple form -----------------------------------------------------------------------------------------------


def test_simple_form_when_saved_keeps_the_settings_that_it_does_not_show(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    put(portal, rules=(RULE,), freezes=(YEAR_END,))
    changes = {"maximum_total": "2d", "break_glass_allowed": "on", "break_glass": "30 min"}
    assert "Settings saved." in portal.send("/settings", **changes).text
    saved = portal.services.policies.states["contoso"]
    assert (saved.maximum_total, saved.rules, saved.freezes) == (timedelta(days=2), (RULE,), (YEAR_END,))
    assert saved.break_glass == BreakGlass(allowed=True, duration=timedelta(minutes=30))


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ({"maximum_duration": "25h"}, "1 second to 1 day"),
        ({"maximum_duration": "2h", "default_duration": "3h"}, "at most maximum duration, 2 hours"),
        ({"audit_only": "on"}, "as long as approval is required"),
    ],
)
def test_simple_form_with_a_wrong_value_says_so_beside_it(open_as: OpenAs, typed: dict[str, str], text: str) -> None:
    page = open_as(ADMIN).send("/settings", 422, **typed)
    assert text in page.text
    assert {name: page.values[name] for name in typed if name != "audit_only"} == {
        name: value for name, value in typed.items() if name != "audit_only"
    }


def test_four_eyes_without_a_second_administrator_is_refused(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    del portal.services.directory.people[ADMIN_2.email]
    assert "no second administrator" in portal.send("/settings", 422, four_eyes="on").text


def test_simple_form_of_an_earlier_version_is_not_saved(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    form = portal.get("/settings").values | {"maximum_duration": "3h", "version": "0"}
    page = portal.post("/settings", form, 409)
    assert "Your change was not saved." in page.text
    assert page.values["maximum_duration"] != "3h"
    assert portal.services.commands(PutPolicy) == []


def test_approval_when_turned_off_is_asked_about_first(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    form = portal.get("/settings").values
    del form["require_approval"]
    page = portal.post("/settings", form, 200)
    assert "Turn approval off?" in page.text
    assert "require_approval" in page.text
    assert portal.services.commands(PutPolicy) == []
    assert "Settings saved." in save(portal, page).text
    assert portal.services.policies.states["contoso"].require_approval is False


def test_audit_only_when_turned_on_is_asked_about_first(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    put(portal, require_approval=False)
    page = portal.send("/settings", 200, audit_only="on")
    assert "Turn audit only on?" in page.text
    assert "Nobody decides, not even the vendor's approvers" in page.text
    assert portal.services.commands(PutPolicy) == []
    assert "Settings saved." in save(portal, page).text
    assert portal.services.policies.states["contoso"].audit_only is True


@pytest.mark.parametrize("path", ["/settings", "/settings/document"])
@pytest.mark.parametrize("person", [ALICE, VENDOR_APPROVER])
def test_change_by_others_is_refused(open_as: OpenAs, person: Caller, path: str) -> None:
    portal = open_as(person)
    token = {"csrf_token": portal.get("/queue").values["csrf_token"]}
    assert "You can't do this" in portal.post(path, token, 403).text


# --- the document --------------------------------------------------------------------------------------------------


def test_document_shows_its_differences_before_it_is_saved(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    page = check(portal, document(portal, rules=[NIGHT], maximum_duration="PT3H", default_duration="PT1H"))
    assert "Change the policy?" in page.text
    for text in ("rules[At night]", "maximum_duration", '"PT3H"'):
        assert text in page.text
    assert portal.services.commands(PutPolicy) == []
    assert "Settings saved." in save(portal, page).text
    assert portal.services.policies.states["contoso"].rules == (RULE,)


def test_document_that_changes_nothing_can_not_be_saved(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    page = check(portal, document(portal))
    assert "Nothing would change" in page.text
    assert "Save the policy" not in page.buttons


def test_document_when_gone_on_with_is_as_it_was_left(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    page = check(portal, document(portal, rules=[NIGHT]))
    again = portal.post("/settings/document", page.values | {"step": "edit"}, 200)
    assert "At night" in again.html


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"maximum_duration": "PT25H"}, ["maximum_duration"]),
        ({"stages": [{"name": "x", "side": "NOBODY", "groups": []}]}, ["stages.0.side"]),
        ({"tenant": "fabrikam"}, ["tenant: expected contoso"]),
        ({"stages": TOO_MANY}, ["stages.1.groups.0.approvals", "so many people can decide here"]),
    ],
)
def test_document_that_can_not_be_in_force_says_where(
    open_as: OpenAs, changes: dict[str, Any], texts: list[str]
) -> None:
    portal = open_as(ADMIN)
    page = check(portal, document(portal, **changes), 422)
    assert "This policy can't be in force. Nothing was changed." in page.text
    assert all(text in page.text.replace("Expected", "expected") for text in texts), page.text
    assert page.values["document"] == document(portal, **changes)


def test_document_without_its_fields_names_each(open_as: OpenAs) -> None:
    page = check(open_as(ADMIN), "{}", 422)
    for name in ("require_approval", "stages"):
        assert f"{name}: expected a value" in page.text.replace("Expected", "expected")


def test_document_that_is_not_json_says_so(open_as: OpenAs) -> None:
    assert "The document is not JSON" in check(open_as(ADMIN), '{"require_approval": tru', 400).text


def test_document_of_an_earlier_version_is_not_saved_and_not_lost(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    page = check(portal, document(portal, rules=[NIGHT]))
    portal.services.policies.states["contoso"] = replace(policy(comment_on_denial=True), version=2)
    again = portal.post("/settings/document", page.values | {"step": "save"}, 409)
    assert "Your change was not saved." in again.text
    assert "At night" in again.html
    assert portal.services.policies.states["contoso"].rules == ()
    assert "comment_on_denial" in portal.post("/settings/document", again.values | {"step": "check"}, 200).text


# --- four eyes -----------------------------------------------------------------------------------------------------


def proposed(portal: Portal) -> Any:
    """Propose a change as the first administrator, under four eyes."""
    put(portal, four_eyes=True)
    return portal.send("/settings", maximum_duration="3h", default_duration="2h")


def as_other(portal: Portal, person: Caller) -> Portal:
    return Portal(portal.app, portal.services, person)


def test_change_under_four_eyes_is_proposed(open_as: OpenAs) -> None:
    page = proposed(open_as(ADMIN))
    assert "Your change is proposed." in page.text
    assert "A change waits for a second administrator" in page.text
    assert '"PT3H"' in page.text
    assert "Withdraw" in page.buttons
    assert "Agree" not in page.buttons


def test_proposal_is_agreed_to_by_another_administrator(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    proposed(portal)
    other = as_other(portal, ADMIN_2)
    page = other.get("/settings")
    assert {"Agree", "Reject"} <= set(page.buttons)
    after = other.post("/settings/proposal", page.values | {"decision": "agree"})
    assert "You agreed. The policy is now version 2" in after.text
    assert portal.services.policies.states["contoso"].maximum_duration == timedelta(hours=3)


@pytest.mark.parametrize("person", [ADMIN, ADMIN_2])
def test_proposal_when_rejected_changes_nothing(open_as: OpenAs, person: Caller) -> None:
    portal = open_as(ADMIN)
    proposed(portal)
    other = as_other(portal, person)
    after = other.post("/settings/proposal", other.get("/settings").values | {"decision": "reject"})
    assert "The proposal is rejected. Nothing was changed." in after.text
    assert portal.services.policies.states["contoso"].maximum_duration != timedelta(hours=3)


def test_proposal_that_another_one_replaced_is_not_agreed_to_unseen(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    proposed(portal)
    other = as_other(portal, ADMIN_2)
    form = other.get("/settings").values
    portal.send("/settings", maximum_duration="5h")
    after = other.post("/settings/proposal", form | {"decision": "agree"})
    assert "Nothing was changed." in after.text
    assert '"PT5H"' in after.text
    assert len(portal.services.commands(DecidePolicyChange)) == 1
    assert portal.services.policies.states["contoso"].version == 1


@pytest.mark.parametrize("person", [ALICE, AUDITOR])
def test_proposal_has_no_buttons_for_others(open_as: OpenAs, person: Caller) -> None:
    portal = open_as(ADMIN)
    proposed(portal)
    page = as_other(portal, person).get("/settings")
    assert ADMIN.email in page.text
    assert page.buttons == ["Sign out"]


# --- the trial -----------------------------------------------------------------------------------------------------


def test_trial_shows_the_people_who_could_decide(open_as: OpenAs) -> None:
    portal = open_as(ALICE)
    page = portal.send("/settings/try", 200, actions="read, export")
    assert "People would decide" in page.text
    assert VENDOR_APPROVER.email in page.text
    assert "version 1, which is in force" in page.text
    assert page.values["actions"] == "read, export"
    [question] = portal.services.commands(EvaluatePolicy)
    assert question.terms.actions == ("read", "export")
    assert question.settings is None


def test_trial_for_an_engineer_who_also_approves_leaves_that_person_out(open_as: OpenAs) -> None:
    portal = open_as(ALICE)
    lead = Person(LEAD.email, LEAD.organisation, frozenset(LEAD.roles))
    portal.services.directory.people[LEAD.email] = lead
    forecast = portal.send("/settings/try", 200)
    assert LEAD.email in forecast.text
    assert LEAD.email not in portal.send("/settings/try", 200, requester=LEAD.email).text


def test_trial_of_a_policy_that_is_not_in_force_says_so(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    text = document(portal, rules=[NIGHT])
    page = portal.send("/settings/try", 200, actions="export", document=text)
    for words in ("It would be denied by itself", "Not without us.", "which is not in force"):
        assert words in page.text


def test_trial_begins_with_the_document_that_was_edited(open_as: OpenAs) -> None:
    portal = open_as(ADMIN)
    page = check(portal, document(portal, rules=[NIGHT]))
    assert "At night" in portal.post("/settings/try", page.values | {"step": "begin"}, 200).html
    assert portal.services.commands(EvaluatePolicy) == []


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ({"resources": "nothing"}, "“nothing”"),
        ({"document": '{"require_approval": true, "stages": [{}]}'}, "stages.0.name"),
    ],
)
def test_trial_with_a_fault_says_where(open_as: OpenAs, typed: dict[str, str], text: str) -> None:
    page = open_as(ALICE).send("/settings/try", 422, **typed)
    assert text in page.text


def test_trial_of_any_tenant_is_for_approvers_of_the_vendor(open_as: OpenAs) -> None:
    page = open_as(VENDOR_APPROVER).get("/settings/try?tenant=contoso")
    assert "What the policy of contoso would make of a request" in page.text
    open_as(ENGINEER).get("/settings/try", 403)
