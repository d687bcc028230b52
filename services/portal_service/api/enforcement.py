"""Routes for enforcement points: the stream of revocations, and the keys, which need no sign-in."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime

from flask import Response, request
from marshmallow import ValidationError

from lockbox.contracts.access import GetKeys, KeySet, ListRevocations, RevocationList
from lockbox.contracts.fields import TimestampField
from lockbox.contracts.registry import Operation
from lockbox.errors import invalid
from lockbox.faults import Expected
from portal_service import revocation_stream
from portal_service.api.special import NEVER_KEPT, Special
from portal_service.edge import edge

EVENT_STREAM = "text/event-stream"


def get_keys(message: GetKeys) -> tuple[KeySet, dict[str, str]]:
    """Read the public keys; readers ask again each time whether they changed."""
    return edge().call_as_portal(message), {"Cache-Control": "no-cache"}


def list_revocations(message: ListRevocations) -> Response | tuple[RevocationList, dict[str, str]]:
    """List revocations, or stream them to a reader that accepts `text/event-stream`."""
    if request.accept_mimetypes.best_match(["application/json", EVENT_STREAM]) == EVENT_STREAM:
        return _stream(ListRevocations(since=_last_seen()))
    return edge().call(message), NEVER_KEPT


def _stream(query: ListRevocations) -> Response:
    with ExitStack() as stack:
        listener = stack.enter_context(edge().listen())  # from before the first answer, to miss nothing
        first = edge().call(query)
        events = revocation_stream.stream(listener, first, edge().can_revoke)
        answer = Response(events, mimetype=EVENT_STREAM, headers={**NEVER_KEPT, "X-Accel-Buffering": "no"})
        answer.call_on_close(stack.pop_all().close)
        return answer


def _last_seen() -> datetime | None:
    given = request.headers.get("Last-Event-ID")
    if not given:
        return None
    try:
        return TimestampField().deserialize(given)
    except ValidationError as error:
        raise invalid("Last-Event-ID", Expected("not_an_event_id"), given, "invalid_last_event_id") from error


SPECIAL: Mapping[Operation, Special] = {
    GetKeys: Special(respond=get_keys),
    ListRevocations: Special(respond=list_revocations),
}
