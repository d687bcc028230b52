"""For enforcement points: the keys that grants verify with, the revocations, and the record of use."""

from contextlib import ExitStack
from datetime import datetime

from flask import Response, request

from lockbox.contracts import wire
from lockbox.contracts.access import (
    AccessesRecorded,
    AccessRecorded,
    GetKeys,
    KeySet,
    ListRevocations,
    RecordAccess,
    RecordAccesses,
    RevocationList,
)
from lockbox.errors import invalid
from lockbox.faults import Expected
from lockbox.values.timestamps import parse_timestamp
from portal_service import revocation_stream
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.edge import edge

EVENT_STREAM = "text/event-stream"
NEVER_KEPT = {"Cache-Control": "no-store"}

blueprint = Blueprint("enforcement", __name__, url_prefix="/api/v1", description="For enforcement points")
well_known = Blueprint("keys", __name__, url_prefix="/.well-known", description="Public keys")


@well_known.route("/jwks.json", methods=["GET"])
@well_known.response(200, wire.schema(KeySet))
def get_keys() -> tuple[KeySet, dict[str, str]]:
    """Read the public keys that grants are signed with (RFC 7517)."""
    return edge().call_as_portal(GetKeys()), {"Cache-Control": "no-cache"}


@blueprint.route("/revocations", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(ListRevocations), location="query")
@blueprint.response(200, wire.schema(RevocationList))
def list_revocations(query: ListRevocations) -> Response | tuple[RevocationList, dict[str, str]]:
    """List the revoked grants whose tokens would still verify; as a stream with `Accept: text/event-stream`."""
    if request.accept_mimetypes.best_match(["application/json", EVENT_STREAM]) == EVENT_STREAM:
        return _stream(ListRevocations(since=_last_seen()))
    return edge().call(query), NEVER_KEPT


@blueprint.route("/access-events", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(RecordAccess))
@blueprint.response(201, wire.schema(AccessRecorded))
def record_access(attempt: RecordAccess) -> AccessRecorded:
    """Put one attempt to use content on record."""
    return edge().call(attempt)


@blueprint.route("/access-events/batch", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(RecordAccesses))
@blueprint.response(200, wire.schema(AccessesRecorded))
def record_accesses(attempts: RecordAccesses) -> AccessesRecorded:
    """Put up to 200 attempts to use content on record; `refused` are those that can never be."""
    return edge().call(attempts)


def _stream(query: ListRevocations) -> Response:
    with ExitStack() as stack:
        listener = stack.enter_context(edge().listen())  # from before the first answer, to miss nothing
        first = edge().call(query)
        events = revocation_stream.stream(listener, first)
        answer = Response(events, mimetype=EVENT_STREAM, headers={**NEVER_KEPT, "X-Accel-Buffering": "no"})
        answer.call_on_close(stack.pop_all().close)
        return answer


def _last_seen() -> datetime | None:
    given = request.headers.get("Last-Event-ID")
    if not given:
        return None
    try:
        return parse_timestamp(given)
    except ValueError as error:
        raise invalid("Last-Event-ID", Expected("not_an_event_id"), given, "invalid_last_event_id") from error
