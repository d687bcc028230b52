"""The log of web requests: one line for each, with the id that error pages show and that the services log too."""

import structlog
from flask import Flask, Response, g, request

from lockbox.clock import SystemClock
from portal_service.edge import correlation_id

OF_MACHINES = frozenset({"health.alive", "health.ready", "static", "bootstrap.static"})
"""Endpoints that are asked all the time, by probes and for the parts of a page."""

log = structlog.get_logger(__name__)


def register(app: Flask, clock: SystemClock | None = None) -> None:
    """Log every request after its answer: method, route, status, person and duration; no body, address or query."""
    time = clock or SystemClock()

    def begin() -> None:
        g.began = time.monotonic()

    def end(response: Response) -> Response:
        if request.endpoint not in OF_MACHINES:
            milliseconds = round((time.monotonic() - g.get("began", time.monotonic())) * 1000, 1)
            log.info("web_request", **_line(response), milliseconds=milliseconds)
        return response

    app.before_request(begin)
    app.after_request(end)


def _line(response: Response) -> dict[str, object]:
    identity = g.get("identity")
    return {
        "correlation_id": correlation_id(),
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "person": identity.account.email if identity else None,
    }
