"""For enforcement points: the keys that grants verify with, the revocations, and the record of use."""

from lockbox.contracts import wire
from lockbox.contracts.access import AccessRecorded, GetKeys, KeySet, ListRevocations, RecordAccess, RevocationList
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.edge import edge

blueprint = Blueprint("enforcement", __name__, url_prefix="/api/v1", description="For enforcement points")
well_known = Blueprint("keys", __name__, url_prefix="/.well-known", description="Public keys")


@well_known.route("/jwks.json", methods=["GET"])
@well_known.response(200, wire.schema(KeySet))
def get_keys() -> tuple[KeySet, dict[str, str]]:
    """Read the public keys that grants are signed with (RFC 7517)."""
    return edge().call_as_portal(GetKeys()), {"Cache-Control": "public, max-age=60"}


@blueprint.route("/revocations", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(RevocationList))
def list_revocations() -> tuple[RevocationList, dict[str, str]]:
    """List the revoked grants whose tokens would still verify."""
    return edge().call(ListRevocations()), {"Cache-Control": "no-store"}


@blueprint.route("/access-events", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(RecordAccess))
@blueprint.response(201, wire.schema(AccessRecorded))
def record_access(attempt: RecordAccess) -> AccessRecorded:
    """Put one attempt to use content on record."""
    return edge().call(attempt)
