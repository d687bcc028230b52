"""What the REST API promises beyond single calls."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.people import TERMS, People, new_key
from tests.waiting import eventually


def test_request_when_decided_shows_decisions_grant_and_history(people: People) -> None:
    request_id = people.granted()["request_id"]
    types = {"request_created", "stage_opened", "decision_recorded", "access_granted", "grant_activated", "alert_sent"}

    def told() -> dict | None:  # type: ignore[type-arg]
        found = people.contoso_auditor.get(f"/requests/{request_id}")
        return found if types <= {entry["type"] for entry in found["history"]} else None

    request = eventually(told)
    assert request["state"] == "APPROVED"
    assert [(decision["stage"], decision["side"]) for decision in request["decisions"]] == [
        (1, "VENDOR"),
        (2, "CUSTOMER"),
    ]
    assert request["grant"]["state"] == "ACTIVE"
    times = [entry["time"] for entry in request["history"]]
    assert times == sorted(times)


def test_request_when_just_created_can_be_decided_at_once(people: People) -> None:
    for _ in range(20):
        request_id = people.engineer.ask()
        assert people.vendor_approver.decide(request_id)["state"] == "PENDING_CUSTOMER"
        assert people.contoso_approver.decide(request_id, "deny")["state"] == "DENIED"


def test_key_when_sent_fifty_times_at_once_has_one_effect_and_one_answer(people: People) -> None:
    key = new_key()
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: people.engineer.post("/requests", TERMS, key), range(50)))
    assert {answer.status_code for answer in answers} == {201}
    [request_id] = {answer.json()["id"] for answer in answers}
    assert len({answer.text for answer in answers}) == 1
    records = people.recorded(request_id, "request_created", "stage_opened")
    assert [record["type"] for record in records].count("request_created") == 1


def test_decision_when_sent_again_with_its_key_gives_the_same_answer(people: People) -> None:
    request_id = people.engineer.ask()
    key = new_key()
    digest = people.vendor_approver.digest(request_id)
    first = people.vendor_approver.send_decision(request_id, "approve", key, digest)
    people.contoso_approver.decide(request_id)
    assert people.vendor_approver.send_decision(request_id, "approve", key, digest).json() == first.json()
    again = people.vendor_approver.send_decision(request_id, "approve", new_key(), digest)
    assert again.json()["code"] == "request_approved"


def test_race_when_everybody_decides_at_once_has_one_outcome(people: People) -> None:
    for _ in range(10):
        request_id = people.engineer.ask()
        people.vendor_approver.decide(request_id)
        digest = people.contoso_approver.digest(request_id)
        acts = (
            lambda r=request_id, d=digest: people.contoso_approver.send_decision(r, "approve", digest=d),
            lambda r=request_id, d=digest: people.contoso_approver.send_decision(r, "deny", digest=d),
            lambda r=request_id: people.engineer.post(f"/requests/{r}/cancel"),
        )
        with ThreadPoolExecutor(3) as threads:
            answers = list(threads.map(lambda act: act(), acts))
        assert sorted(answer.status_code for answer in answers)[1:] == [409, 409]
        state = people.engineer.get(f"/requests/{request_id}")["state"]
        assert state in {"APPROVED", "DENIED", "CANCELLED"}


def test_list_when_paged_gives_everything_once(people: People) -> None:
    mine = {people.lead.ask() for _ in range(7)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = people.lead.get("/requests", requester=people.lead.email, limit=3, **cursor)
        assert len(page["items"]) <= 3
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen))
    assert mine <= set(seen)


def test_list_when_filtered_gives_what_was_asked_for(people: People) -> None:
    request_id = people.engineer.ask(tenant="fabrikam", resources=["mailbox/fiona"])
    people.vendor_approver.decide(request_id, "deny")
    eventually(lambda: request_id in ids(people, state="DENIED", tenant="fabrikam"))
    assert request_id not in ids(people, state="DENIED", tenant="contoso")
    assert request_id not in ids(people, state="APPROVED")
    assert request_id not in {item["id"] for item in people.contoso_admin.get("/requests", limit=200)["items"]}
    assert {item["tenant"] for item in people.fabrikam_admin.get("/requests", limit=200)["items"]} == {"fabrikam"}


def ids(people: People, **where: str) -> set[str]:
    return {item["id"] for item in people.vendor_approver.get("/requests", limit=200, **where)["items"]}


def test_list_when_an_engineer_asks_shows_own_requests_alone(people: People) -> None:
    request_id = people.engineer.ask()
    assert request_id not in {item["id"] for item in people.other_engineer.get("/requests", limit=200)["items"]}
    assert people.operator.get("/requests")["items"] == []


def test_quorum_when_two_are_needed_waits_for_the_second(people: People) -> None:
    admin = people.northwind_admin
    stages = admin.get("/tenants/northwind/policy")["stages"]
    vendor, customer = stages
    two = customer | {"groups": [customer["groups"][0] | {"approvals": 2}]}
    admin.put_policy("northwind", stages=[vendor, two])
    try:
        request_id = people.engineer.ask(tenant="northwind")
        people.vendor_approver.decide(request_id)
        assert people.northwind_approver.decide(request_id)["state"] == "PENDING_CUSTOMER"
        again = people.northwind_approver.send_decision(request_id, "approve")
        assert (again.status_code, again.json()["code"]) == (409, "already_decided")
        assert people.northwind_approver_2.decide(request_id)["state"] == "APPROVED"
    finally:
        admin.put_policy("northwind", stages=stages)


def test_denial_when_the_policy_wants_a_comment_says_why(people: People) -> None:
    admin = people.northwind_admin
    admin.put_policy("northwind", comment_on_denial=True)
    try:
        request_id = people.engineer.ask(tenant="northwind")
    finally:
        admin.put_policy("northwind", comment_on_denial=False)
    refused = people.vendor_approver.send_decision(request_id, "deny", comment=" ")
    assert (refused.status_code, refused.json()["code"]) == (422, "comment_required")
    assert [fault["field"] for fault in refused.json()["errors"]] == ["comment"]
    assert people.vendor_approver.decide(request_id, "deny", "Ask again with a case.")["state"] == "DENIED"


def test_request_when_the_policy_has_a_pattern_must_look_like_it(people: People) -> None:
    admin = people.northwind_admin
    admin.put_policy("northwind", service_request_pattern="NW-####")
    unlike = TERMS | {"tenant": "northwind", "service_request": "NW-12345"}
    try:
        refused = eventually(lambda: (answer := people.engineer.post("/requests", unlike)).is_error and answer)
        assert (refused.status_code, refused.json()["code"]) == (422, "service_request_unlike_pattern")
        assert "NW-####" in refused.json()["detail"]
        assert people.engineer.post("/requests", unlike | {"service_request": "NW-1234"}).status_code == 201
    finally:
        admin.put_policy("northwind", service_request_pattern=None)
    eventually(lambda: people.engineer.post("/requests", unlike).is_success)


def test_request_when_severe_says_so_to_all_who_read_of_it(people: People) -> None:
    request_id = people.engineer.ask(severity="CRITICAL")
    assert people.engineer.get(f"/requests/{request_id}")["severity"] == "CRITICAL"
    told = {record["type"]: record["data"] for record in people.recorded(request_id, "request_created", "stage_opened")}
    assert {told[kind]["severity"] for kind in ("request_created", "stage_opened")} == {"CRITICAL"}
    assert people.engineer.get(f"/requests/{people.engineer.ask()}")["severity"] == "NORMAL"


def test_grant_when_scheduled_starts_and_ends_by_itself(people: People) -> None:
    from datetime import UTC, datetime, timedelta

    start = (datetime.now(UTC) + timedelta(seconds=10)).isoformat()
    grant = people.granted(starts_at=start, duration="PT2S")["grant"]
    assert grant["state"] == "SCHEDULED"
    token = people.engineer.grant_token(grant["id"])
    assert people.use(token, "contoso/mailbox/alice").json()["code"] == "token_not_yet_valid"
    eventually(lambda: people.engineer.get(f"/grants/{grant['id']}")["state"] == "ACTIVE")
    eventually(lambda: people.engineer.get(f"/grants/{grant['id']}")["state"] == "EXPIRED")
    assert people.use(token, "contoso/mailbox/alice").json()["code"] == "token_expired"


def test_audit_when_filtered_gives_what_was_asked_for(people: People) -> None:
    request_id = people.granted()["request_id"]
    people.recorded(request_id, "access_granted")
    auditor = people.contoso_auditor
    by_type = auditor.trail("contoso", type="request_created")
    assert {record["type"] for record in by_type} == {"request_created"}
    by_subject = auditor.trail("contoso", subject=request_id)
    assert {record["subject"] for record in by_subject} == {request_id}
    by_actor = auditor.trail("contoso", actor=people.engineer.email)
    assert {record["actor"] for record in by_actor} == {people.engineer.email}
    start, end = by_subject[0]["time"], by_subject[-1]["time"]
    between = auditor.trail("contoso", **{"from": start, "to": end, "subject": request_id})
    assert [record["id"] for record in between] == [r["id"] for r in by_subject if r["time"] < end]
    newest = auditor.get("/tenants/contoso/audit", newest_first=True, limit=5)["items"]
    assert [r["time"] for r in newest] == sorted((r["time"] for r in newest), reverse=True)
    first = auditor.get("/tenants/contoso/audit", newest_first=True, limit=2, subject=request_id)
    older = {"cursor": first["next_cursor"], "newest_first": True, "limit": 2, "subject": request_id}
    paged = first["items"] + auditor.get("/tenants/contoso/audit", **older)["items"]
    whole = [record["id"] for record in reversed(auditor.trail("contoso", subject=request_id))]
    begin = whole.index(paged[0]["id"])
    assert [record["id"] for record in paged] == whole[begin : begin + 4]


def test_audit_when_read_by_roles_shows_each_its_own(people: People) -> None:
    assert people.vendor_auditor.get("/tenants/contoso/audit", limit=1)["items"]
    assert people.vendor_auditor.get("/tenants/vendor/audit", limit=1)["items"]
    assert people.contoso_admin.get("/tenants/contoso/audit", limit=1)["items"]
    for person, status in ((people.contoso_approver, 403), (people.engineer, 403), (people.fabrikam_admin, 404)):
        assert person.http.get("/tenants/contoso/audit").status_code == status
    assert people.contoso_auditor.http.get("/tenants/vendor/audit").status_code == 404


def test_revocations_when_a_person_asks_is_refused(people: People) -> None:
    assert people.engineer.http.get("/revocations").status_code == 403


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/.well-known/jwks.json"])
def test_public_address_when_nobody_is_signed_in_answers(people: People, path: str) -> None:
    answer = httpx.get(people.portal + path)
    assert answer.status_code == 200
    assert answer.json() is not None
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_openapi_when_read_names_every_address(people: People) -> None:
    document = httpx.get(f"{people.portal}/openapi.json").json()
    paths = set(document["paths"])
    assert {
        "/api/v1/session",
        "/api/v1/requests",
        "/api/v1/requests/{request_id}",
        "/api/v1/requests/{request_id}/decisions",
        "/api/v1/requests/{request_id}/cancel",
        "/api/v1/grants",
        "/api/v1/grants/{grant_id}",
        "/api/v1/grants/{grant_id}/token",
        "/api/v1/grants/{grant_id}/revoke",
        "/api/v1/grants/{grant_id}/complete",
        "/api/v1/tenants/{tenant}/policy",
        "/api/v1/tenants/{tenant}/audit",
        "/api/v1/ops/parked",
        "/api/v1/ops/parked/{queue}",
        "/api/v1/ops/parked/{queue}/{parked_id}",
        "/api/v1/ops/parked/{queue}/{parked_id}/replay",
        "/api/v1/ops/parked/{queue}/replay",
        "/api/v1/ops/outbox",
        "/api/v1/ops/topology",
        "/.well-known/jwks.json",
    } <= paths
    post = document["paths"]["/api/v1/requests"]["post"]
    assert post["security"] == [{"bearer": []}]
    schema = document["components"]["schemas"]["AccessTerms"]
    assert {"tenant", "service_request", "reason_code", "justification", "resources", "actions", "duration"} <= set(
        schema["required"]
    )


def test_session_when_signed_out_is_of_no_use(people: People) -> None:
    token = httpx.post(f"{people.portal}/api/v1/session", json=people.accounts["contoso_auditor"]).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    profile = httpx.get(f"{people.portal}/api/v1/session", headers=headers).json()
    assert profile["organisation"] == "contoso"
    assert httpx.delete(f"{people.portal}/api/v1/session", headers=headers).status_code == 204
    assert httpx.get(f"{people.portal}/api/v1/session", headers=headers).status_code == 401
