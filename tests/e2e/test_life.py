"""The whole life of a request, over REST: every way between asking and the end of the access."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.people import People
from tests.waiting import eventually

ALICE = "contoso/mailbox/alice"
KEPT = ("tenant", "version", "proposal", "changed_at", "changed_by")


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture
def northwind(people: People) -> Iterator[Any]:
    """Changes the policy of northwind, and puts it back."""
    admin = people.northwind_admin
    before = admin.get("/tenants/northwind/policy")
    yield lambda **changes: admin.put_policy("northwind", **changes)
    admin.put_policy("northwind", **{name: before[name] for name in before if name not in KEPT})


def in_effect(people: People, **expected: Any) -> None:
    """Return when request_service has heard of the policy, too."""
    eventually(
        lambda: any(
            tenant["tenant"] == "northwind" and expected.items() <= tenant.items()
            for tenant in people.engineer.get("/tenants")["items"]
        )
    )


# --- asking --------------------------------------------------------------------------------------------------------


def test_request_when_many_things_are_asked_for_opens_them_all_and_nothing_else(people: People) -> None:
    granted = people.granted(resources=["mailbox/alice", "mailbox/bob"], actions=["read", "write"])
    token = people.engineer.grant_token(granted["grant"]["id"])
    assert [people.use(token, f"contoso/mailbox/{name}").status_code for name in ("alice", "bob")] == [200, 200]
    assert people.use(token, "contoso/mailbox/carol").json()["code"] == "other_resource"


def test_request_when_a_pattern_is_asked_for_opens_what_it_matches(people: People) -> None:
    granted = people.granted(resources=["mailbox/*"])
    token = people.engineer.grant_token(granted["grant"]["id"])
    assert people.use(token, ALICE).status_code == 200
    assert people.use(token, "contoso/files/alice").json()["code"] == "other_resource"
    assert people.use(token, "contoso/mailbox/alice/inbox").json()["code"] == "other_resource"


def test_request_when_no_duration_is_given_lasts_as_long_as_the_policy_says(people: People, northwind: Any) -> None:
    northwind(default_duration="PT25M")
    in_effect(people, default_duration="PT25M")
    request_id = people.engineer.ask(tenant="northwind", duration=None)
    assert people.engineer.get(f"/requests/{request_id}")["duration"] == "PT25M"


def test_request_when_its_start_is_scheduled_lasts_from_then(people: People) -> None:
    start = datetime.now(UTC) + timedelta(hours=1)
    grant = people.granted(starts_at=start.isoformat(), duration="PT30M")["grant"]
    assert grant["state"] == "SCHEDULED"
    assert datetime.fromisoformat(grant["ends_at"]) - datetime.fromisoformat(grant["starts_at"]) == timedelta(
        minutes=30
    )


# --- asking back ---------------------------------------------------------------------------------------------------


def test_information_when_asked_for_and_given_is_shown_and_the_expiry_stays(people: People) -> None:
    request_id = people.engineer.ask()
    before = people.vendor_approver.get(f"/requests/{request_id}")
    asked = people.vendor_approver.post(f"/requests/{request_id}/info-requests", {"question": "Which index?"})
    assert (asked.status_code, asked.json()["state"]) == (201, "INFO_REQUESTED")
    eventually(lambda: people.engineer.get("/requests", limit=1)["items"][0]["state"] == "INFO_REQUESTED")
    answered = people.engineer.post(f"/requests/{request_id}/info-answers", {"answer": "The first."})
    assert answered.status_code == 201
    eventually(lambda: people.vendor_approver.get(f"/requests/{request_id}")["state"] == "PENDING_VENDOR")
    after = people.vendor_approver.get(f"/requests/{request_id}")
    assert [(note["kind"], note["text"]) for note in after["notes"]] == [
        ("question", "Which index?"),
        ("answer", "The first."),
    ]
    assert after["expires_at"] == before["expires_at"]
    stale = people.vendor_approver.send_decision(request_id, "approve", digest=before["request_digest"])
    refused(stale, 409, "request_changed")
    assert people.vendor_approver.decide(request_id)["state"] == "PENDING_CUSTOMER"
    people.recorded(request_id, "info_requested", "info_provided", "review_resumed")


def test_information_when_nobody_asked_or_it_is_not_ones_own_is_refused(people: People) -> None:
    request_id = people.engineer.ask()
    refused(people.engineer.post(f"/requests/{request_id}/info-answers", {"answer": "So."}), 409, "nothing_asked")
    refused(
        people.other_engineer.post(f"/requests/{request_id}/info-answers", {"answer": "So."}), 404, "request_not_found"
    )
    refused(
        people.contoso_approver.post(f"/requests/{request_id}/info-requests", {"question": "?"}), 403, "not_your_stage"
    )
    refused(people.engineer.post(f"/requests/{request_id}/info-requests", {"question": "?"}), 403, "role_required")


# --- deciding ------------------------------------------------------------------------------------------------------


def test_decision_when_less_is_approved_grants_less(people: People) -> None:
    request_id = people.engineer.ask(resources=["mailbox/*"], actions=["read", "write"], duration="PT1H")
    less = {"resources": ["mailbox/alice"], "actions": ["read"], "duration": "PT10M"}
    narrowed = people.vendor_approver.decide(request_id, changes=less)
    assert {name: narrowed["terms"][name] for name in less} == less
    wider = people.contoso_approver.send_decision(request_id, "approve", changes={"actions": ["write"]})
    assert refused(wider, 422, "wider_than_asked")["errors"][0]["field"] == "changes.actions.0"
    longer = people.contoso_approver.send_decision(request_id, "approve", changes={"duration": "PT20M"})
    refused(longer, 422, "longer_than_asked")
    granted = people.contoso_approver.decide(request_id)
    token = people.engineer.grant_token(granted["grant"]["id"])
    assert people.use(token, ALICE).status_code == 200
    assert people.use(token, ALICE, method="PUT").json()["code"] == "other_action"
    assert people.use(token, "contoso/mailbox/bob").json()["code"] == "other_resource"


def test_decision_when_the_mind_changes_before_the_stage_closes_the_last_word_counts(
    people: People, northwind: Any
) -> None:
    group = {"name": "Any two", "members": ["customer_approver"], "approvals": 2}
    northwind(stages=[{"name": "Customer", "side": "CUSTOMER", "groups": [group], "denials": 2}])
    request_id = people.engineer.ask(tenant="northwind")
    people.northwind_approver.decide(request_id, "deny", "no")
    changed = people.northwind_approver.decide(request_id, "approve", "after all")
    assert [(one["decision"], one["comment"]) for one in changed["decisions"]] == [("approve", "after all")]
    assert people.northwind_approver_2.decide(request_id)["state"] == "APPROVED"
    told = people.recorded(request_id, "access_granted", tenant="northwind")
    said = [record["data"] for record in told if record["type"] == "decision_recorded"]
    assert [(one["decision"], one["instead"]) for one in said] == [
        ("deny", False),
        ("approve", True),
        ("approve", False),
    ]


def test_queue_when_asked_for_holds_what_waits_for_the_caller_alone(people: People) -> None:
    request_id = people.engineer.ask(severity="HIGH")

    def waits_for(name: str) -> bool:
        items = getattr(people, name).get("/queue", limit=200)["items"]
        assert all(item["you"]["forbidden"] == [] for item in items)
        return request_id in {item["request_id"] for item in items}

    eventually(lambda: waits_for("vendor_approver"))
    assert not any(waits_for(name) for name in ("contoso_approver", "engineer", "fabrikam_approver", "contoso_auditor"))
    people.vendor_approver.decide(request_id)
    assert waits_for("contoso_approver")
    assert not waits_for("vendor_approver")
    own = people.lead.ask()
    assert own not in {item["request_id"] for item in people.lead.get("/queue", limit=200)["items"]}


# --- more time -----------------------------------------------------------------------------------------------------


def test_extension_when_approved_lengthens_the_access_which_goes_on_meanwhile(people: People) -> None:
    grant = people.granted(duration="PT1H")["grant"]
    token = people.engineer.grant_token(grant["id"])
    body = {"duration": "PT30M", "justification": "The index is larger than we thought."}
    asked = people.engineer.post(f"/grants/{grant['id']}/extensions", body)
    assert (asked.status_code, asked.json()["extensions"][0]["state"]) == (201, "PENDING")
    assert people.use(token, ALICE).status_code == 200
    people.vendor_approver.decide(grant["request_id"], comment="go on")
    extended = people.contoso_approver.decide(grant["request_id"])
    assert extended["extensions"][0]["state"] == "APPROVED"
    more = datetime.fromisoformat(extended["grant"]["ends_at"]) - datetime.fromisoformat(grant["ends_at"])
    assert more == timedelta(minutes=30)
    assert people.use(token, ALICE).status_code == 200
    assert people.use(people.engineer.grant_token(grant["id"]), ALICE).status_code == 200
    people.recorded(grant["request_id"], "extension_requested", "extension_decided")


def test_extension_when_denied_or_beyond_the_cap_changes_nothing(people: People) -> None:
    grant = people.granted(duration="PT4H")["grant"]
    path = f"/grants/{grant['id']}/extensions"
    why = {"justification": "Longer."}
    beyond = people.engineer.post(path, {"duration": "PT4H1S", **why})
    assert refused(beyond, 422, "extension_beyond_cap")["errors"][0]["expected"] == "at most PT4H"
    refused(people.lead.post(path, {"duration": "PT1H", **why}), 403, "not_requester")
    people.engineer.post(path, {"duration": "PT1H", **why})
    refused(people.engineer.post(path, {"duration": "PT1H", **why}), 409, "extension_pending")
    denied = people.vendor_approver.decide(grant["request_id"], "deny", "Enough.")
    assert (denied["extensions"][0]["state"], denied["grant"]["ends_at"]) == ("DENIED", grant["ends_at"])


# --- break-glass ---------------------------------------------------------------------------------------------------


def test_break_glass_when_two_want_it_opens_at_once_and_waits_to_be_acknowledged(
    people: People, northwind: Any
) -> None:
    northwind(break_glass={"allowed": True, "duration": "PT15M"})
    request_id = people.engineer.ask(tenant="northwind", resources=["mailbox/nora"])
    path, why = f"/requests/{request_id}/break-glass", {"comment": "Everything is down."}
    once = eventually(lambda: (answer := people.vendor_approver.post(path, why)).is_success and answer).json()
    assert (once["state"], once["grant"]) == ("PENDING_VENDOR", None)
    refused(people.vendor_approver.post(path, why), 409, "already_decided")
    refused(people.northwind_approver.post(path, why), 403, "role_required")
    opened = people.lead.post(path, why).json()
    assert (opened["state"], opened["grant"]["opened_by"]) == ("APPROVED", "break_glass")
    lasts = datetime.fromisoformat(opened["grant"]["ends_at"]) - datetime.fromisoformat(opened["grant"]["starts_at"])
    assert lasts == timedelta(minutes=15)

    def listed(acknowledged: str) -> bool:
        page = people.northwind_approver.get("/tenants/northwind/break-glass", acknowledged=acknowledged)
        return request_id in {item["request_id"] for item in page["items"]}

    assert listed("false")
    assert not listed("true")
    acknowledged = people.northwind_admin.post(f"{path}/acknowledge", {"comment": "We saw it."})
    assert acknowledged.json()["break_glass"]["acknowledged_by"] == people.northwind_admin.email
    refused(people.northwind_approver.post(f"{path}/acknowledge"), 409, "already_acknowledged")
    assert listed("true")
    people.recorded(
        request_id, "break_glass_requested", "break_glass_used", "break_glass_acknowledged", tenant="northwind"
    )


def test_break_glass_when_the_policy_does_not_allow_it_is_refused(people: People) -> None:
    request_id = people.engineer.ask()
    people.vendor_approver.digest(request_id)
    answer = people.vendor_approver.post(f"/requests/{request_id}/break-glass", {"comment": "Please."})
    refused(answer, 403, "break_glass_not_allowed")
    refused(people.vendor_approver.post(f"/requests/{request_id}/break-glass", {}), 422, "invalid_comment")


# --- time ----------------------------------------------------------------------------------------------------------


def test_history_when_a_request_has_ended_is_still_there(people: People) -> None:
    request_id = people.engineer.ask()
    people.vendor_approver.decide(request_id, "deny", "Not today.")
    people.recorded(request_id, "request_denied")
    shown = eventually(
        lambda: (
            (found := people.engineer.get(f"/requests/{request_id}"))["history"][-1]["type"]
            in {"alert_sent", "request_denied"}
            and found
        )
    )
    types = [entry["type"] for entry in shown["history"]]
    assert {"request_created", "request_evaluated", "stage_opened", "decision_recorded", "request_denied"} <= set(types)
