"""`/ops`: what operators see and do; each service answers for its own queues and outbox."""

from uuid import UUID

from lockbox.contracts import wire
from lockbox.contracts.keys import KeyList, ListKeys, RevokeKey, RotateKeys
from lockbox.contracts.ops import (
    CheckTopology,
    DropParked,
    GetOutbox,
    ListParked,
    ParkedContent,
    ParkedQuery,
    ReadParked,
    ReplayParked,
    Settled,
)
from portal_service import ops_fanout
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.api.requests import CommentBody
from portal_service.edge import edge, idempotency_key
from portal_service.ops_fanout import OutboxOverview, ParkedOverview, TopologyOverview, owner_of

NEVER_KEPT = {"Cache-Control": "no-store"}

blueprint = Blueprint("ops", __name__, url_prefix="/api/v1/ops", description="For operators")


@blueprint.route("/parked", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(ParkedQuery), location="query")
@blueprint.response(200, wire.schema(ParkedOverview))
def list_parked(query: ParkedQuery) -> tuple[ParkedOverview, dict[str, str]]:
    """List the messages that are parked, without their bodies."""
    message = ListParked(queue=query.queue, limit=query.limit)
    if query.queue is None:
        answers = edge().operate_all(message)
    else:
        service = owner_of(query.queue)
        answers = {service: edge().operate(service, message)}
    return ops_fanout.parked_overview(answers, query.limit), NEVER_KEPT


@blueprint.route("/parked/<queue>/<uuid:parked_id>", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(ParkedContent))
def read_parked(queue: str, parked_id: UUID) -> tuple[ParkedContent, dict[str, str]]:
    """Look into a parked message; that it was read is on record."""
    message = ReadParked(queue=queue, parked_id=str(parked_id))
    return edge().operate(owner_of(queue), message), NEVER_KEPT


@blueprint.route("/parked/<queue>/<uuid:parked_id>/replay", methods=["POST"])
@signed_in
@blueprint.response(200, wire.schema(Settled))
def replay_one(queue: str, parked_id: UUID) -> Settled:
    """Have a parked message handled again; the same again changes nothing."""
    return edge().operate(owner_of(queue), ReplayParked(queue=queue, parked_id=str(parked_id)))


@blueprint.route("/parked/<queue>/replay", methods=["POST"])
@signed_in
@blueprint.response(200, wire.schema(Settled))
def replay_some(queue: str) -> Settled:
    """Have the oldest hundred parked messages of a queue handled again; `left` says how many more there were."""
    return edge().operate(owner_of(queue), ReplayParked(queue=queue))


@blueprint.route("/parked/<queue>/<uuid:parked_id>", methods=["DELETE"])
@signed_in
@blueprint.response(200, wire.schema(Settled))
def drop_one(queue: str, parked_id: UUID) -> Settled:
    """Give a parked message up; the same again changes nothing."""
    return edge().operate(owner_of(queue), DropParked(queue=queue, parked_id=str(parked_id)))


@blueprint.route("/parked/<queue>", methods=["DELETE"])
@signed_in
@blueprint.response(200, wire.schema(Settled))
def drop_some(queue: str) -> Settled:
    """Give the oldest hundred parked messages of a queue up; `left` says how many more there were."""
    return edge().operate(owner_of(queue), DropParked(queue=queue))


@blueprint.route("/outbox", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(OutboxOverview))
def get_outbox() -> tuple[OutboxOverview, dict[str, str]]:
    """See what waits to be published, by service."""
    answers = edge().operate_all(GetOutbox())
    return ops_fanout.outbox_overview(answers), NEVER_KEPT


@blueprint.route("/topology", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(TopologyOverview))
def check_topology() -> tuple[TopologyOverview, dict[str, str]]:
    """Compare what should be on the broker with what is there; bindings, which can't be seen, are made anew."""
    answers = edge().operate_all(CheckTopology())
    return ops_fanout.topology_overview(answers), NEVER_KEPT


@blueprint.route("/keys", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(KeyList))
def list_keys() -> tuple[KeyList, dict[str, str]]:
    """List the keys that grants are and were signed with, the newest first."""
    return edge().call(ListKeys()), NEVER_KEPT


@blueprint.route("/keys/rotate", methods=["POST"])
@signed_in
@blueprint.response(200, wire.schema(KeyList))
def rotate_keys() -> KeyList:
    """Sign with a new key from now on; what was signed before counts until its end."""
    return edge().call(RotateKeys(idempotency_key=idempotency_key()))


@blueprint.route("/keys/<kid>/revoke", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(CommentBody))
@blueprint.response(200, wire.schema(KeyList))
def revoke_key(body: CommentBody, kid: str) -> KeyList:
    """Let nothing count any more that a key has signed; the active one is replaced at once."""
    message = {"kid": kid, "comment": body.comment, "idempotency_key": idempotency_key()}
    return edge().call(wire.decode(RevokeKey, message))
