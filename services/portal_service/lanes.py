"""The lanes of the portal: which requests have which workers, so that no kind keeps another waiting.

Ending an access has a lane of its own, so that a customer can always say no; so have decisions, signing in, and guards.
"""

import json
from http import HTTPStatus

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from lockbox.runtime.host.settings import Config
from lockbox.runtime.host.web import EdgeRules
from lockbox.runtime.web.lanes import Lane
from portal_service.app import FOR_PROGRAMS, create_app
from portal_service.revocation_stream import ENDING_LANE
from portal_service.web.shell import known_browser

END = Lane(ENDING_LANE, 16)
DECIDE = Lane("decide", 16)
ASK = Lane("ask", 64, whole=True)
SIGN_IN = Lane("sign_in", 40)
SIGN_IN_KNOWN = Lane("sign_in_known", 20)
REVOCATIONS = Lane("revocations", 40, whole=True)
RECORDS = Lane("records", 100, whole=True)
POLICY = Lane("policy", 4)
REPORTS = Lane("reports", 8)
HEALTH = Lane("health", 8, whole=True)
OTHER = Lane("other", 40)
"""Pages, lists, and all that has no lane of its own; so many that approval_service has room for other calls."""

LANES = (END, DECIDE, ASK, SIGN_IN, SIGN_IN_KNOWN, REVOCATIONS, RECORDS, POLICY, REPORTS, HEALTH, OTHER)

ENDPOINTS: dict[Lane, tuple[str, ...]] = {
    END: (
        *("grants.revoke_grant", "grants.complete_grant", "requests.cancel_request", "ops.revoke_key"),
        *("pages.grants.show_revocation", "pages.grants.revoke"),
        *("pages.grants.show_completion", "pages.grants.complete"),
    ),
    DECIDE: (
        *("requests.decide", "requests.request_info"),
        *("requests.use_break_glass", "requests.acknowledge_break_glass", "tenants.decide_policy_change"),
        *("pages.decision.show_decision", "pages.decision.decide"),
        *("pages.request_operations.show_operation", "pages.request_operations.send_operation"),
        *("pages.policy.show_proposal", "pages.policy.decide_proposal"),
    ),
    ASK: (
        *("requests.create_request", "grants.request_extension", "requests.provide_info"),
        *("pages.requests.show_form", "pages.requests.create_request"),
        *("pages.grants.show_extension", "pages.grants.extend"),
    ),
    SIGN_IN: ("session.sign_in", "pages.session.sign_in"),
    REVOCATIONS: ("enforcement.list_revocations", "keys.get_keys"),
    RECORDS: ("enforcement.record_access", "enforcement.record_accesses"),
    POLICY: (
        *("tenants.evaluate_policy", "tenants.diff_policy", "tenants.put_policy"),
        *("pages.policy_trial.try_policy", "pages.policy.change_policy", "pages.policy_document.change_document"),
    ),
    REPORTS: (
        *("tenants.list_records", "usage.get_usage", "usage.get_grant_usage"),
        *("pages.audit.list_records", "pages.usage.show_report", "pages.usage.show_grant"),
        *("ops.check_topology", "ops.get_outbox", "ops.list_parked", "ops.read_parked"),
        *("ops.replay_parked", "ops.replay_parked_1", "ops.drop_parked", "ops.drop_parked_1"),
    ),
    HEALTH: ("health.alive", "health.ready"),
}
OF_ENDPOINT = {endpoint: lane for lane, endpoints in ENDPOINTS.items() for endpoint in endpoints}

RETRY_AFTER = {"Retry-After": "2"}
BUSY = {
    "type": "urn:lockbox:problem:portal_busy",
    "title": HTTPStatus.SERVICE_UNAVAILABLE.phrase,
    "status": HTTPStatus.SERVICE_UNAVAILABLE.value,
    "code": "portal_busy",
    "detail": "too many requests of this kind are at work; try again in a moment",
}
BUSY_PAGE = """<!doctype html><html lang="en"><title>Lockbox is busy</title>
<h1>Lockbox is busy</h1><p>Nothing was changed. Go back, and try again in a moment.</p></html>"""


def edge_rules(config: Config) -> EdgeRules:
    """Return the rules of the portal's web server, with its application."""
    app = create_app(config)
    return EdgeRules(LANES, Sorting(app).lane_of, busy, app.config["TRUSTED_PROXIES"], app)


class Sorting:
    """Sorts requests into lanes by the application's own routes."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._routes = app.url_map.bind("")

    def lane_of(self, request: Request) -> str:
        """Return the name of a request's lane."""
        try:
            endpoint, _ = self._routes.match(request.path, request.method)
        except HTTPException:
            return OTHER.name
        lane = OF_ENDPOINT.get(endpoint, OTHER)
        if lane is SIGN_IN and known_browser.is_known(self._app.config, request.cookies):
            return SIGN_IN_KNOWN.name
        return lane.name


def busy(request: Request) -> Response:
    """Answer a request without a worker, as its lane is full."""
    for_programs = request.path.startswith(FOR_PROGRAMS)
    return Response(
        json.dumps(BUSY) if for_programs else BUSY_PAGE,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        mimetype="application/problem+json" if for_programs else "text/html",
        headers=RETRY_AFTER,
    )
