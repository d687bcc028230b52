"""`/healthz` and `/readyz`, for load balancers in front of the portal."""

from flask import Blueprint, Response, jsonify

from portal_service.edge import edge

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> tuple[Response, int]:
    """Answer 200 while the event loop of the portal runs on time, else 503."""
    alive = edge().health.alive()
    return jsonify({"alive": alive}), 200 if alive else 503


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Answer 200 while the portal misses nothing that it needs, else 503 with the list."""
    missing = edge().health.missing()
    return jsonify({"missing": missing}), 503 if missing else 200
