"""Routes as they follow from declarations: what arrives as path, body, query and key is sent as one message."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.contracts.openapi import application
from tests.unit.portal_service.api.rest_calls import AN_ID, BEARER, VALUES, Recorder, address

from lockbox.contracts import wire
from lockbox.contracts.access import GetKeys
from lockbox.contracts.calls import PUBLIC
from lockbox.contracts.registry import OPERATIONS, Operation
from portal_service.api import routes
from portal_service.api.examples import EXAMPLES
from portal_service.edge import PortalEdge

ROUTES = [(operation, route) for operation in OPERATIONS for route in operation.routes]


@pytest.fixture
def edge() -> Recorder:
    return Recorder()


@pytest.fixture
def client(edge: Recorder) -> FlaskClient:
    client = application().test_client()
    client.environ_base["lockbox.edge"] = edge
    return client


def test_edge_when_recorded_has_the_methods_of_the_real_one() -> None:
    own = {name for name in vars(Recorder) if not name.startswith("_")} - {"sent", "key"}
    assert own <= set(vars(PortalEdge))


@pytest.mark.parametrize(("operation", "route"), ROUTES)
def test_route_when_called_sends_the_operation_with_path_body_and_key(
    operation: Operation, route: Any, client: FlaskClient, edge: Recorder
) -> None:
    body = dict(EXAMPLES[operation].body)
    headers = BEARER | {"Idempotency-Key": "key-1"}
    answer = client.open(address(route.path), method=route.method, json=body or None, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "not_sent")
    [message] = edge.sent
    if operation.method == "get_request":  # the edge puts it together from two messages
        assert message == AN_ID
        return
    assert type(message) is operation
    for name in route.parameters:
        assert getattr(message, name) == VALUES.get(name, AN_ID)
    if "idempotency_key" in operation.__dataclass_fields__:  # type: ignore[attr-defined]
        assert message.idempotency_key == "key-1"
    wire.decode(operation, wire.encode(message))


@pytest.mark.parametrize(("operation", "route"), [(one, route) for one, route in ROUTES if one is not GetKeys])
def test_route_when_called_without_a_token_is_refused(
    operation: Operation, route: Any, client: FlaskClient, edge: Recorder
) -> None:
    answer = client.open(address(route.path), method=route.method)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "token_missing")
    assert edge.sent == []


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if EXAMPLES.get(one) and EXAMPLES[one].body])
def test_body_when_it_has_another_field_is_refused_by_name(
    operation: Operation, client: FlaskClient, edge: Recorder
) -> None:
    [route] = operation.routes
    body = dict(EXAMPLES[operation].body) | {"idempotency_key": "smuggled"}
    answer = client.open(address(route.path), method=route.method, json=body, headers=BEARER)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "unknown_field")
    assert edge.sent == []


@pytest.mark.parametrize("path", ["/tenants/No-Such_Name/policy", "/tenants/No-Such_Name/audit"])
def test_tenant_when_no_tenant_can_have_the_name_is_not_found(path: str, client: FlaskClient, edge: Recorder) -> None:
    answer = client.get(f"/api/v1{path}", headers=BEARER)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "tenant_not_found")
    assert edge.sent == []


def test_key_when_it_is_no_thumbprint_is_invalid(client: FlaskClient) -> None:
    answer = client.post("/api/v1/ops/keys/short/revoke", headers=BEARER)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_kid")


def test_query_when_it_has_numbers_moments_and_flags_reads_them(client: FlaskClient, edge: Recorder) -> None:
    client.get("/api/v1/tenants/contoso/audit?limit=7&newest_first=true&from=2026-01-31T09:30:00Z", headers=BEARER)
    client.get("/api/v1/tenants/contoso/break-glass?acknowledged=false", headers=BEARER)
    records, opened = edge.sent
    assert (records.limit, records.newest_first, records.start.hour) == (7, True, 9)
    assert opened.acknowledged is False


AMBIGUOUS = [
    ('{"decision": "deny", "request_digest": "x", "decision": "approve"}', "repeated_field", "decision"),
    (
        '{"decision": "approve", "changes": {"duration": "PT1H", "duration": "PT9H"}}',
        "repeated_field",
        "changes.duration",
    ),
    ('{"decision": "approve", "request_digest": NaN}', "invalid_request_digest", "request_digest"),
    (r'{"decision": "approve", "comment": "\ud800"}', "invalid_comment", "comment"),
    (r'{"decision": "approve", "\ud800": 1}', "invalid_body", r"\ud800"),
]


@pytest.mark.parametrize(("body", "code", "field"), AMBIGUOUS)
def test_body_when_it_can_be_read_in_two_ways_is_refused_by_name(
    client: FlaskClient, edge: Recorder, body: str, code: str, field: str
) -> None:
    path = f"/api/v1/requests/{AN_ID}/decisions"
    answer = client.post(path, headers=BEARER, data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert [fault["field"] for fault in answer.json["errors"]] == [field]
    assert edge.sent == []


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("/requests?tenant=contoso&tenant=fabrikam", "repeated_field", "tenant"),
        ("/requests?tenant=contoso&tenant=contoso", "repeated_field", "tenant"),
        ("/requests?limit=5&state=APPROVED&limit=6", "repeated_field", "limit"),
        ("/tenants/contoso/audit?from=2026-01-31T09:30:00Z&from=2026-02-01T09:30:00Z", "repeated_field", "from"),
        ("/requests?cursor=", "invalid_cursor", "cursor"),
        ("/tenants/contoso/audit?type=access_opened_wide", "invalid_type", "type"),
        ("/tenants/contoso/audit?grant_id=x", "invalid_grant_id", "grant_id"),
        ("/requests?limit=1_0", "invalid_limit", "limit"),
        ("/requests?limit=%2B5", "invalid_limit", "limit"),
        ("/requests?limit=", "invalid_limit", "limit"),
        ("/requests?limit=NaN", "invalid_limit", "limit"),
        ("/tenants/contoso/audit?from=0001-01-01T00:00:00Z", "invalid_from", "from"),
        ("/tenants/contoso/audit?to=9999-12-31T23:59:59-23:59", "invalid_to", "to"),
        ("/tenants/contoso/usage?to=0001-01-01T00:00:00%2B14:00", "invalid_to", "to"),
        ("/tenants/contoso/audit?from=2026-01-31T09:30:00%2B00:60", "invalid_from", "from"),
    ],
)
def test_query_when_it_can_be_read_in_two_ways_is_refused_by_name(
    client: FlaskClient, edge: Recorder, path: str, code: str, field: str
) -> None:
    answer = client.get(f"/api/v1{path}", headers=BEARER)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert [fault["field"] for fault in answer.json["errors"]] == [field]
    assert edge.sent == []


def test_token_when_no_key_is_shown_names_the_header(client: FlaskClient, edge: Recorder) -> None:
    edge.key = None
    answer = client.get(f"/api/v1/grants/{AN_ID}/token", headers=BEARER)
    assert (answer.status_code, answer.json["code"]) == (422, "confirmation_required")
    assert [fault["field"] for fault in answer.json["errors"]] == ["DPoP", "x5t_s256"]
    assert answer.json["detail"].startswith("DPoP: ")
    assert edge.sent == []


def test_last_event_id_when_it_is_at_the_end_of_the_calendar_is_refused(client: FlaskClient) -> None:
    headers = {**BEARER, "Accept": "text/event-stream", "Last-Event-ID": "0001-01-01T00:00:00.000000Z"}
    answer = client.get("/api/v1/revocations", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_last_event_id")


def test_only_operations_without_sign_in_when_counted_are_those_declared_public() -> None:
    assert [one for one in OPERATIONS if one.public] == [GetKeys]
    assert PUBLIC.value == "without sign-in"


def test_blueprints_when_an_operation_has_no_example_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "EXAMPLES", {})
    with pytest.raises(TypeError, match="CreateRequest has no example"):
        routes.blueprints()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/ops/parked/notify_service.on_news.v1"),
        ("POST", "/ops/parked/notify_service.on_news.v1/replay"),
        ("GET", f"/grants/{AN_ID}"),
        ("POST", f"/grants/{AN_ID}/revoke"),
    ],
)
def test_route_when_the_query_has_a_field_that_it_does_not_read_sends_nothing(
    client: FlaskClient, edge: Recorder, method: str, path: str
) -> None:
    answer = client.open(f"/api/v1{path}?parked_id={AN_ID}", method=method, headers=BEARER)
    assert (answer.status_code, answer.json["code"]) == (422, "unknown_field")
    assert edge.sent == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_route_without_fields_when_the_body_has_one_sends_nothing(
    client: FlaskClient, edge: Recorder, method: str
) -> None:
    path = "/api/v1/ops/parked/notify_service.on_news.v1" + ("/replay" if method == "POST" else "")
    answer = client.open(path, method=method, headers=BEARER, json={"parked_id": AN_ID})
    assert (answer.status_code, answer.json["code"]) == (422, "unknown_field")
    assert edge.sent == []
