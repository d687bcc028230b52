"""Bad input over REST: a problem document with its own code and status, the field named, and no event."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pymongo import MongoClient
from tests.people import NOTHING_SHOWN, TERMS, People, new_key

ANY = NOTHING_SHOWN
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def problem(answer: httpx.Response, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """The problem document, checked."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code), document
    assert document["title"]
    assert document["detail"]
    assert document["type"] == f"urn:lockbox:problem:{code}"
    if field is not None:
        assert field in [fault["field"] for fault in document["errors"]]
        assert all(fault["expected"] for fault in document["errors"])
    return document


@pytest.fixture
def no_event(mongo: MongoClient[dict[str, Any]], people: People) -> Iterator[None]:
    """Nothing that requests or grants are told by comes into being during the test."""
    about = {"source": {"$in": ["request_service", "approval_service"]}}
    records = mongo["lockbox_audit"]["records"]

    def quiet() -> set[str]:
        """All ids, once everything has arrived that was on its way."""
        marker = people.engineer.ask(service_request="MARK-1")
        people.recorded(marker, "request_created", "stage_opened")
        return {r["_id"] for r in records.find({**about, "payload": {"$not": {"$regex": "MARK-1"}}}, {"_id": True})}

    before = quiet()
    yield
    assert quiet() - before == set()


BAD_TERMS = [
    ({"tenant": "nowhere"}, "tenant_unknown", "tenant"),
    ({"tenant": "Contoso Ltd."}, "invalid_tenant", "tenant"),
    ({"tenant": None}, "invalid_tenant", "tenant"),
    ({"justification": ""}, "invalid_justification", "justification"),
    ({"justification": "   \n "}, "invalid_justification", "justification"),
    ({"justification": "x" * 10_000}, "invalid_justification", "justification"),
    ({"justification": "looks fine \u202e but is not"}, "invalid_justification", "justification"),
    ({"justification": "half a pair \ud83d"}, "invalid_justification", "justification"),
    ({"reason_code": "BECAUSE"}, "invalid_reason_code", "reason_code"),
    ({"reason_code": 7}, "invalid_reason_code", "reason_code"),
    ({"severity": "URGENT"}, "invalid_severity", "severity"),
    ({"severity": None}, "invalid_severity", "severity"),
    ({"duration": "PT0S"}, "invalid_duration", "duration"),
    ({"duration": "-PT1H"}, "invalid_duration", "duration"),
    ({"duration": "PT4H1S"}, "duration_too_long", "duration"),
    ({"duration": "P1Y"}, "invalid_duration", "duration"),
    ({"duration": "4 hours"}, "invalid_duration", "duration"),
    ({"duration": "PT" + "9" * 400 + "H"}, "invalid_duration", "duration"),
    ({"duration": 14400}, "invalid_duration", "duration"),
    ({"service_request": "359423"}, "invalid_service_request", "service_request"),
    ({"service_request": "SR-359423\n"}, "invalid_service_request", "service_request"),
    ({"resources": []}, "invalid_resources", "resources"),
    ({"resources": "mailbox/alice"}, "invalid_resources", "resources"),
    ({"resources": ["mailbox/../alice"]}, "invalid_resources", "resources.0"),
    ({"resources": ["mailbox/a*"]}, "invalid_resources", "resources.0"),
    ({"resources": ["mailbox/alice", "mailbox/alice"]}, "invalid_resources", "resources"),
    ({"resources": [f"mailbox/{n}" for n in range(101)]}, "invalid_resources", "resources"),
    ({"actions": []}, "invalid_actions", "actions"),
    ({"actions": [None]}, "invalid_actions", "actions.0"),
    ({"actions": {"read": True}}, "invalid_actions", "actions"),
    ({"starts_at": "2001-01-01T00:00:00Z"}, "invalid_starts_at", "starts_at"),
    ({"starts_at": "2999-01-01T00:00:00Z"}, "invalid_starts_at", "starts_at"),
    ({"starts_at": "tomorrow"}, "invalid_starts_at", "starts_at"),
    ({"starts_at": "2026-12-01T00:00:00"}, "invalid_starts_at", "starts_at"),
    ({"priority": "high"}, "unknown_field", "priority"),
]


@pytest.mark.usefixtures("no_event")
def test_create_when_the_terms_are_wrong_names_the_field(people: People) -> None:
    for change, code, field in BAD_TERMS:
        body = json.dumps(TERMS | change)
        answer = people.engineer.http.post("/requests", content=body, headers={"Content-Type": "application/json"})
        problem(answer, 422, code, field)


@pytest.mark.usefixtures("no_event")
def test_create_when_several_fields_are_wrong_names_each(people: People) -> None:
    answer = people.engineer.post("/requests", {"tenant": "contoso", "duration": "x", "colour": "blue"})
    document = problem(answer, 422, "invalid_service_request")
    fields = {fault["field"] for fault in document["errors"]}
    assert fields == {
        "service_request",
        "reason_code",
        "justification",
        "resources",
        "actions",
        "duration",
        "colour",
    }


@pytest.mark.usefixtures("no_event")
@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"[" * 30_000, "application/json", 400, "malformed_json"),
        (b"\xff\xfe", "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 422, "invalid_body"),
        (b'"text"', "application/json", 422, "invalid_body"),
        (b"null", "application/json", 422, "invalid_body"),
        (b"", "application/json", 422, "invalid_tenant"),
        (b"tenant=contoso", "application/x-www-form-urlencoded", 415, "not_json"),
        (b'{"justification": "' + b"x" * 2_000_000 + b'"}', "application/json", 413, "request_entity_too_large"),
    ],
)
def test_create_when_the_body_is_not_what_it_should_be(
    people: People, content: bytes, content_type: str, status: int, code: str
) -> None:
    answer = people.engineer.http.post("/requests", content=content, headers={"Content-Type": content_type})
    problem(answer, status, code)


def chunks() -> Iterator[bytes]:
    for _ in range(2_000):
        yield b"x" * 1_000


def test_create_when_a_large_body_comes_without_its_length_is_refused(people: People) -> None:
    answer = people.engineer.http.post("/requests", content=chunks(), headers={"Content-Type": "application/json"})
    problem(answer, 413, "request_entity_too_large")


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "token_missing"),
        ("Basic ZXJpbjpwYXNz", "token_missing"),
        ("Bearer", "token_missing"),
        ("Bearer lbs_nobody-knows-this", "token_unknown"),
        ("Bearer \u00fc".encode(), "token_unknown"),
    ],
)
def test_call_when_the_token_is_missing_or_foreign_is_refused(
    people: People, authorization: str | bytes | None, code: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (
        ("GET", "/requests"),
        ("POST", "/requests"),
        ("GET", f"/requests/{UNKNOWN}"),
        ("GET", "/grants"),
        ("PUT", "/tenants/contoso/policy"),
        ("GET", "/tenants/contoso/audit"),
        ("POST", "/access-events"),
    ):
        answer = httpx.request(method, f"{people.portal}/api/v1{path}", headers=headers)
        problem(answer, 401, code)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_call_when_the_session_has_expired_is_refused(people: People, mongo: MongoClient[dict[str, Any]]) -> None:
    fresh = httpx.post(f"{people.portal}/api/v1/session", json=people.accounts["engineer"]).json()["token"]
    sessions = mongo["lockbox_portal"]["sessions"]
    [newest] = sessions.find({"state.email": people.engineer.email}).sort("state.created_at", -1).limit(1)
    sessions.update_one({"_id": newest["_id"]}, {"$set": {"state.expires_at": "2026-01-01T00:00:00.000000Z"}})
    answer = httpx.get(f"{people.portal}/api/v1/requests", headers={"Authorization": f"Bearer {fresh}"})
    problem(answer, 401, "session_expired")


def test_call_when_a_grant_is_shown_as_a_session_is_refused(people: People) -> None:
    grant = people.granted()["grant"]["id"]
    signed = people.engineer.grant_token(grant)
    answer = httpx.get(f"{people.portal}/api/v1/requests", headers={"Authorization": f"Bearer {signed}"})
    problem(answer, 401, "token_unknown")


def test_sign_in_when_wrong_says_the_same_for_known_and_unknown_addresses(people: People) -> None:
    known = {"email": people.accounts["operator"]["email"], "password": "wrong"}
    unknown = {"email": "nobody@nowhere.example", "password": "wrong"}
    details = {
        problem(httpx.post(f"{people.portal}/api/v1/session", json=who), 401, "sign_in_failed")["detail"]
        for who in (known, unknown)
    }
    assert len(details) == 1


def test_sign_in_when_wrong_too_often_has_to_wait(people: People) -> None:
    who = {"email": f"{uuid4()}@nowhere.example", "password": "wrong"}
    answers = [httpx.post(f"{people.portal}/api/v1/session", json=who) for _ in range(16)]  # the wait doubles each time
    assert [answer.status_code for answer in answers[:10]] == [401] * 10
    refused = next(answer for answer in answers[10:] if answer.status_code != 401)
    problem(refused, 429, "too_many_attempts")
    assert refused.headers["retry-after"]


def test_sign_in_when_the_input_is_wrong_does_not_repeat_the_password(people: People) -> None:
    answer = httpx.post(f"{people.portal}/api/v1/session", json={"email": "x", "password": ["hunter2"]})
    problem(answer, 422, "invalid_email", "password")
    assert "hunter2" not in answer.text


def test_object_when_it_is_another_tenants_is_not_found(people: People) -> None:
    outcome = people.granted()
    request_id, grant_id = outcome["request_id"], outcome["grant"]["id"]
    for person in (people.fabrikam_approver, people.fabrikam_admin):
        problem(person.http.get(f"/requests/{request_id}"), 404, "request_not_found")
        problem(person.send_decision(request_id, "deny", digest=ANY), 404, "request_not_found")
        problem(person.http.get(f"/grants/{grant_id}"), 404, "grant_not_found")
        problem(person.post(f"/grants/{grant_id}/revoke"), 404, "grant_not_found")
        problem(person.http.get("/tenants/contoso/policy"), 404, "tenant_not_found")
        assert request_id not in json.dumps(person.get("/requests", limit=200))
    problem(people.fabrikam_admin.http.get("/tenants/contoso/audit"), 404, "tenant_not_found")
    problem(people.fabrikam_approver.http.get("/tenants/contoso/audit"), 403, "role_required")
    problem(people.fabrikam_approver.http.get("/tenants/fabrikam/audit"), 403, "role_required")
    problem(people.other_engineer.fetch_token(grant_id), 404, "grant_not_found")
    assert people.engineer.get(f"/grants/{grant_id}")["state"] == "ACTIVE"


def test_object_when_there_is_none_is_not_found(people: People) -> None:
    token = f"/grants/{UNKNOWN}/token?x5t_s256={'a' * 43}"
    for path in (f"/requests/{UNKNOWN}", f"/grants/{UNKNOWN}", token):
        answer = people.engineer.http.get(path)
        problem(answer, 404, "request_not_found" if path.startswith("/requests") else "grant_not_found")
    problem(people.engineer.http.get("/requests/not-a-uuid"), 404, "not_found")
    problem(people.engineer.http.get("/nothing/here"), 404, "not_found")
    problem(people.engineer.http.delete("/requests"), 405, "method_not_allowed")
    problem(people.vendor_approver.send_decision(UNKNOWN, "deny", digest=ANY), 404, "request_not_found")


@pytest.mark.usefixtures("no_event")
def test_decide_when_not_allowed_is_refused(people: People) -> None:
    own = people.lead.ask(service_request="MARK-1")
    problem(people.lead.send_decision(own, "approve", digest=ANY), 403, "own_request")
    asked = people.engineer.ask(service_request="MARK-1")
    problem(people.engineer.send_decision(asked, "approve", digest=ANY), 403, "role_required")
    problem(people.contoso_auditor.send_decision(asked, "deny", digest=ANY), 403, "role_required")
    problem(people.contoso_approver.send_decision(asked, "deny", digest=ANY), 403, "not_your_stage")
    problem(people.operator.send_decision(asked, "deny", digest=ANY), 403, "role_required")
    problem(people.operator.send_decision(UNKNOWN, "deny", digest=ANY), 403, "role_required")
    for body, code, field in (
        ({"decision": "maybe", "request_digest": ANY}, "invalid_decision", "decision"),
        ({"request_digest": ANY}, "invalid_decision", "decision"),
        ({"decision": "approve"}, "invalid_request_digest", "request_digest"),
        ({"decision": "approve", "request_digest": ANY, "comment": "x" * 3000}, "invalid_comment", "comment"),
        ({"decision": "approve", "request_digest": ANY, "stage": "VENDOR"}, "unknown_field", "stage"),
        (
            {"decision": "approve", "request_digest": ANY, "changes": {"resources": []}},
            "invalid_changes",
            "changes.resources",
        ),
        ({"decision": "approve", "request_digest": ANY, "changes": {"tenant": "x"}}, "unknown_field", "changes.tenant"),
    ):
        problem(people.vendor_approver.post(f"/requests/{asked}/decisions", body), 422, code, field)


def test_decide_when_the_request_has_ended_conflicts(people: People) -> None:
    denied = people.engineer.ask()
    people.vendor_approver.decide(denied, "deny")
    problem(people.vendor_approver.send_decision(denied, "deny", digest=ANY), 409, "request_denied")
    cancelled = people.engineer.ask()
    assert people.engineer.post(f"/requests/{cancelled}/cancel").json()["state"] == "CANCELLED"
    answer = people.vendor_approver.send_decision(cancelled, "approve", digest=ANY)
    problem(answer, 409, "request_cancelled")
    problem(people.engineer.post(f"/requests/{denied}/cancel"), 409, "request_denied")
    approved = people.granted()["request_id"]
    answer = people.contoso_approver.send_decision(approved, "deny", digest=ANY)
    problem(answer, 409, "request_approved")
    problem(people.engineer.post(f"/requests/{approved}/cancel"), 409, "request_approved")
    types = [record["type"] for record in people.recorded(denied, "request_denied")]
    assert types.count("decision_recorded") == 1


def test_key_when_the_body_is_another_conflicts(people: People) -> None:
    key = new_key()
    first = people.engineer.post("/requests", TERMS, key)
    assert people.engineer.post("/requests", TERMS, key).json() == first.json()
    answer = people.engineer.post("/requests", TERMS | {"duration": "PT2H"}, key)
    problem(answer, 409, "idempotency_key_reused")
    problem(people.engineer.post("/requests", TERMS, "two words"), 422, "invalid_idempotency_key", "Idempotency-Key")
    problem(people.engineer.post("/requests", TERMS, "x" * 300), 422, "invalid_idempotency_key", "Idempotency-Key")


def test_policy_when_the_input_is_wrong_names_the_field(people: People) -> None:
    policy = people.northwind_admin.get("/tenants/northwind/policy")
    put = people.northwind_admin.http.put
    for change, code, field in (
        ({"require_approval": "yes"}, "invalid_require_approval", "require_approval"),
        ({"require_approval": 1}, "invalid_require_approval", "require_approval"),
        ({"request_lifetime": "PT0S"}, "invalid_request_lifetime", "request_lifetime"),
        ({"request_lifetime": "P8D"}, "invalid_request_lifetime", "request_lifetime"),
        ({"maximum_duration": "P2D"}, "invalid_maximum_duration", "maximum_duration"),
        ({"stages": {}}, "invalid_stages", "stages"),
        ({"stages": [{"name": "x"}]}, "invalid_stages", "stages.0.groups"),
        ({"stages": []}, "policy_without_stage", "stages"),
        ({"rules": [{"name": "x", "then": "nothing"}]}, "invalid_rules", "rules.0.then"),
        ({"break_glass": {"allowed": 1}}, "invalid_break_glass", "break_glass.allowed"),
        ({"maximum_total": "PT1H"}, "policy_contradictory", "maximum_duration"),
        ({"comment_on_denial": "yes"}, "invalid_comment_on_denial", "comment_on_denial"),
        ({"service_request_pattern": "(S+)+"}, "invalid_service_request_pattern", "service_request_pattern"),
        ({"auto_approve": True}, "unknown_field", "auto_approve"),
        ({"tenant": "contoso"}, "invalid_tenant", "tenant"),
    ):
        problem(put("/tenants/northwind/policy", json=policy | change), 422, code, field)
    partial = {"request_lifetime": "PT6H"}
    problem(put("/tenants/northwind/policy", json=partial), 422, "invalid_require_approval", "stages")
    large = policy | {"rules": [{"name": "x" * 80, "then": "auto_deny", "comment": "y" * 2000}] * 2500}
    problem(put("/tenants/northwind/policy", json=large), 413, "request_entity_too_large")
    problem(put("/tenants/northwind/policy", json=policy | {"version": 99}), 409, "policy_version_stale")
    problem(put("/tenants/contoso/policy", json=policy | {"tenant": None}), 404, "tenant_not_found")
    problem(people.northwind_approver.http.put("/tenants/northwind/policy", json=policy), 403, "role_required")
    problem(people.vendor_approver.http.put("/tenants/northwind/policy", json=policy), 403, "role_required")
    assert people.northwind_admin.get("/tenants/northwind/policy") == policy


def test_list_when_the_query_is_wrong_names_the_field(people: People) -> None:
    for path, query, code in (
        ("/requests", {"state": "OPEN"}, "invalid_state"),
        ("/requests", {"limit": "0"}, "invalid_limit"),
        ("/requests", {"limit": "1000"}, "invalid_limit"),
        ("/requests", {"limit": "many"}, "invalid_limit"),
        ("/requests", {"cursor": "nonsense"}, "invalid_cursor"),
        ("/requests", {"cursor": "W10="}, "invalid_cursor"),
        ("/requests", {"sort": "asc"}, "unknown_field"),
        ("/grants", {"state": "OPEN"}, "invalid_state"),
        ("/tenants/contoso/audit", {"from": "yesterday"}, "invalid_from"),
    ):
        person = people.contoso_auditor if "audit" in path else people.engineer
        problem(person.http.get(path, params=query), 422, code)


def test_revoke_when_ended_conflicts(people: People) -> None:
    grant_id = people.granted()["grant"]["id"]
    assert people.contoso_admin.post(f"/grants/{grant_id}/revoke").json()["state"] == "REVOKED"
    problem(people.contoso_admin.post(f"/grants/{grant_id}/revoke"), 409, "grant_ended")
    problem(people.engineer.fetch_token(grant_id), 409, "grant_ended")
    problem(people.engineer.post(f"/grants/{grant_id}/revoke"), 403, "role_required")


def test_complete_when_it_is_not_ones_own_or_has_ended_is_refused(people: People) -> None:
    grant_id = people.granted()["grant"]["id"]
    problem(people.contoso_admin.post(f"/grants/{grant_id}/complete"), 403, "role_required")
    problem(people.fabrikam_approver.post(f"/grants/{grant_id}/complete"), 403, "role_required")
    problem(people.lead.post(f"/grants/{grant_id}/complete"), 403, "not_requester")
    assert people.engineer.post(f"/grants/{grant_id}/complete").json()["state"] == "COMPLETED"
    problem(people.engineer.post(f"/grants/{grant_id}/complete"), 409, "grant_ended")
    problem(people.contoso_admin.post(f"/grants/{grant_id}/revoke"), 409, "grant_ended")
    problem(people.engineer.post(f"/grants/{UNKNOWN}/complete"), 404, "grant_not_found")
