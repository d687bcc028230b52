"""A tenant's policy, over REST: every mode, rule and window changes what becomes of a real request."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.people import TERMS, People
from tests.waiting import eventually

TENANT = "tailspin"
KEPT = ("tenant", "version", "proposal", "changed_at", "changed_by")


@pytest.fixture
def policy(people: People) -> Iterator[Any]:
    """Changes the policy of tailspin, and puts it back."""
    admin = people.tailspin_admin
    before = admin.get(f"/tenants/{TENANT}/policy")
    yield lambda **changes: admin.put_policy(TENANT, **changes)
    admin.put_policy(TENANT, **{name: value for name, value in before.items() if name not in KEPT})


def ask(people: People, **changes: Any) -> dict[str, Any]:
    """A request, as soon as the policy has been asked about it."""
    request_id = people.engineer.ask(tenant=TENANT, **changes)
    return eventually(  # type: ignore[no-any-return]
        lambda: (found := people.engineer.get(f"/requests/{request_id}"))["policy_version"] and found
    )


def evaluated(people: People, **changes: Any) -> dict[str, Any]:
    body = {"request": TERMS | {"tenant": TENANT} | changes, "requester": people.engineer.email}
    answer = people.tailspin_admin.post(f"/tenants/{TENANT}/policy/evaluate", body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def stage(name: str, *groups: dict[str, Any], side: str = "CUSTOMER", **more: Any) -> dict[str, Any]:
    return {"name": name, "side": side, "groups": list(groups), **more}


def group(name: str, *members: str, approvals: int = 1) -> dict[str, Any]:
    return {"name": name, "members": list(members), "approvals": approvals}


VENDOR = stage("Vendor", group("Vendor approvers", "vendor_approver"), side="VENDOR")
CUSTOMER = stage("Customer", group("Approvers", "customer_approver"))


def test_stages_when_there_are_three_with_groups_all_have_to_say_yes(people: People, policy: Any) -> None:
    both = stage("Both", group("Approvers", "customer_approver"), group("Admins", people.tailspin_admin.email))
    policy(stages=[VENDOR, CUSTOMER, both])
    request_id = ask(people)["id"]
    people.vendor_approver.decide(request_id)
    assert people.tailspin_approver.decide(request_id)["state"] == "PENDING_CUSTOMER"
    assert people.tailspin_approver.decide(request_id)["state"] == "PENDING_CUSTOMER"
    shown = people.tailspin_admin.get(f"/requests/{request_id}")
    assert (shown["you"]["counts_for"], shown["you"]["missing"][0]["group"]) == (["Admins"], "Admins")
    assert people.tailspin_admin.decide(request_id)["state"] == "APPROVED"


def test_stage_when_others_are_named_refuses_who_is_not(people: People, policy: Any) -> None:
    policy(stages=[stage("Admins", group("Admins", "customer_admin"))])
    request_id = ask(people)["id"]
    answer = people.tailspin_approver.send_decision(request_id, "approve")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_eligible")
    assert people.tailspin_approver.get(f"/requests/{request_id}")["you"]["forbidden"][0]["code"] == "not_eligible"


def test_rules_when_the_first_matches_it_counts(people: People, policy: Any) -> None:
    extra = stage("Payroll", group("Admins", "customer_admin"))
    policy(
        rules=[
            {"name": "No deletions", "when": {"actions": ["delete"]}, "then": "auto_deny", "comment": "never"},
            {"name": "Payroll", "when": {"resources": ["payroll/**"]}, "then": "add_stage", "stage": extra},
            {"name": "Small", "when": {"at_most": "PT30M", "actions": ["read"]}, "then": "auto_approve"},
        ]
    )
    denied = ask(people, actions=["read", "delete"], duration="PT10M")
    assert (denied["state"], denied["rule"]) == ("DENIED", "No deletions")
    payroll = ask(people, resources=["payroll/2026/may"], duration="PT10M")
    assert [one["name"] for one in payroll["stages"]] == ["Vendor", "Customer", "Payroll"]
    small = ask(people, duration="PT10M")
    assert ([one["name"] for one in small["stages"]], small["rule"]) == (["Vendor"], "Small")
    assert ask(people)["rule"] is None
    for request in (denied, payroll, small):
        told = evaluated(people, **{name: request[name] for name in ("resources", "actions", "duration")})
        assert (told["rule"], told["why"]) == (request["rule"], request["why"])


def test_mode_when_audit_only_opens_at_once_and_tells_the_customer(people: People, policy: Any) -> None:
    policy(require_approval=False, audit_only=True)
    request = ask(people)
    assert (request["state"], request["grant"]["opened_by"]) == ("APPROVED", "policy")
    assert people.engineer.grant_token(request["grant"]["id"])
    told = eventually(
        lambda: [
            entry["data"]["recipient"]
            for entry in people.engineer.get(f"/requests/{request['id']}")["history"]
            if entry["type"] == "alert_sent" and entry["data"]["alert"] == "access_opened"
        ]
    )
    assert set(told) <= {people.tailspin_admin.email, people.tailspin_approver.email}


def test_freeze_when_there_is_no_access_denies_and_a_start_after_it_does_not(people: People, policy: Any) -> None:
    now = datetime.now(UTC)
    starts, ends = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M}" for hours in (-1, 2))
    freeze = {"name": "Close", "starts": starts, "ends": ends, "time_zone": "UTC", "effect": "no_access"}
    policy(freezes=[freeze])
    frozen = ask(people)
    assert frozen["state"] == "DENIED"
    assert "Close" in frozen["why"][0]
    assert ask(people, starts_at=(now + timedelta(hours=3)).isoformat())["state"] == "PENDING_VENDOR"


def test_freeze_when_nothing_is_approved_automatically_asks_people(people: People, policy: Any) -> None:
    now = datetime.now(UTC)
    starts, ends = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M}" for hours in (-1, 2))
    freeze = {"name": "Care", "starts": starts, "ends": ends, "time_zone": "UTC", "effect": "no_auto_approval"}
    policy(freezes=[freeze], rules=[{"name": "Small", "then": "auto_approve"}])
    assert [one["name"] for one in ask(people)["stages"]] == ["Vendor", "Customer"]


def test_policy_when_changed_leaves_running_requests_under_their_version(people: People, policy: Any) -> None:
    before = ask(people)
    changed = policy(stages=[VENDOR, stage("Admins", group("Admins", "customer_admin"))])
    assert changed["version"] == before["policy_version"] + 1
    people.vendor_approver.decide(before["id"])
    assert people.tailspin_approver.decide(before["id"])["state"] == "APPROVED"
    assert ask(people)["policy_version"] == changed["version"]


def test_policy_when_it_could_not_work_is_refused_with_the_path(people: People) -> None:
    admin = people.tailspin_admin
    before = admin.get(f"/tenants/{TENANT}/policy")
    unreachable = {"stages": [VENDOR, stage("Customer", group("Approvers", "customer_approver", approvals=9))]}
    stranger = {"stages": [VENDOR, stage("Customer", group("Approvers", people.northwind_approver.email))]}
    for change, code, field in (
        (unreachable, "policy_quorum_unreachable", "stages.1.groups.0.approvals"),
        (stranger, "policy_member_unknown", "stages.1.groups.0.members.0"),
        ({"audit_only": True}, "policy_contradictory", "audit_only"),
        ({"four_eyes": True}, "policy_four_eyes_alone", "four_eyes"),
        ({"rules": [{"name": "x", "then": "add_stage"}]}, "policy_rule_incomplete", "rules.0.stage"),
    ):
        for method, path in (("PUT", "policy"), ("POST", "policy/diff")):
            answer = admin.http.request(method, f"/tenants/{TENANT}/{path}", json=before | change)
            assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
            assert field in [fault["field"] for fault in answer.json()["errors"]]
    assert admin.get(f"/tenants/{TENANT}/policy") == before


def test_policy_when_compared_says_what_would_change_and_changes_nothing(people: People) -> None:
    admin = people.tailspin_admin
    before = admin.get(f"/tenants/{TENANT}/policy")
    two = {"stages": [VENDOR, CUSTOMER | {"denials": 1}], "request_lifetime": "PT6H"}
    told = admin.post(f"/tenants/{TENANT}/policy/diff", before | two).json()
    assert told["version"] == before["version"]
    assert [(one["path"], one["before"], one["after"]) for one in told["differences"]] == [
        ("request_lifetime", "PT12H", "PT6H")
    ]
    assert admin.get(f"/tenants/{TENANT}/policy") == before


def test_schema_when_read_describes_every_setting(people: People) -> None:
    schema = people.tailspin_admin.get("/schemas/policy")
    policy = people.tailspin_admin.get(f"/tenants/{TENANT}/policy")
    document = {name: value for name, value in policy.items() if name not in KEPT}
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert set(schema["$defs"]["Policy"]["properties"]) == set(document)
