"""Requests and their lanes: by the routes of the application itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from lockbox.runtime.host.web import EdgeRules
from portal_service import lanes
from portal_service.lanes import ENDPOINTS, LANES, busy, edge_rules
from portal_service.web.shell import known_browser

GRANT = "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> EdgeRules:
    key = tmp_path_factory.mktemp("web") / "web.key"
    key.write_text("a secret of these tests\n")
    return edge_rules({"lockbox": {"portal_url": "http://portal", "web_key": str(key), "trusted_proxies": 1}})


def request(line: str, **options: Any) -> Request:
    method, path = line.split()
    return Request(EnvironBuilder(method=method, path=path, **options).get_environ())


@pytest.mark.parametrize(
    ("line", "lane"),
    [
        (f"POST /api/v1/grants/{GRANT}/revoke", "end"),
        (f"GET /grants/{GRANT}/revoke", "end"),
        (f"HEAD /grants/{GRANT}/revoke", "end"),
        (f"POST /grants/{GRANT}/revoke", "end"),
        (f"POST /api/v1/grants/{GRANT}/complete", "end"),
        (f"POST /api/v1/requests/{GRANT}/decisions", "decide"),
        (f"POST /requests/{GRANT}/approve", "decide"),
        ("POST /api/v1/requests", "ask"),
        ("POST /api/v1/session", "sign_in"),
        ("POST /sign-in", "sign_in"),
        ("GET /sign-in", "other"),
        ("GET /api/v1/revocations", "revocations"),
        ("GET /.well-known/jwks.json", "revocations"),
        ("POST /api/v1/access-events", "records"),
        ("POST /api/v1/access-events/batch", "records"),
        ("POST /api/v1/tenants/contoso/policy/evaluate", "policy"),
        ("POST /settings/try", "policy"),
        ("GET /api/v1/tenants/contoso/audit", "reports"),
        ("GET /readyz", "health"),
        ("GET /grants", "other"),
        ("GET /nowhere", "other"),
        ("PATCH /grants", "other"),
        (f"POST /api/v1/grants/{GRANT}/revoke/", "other"),
    ],
)
def test_request_when_sorted_has_the_lane_of_its_kind(rules: EdgeRules, line: str, lane: str) -> None:
    assert rules.lane_of(request(line)) == lane


def test_sign_in_when_the_browser_is_known_has_a_lane_of_its_own(rules: EdgeRules) -> None:
    app = rules.application
    with app.test_request_context():
        cookie = known_browser._signer().dumps({"email": "a@b.example", "browser": GRANT})
    name = app.config["KNOWN_COOKIE_NAME"]
    for text, lane in ((cookie, "sign_in_known"), (cookie[:-1], "sign_in"), ("x", "sign_in")):
        assert rules.lane_of(request("POST /sign-in", headers={"Cookie": f"{name}={text}"})) == lane


def test_endpoints_when_named_exist_and_have_one_lane(rules: EdgeRules) -> None:
    named = [endpoint for endpoints in ENDPOINTS.values() for endpoint in endpoints]
    assert sorted(set(named) - {rule.endpoint for rule in rules.application.url_map.iter_rules()}) == []
    assert len(named) == len(set(named))


def test_lanes_when_added_up_need_fewer_workers_than_the_portal_has() -> None:
    config = (Path(lanes.__file__).parent / "config.yml").read_text()
    [workers] = [line.split()[1] for line in config.splitlines() if line.startswith("max_workers:")]
    assert sum(lane.workers for lane in LANES) < int(workers)


@pytest.mark.parametrize(
    ("proxies", "peer", "client"),
    [(0, "10.0.0.9", "10.0.0.9"), (1, None, "203.0.113.9"), (None, None, None)],
)
def test_connection_when_proxies_are_in_front_counts_for_their_client(
    proxies: int | None, peer: str | None, client: str | None
) -> None:
    rules = EdgeRules((), lambda _: "", trusted_proxies=proxies)
    environ = {"REMOTE_ADDR": "10.0.0.9", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    assert (rules.peer_of("10.0.0.9"), rules.client_of(environ)) == (peer, client)


def test_program_when_its_lane_is_full_gets_a_problem_with_the_time_to_wait() -> None:
    answer = busy(request(f"POST /api/v1/grants/{GRANT}/revoke"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.mimetype == "application/problem+json"
    assert json.loads(answer.get_data())["code"] == "portal_busy"


def test_person_when_the_lane_is_full_gets_a_page() -> None:
    answer = busy(request(f"POST /grants/{GRANT}/revoke"))
    assert (answer.status_code, answer.headers["Retry-After"], answer.mimetype) == (503, "2", "text/html")
    assert "Nothing was changed" in answer.get_data(as_text=True)
