"""`/tenants/{tenant}`: policy and audit trail."""

from dataclasses import dataclass, fields
from typing import Any

from lockbox.contracts import wire
from lockbox.contracts.approval import GetPolicy, PolicySettings, PolicyView, PutPolicy
from lockbox.contracts.audit import ListRecords, RecordPage, RecordQuery
from lockbox.contracts.fields import Count
from lockbox.errors import NotFound, invalid
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.edge import edge, idempotency_key

blueprint = Blueprint("tenants", __name__, url_prefix="/api/v1/tenants", description="Tenants")


@dataclass(frozen=True, kw_only=True)
class PolicyBody(PolicySettings):
    """The settings, whole. What else a policy shows may be sent back as it came.

    `version` guards against a change that somebody else made meanwhile.
    """

    version: Count | None = None
    tenant: str | None = None
    changed_at: Any = None
    changed_by: Any = None


@blueprint.route("/<tenant>/policy", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(PolicyView))
def get_policy(tenant: str) -> PolicyView:
    """Read a tenant's policy."""
    return edge().call(GetPolicy(tenant=_tenant_name(tenant)))


@blueprint.route("/<tenant>/policy", methods=["PUT"])
@signed_in
@blueprint.arguments(wire.schema(PolicyBody))
@blueprint.response(200, wire.schema(PolicyView))
def put_policy(body: PolicyBody, tenant: str) -> PolicyView:
    """Replace a tenant's policy."""
    if body.tenant not in (None, tenant):
        raise invalid("invalid_tenant", "tenant", f"{tenant}, as in the address", body.tenant)
    message = PutPolicy(
        tenant=_tenant_name(tenant),
        settings=PolicySettings(**body.settings()),
        version=body.version,
        idempotency_key=idempotency_key(),
    )
    return edge().call(message)


@blueprint.route("/<tenant>/audit", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(RecordQuery), location="query")
@blueprint.response(200, wire.schema(RecordPage))
def list_records(query: RecordQuery, tenant: str) -> RecordPage:
    """Read a tenant's audit trail, in order."""
    asked = {field.name: getattr(query, field.name) for field in fields(query)}
    return edge().call(ListRecords(tenant=_tenant_name(tenant), **asked))


def _tenant_name(text: str) -> str:
    """A name that no tenant can have is a tenant that does not exist."""
    try:
        return wire.decode(GetPolicy, {"tenant": text}).tenant
    except Exception as error:
        raise NotFound("tenant_not_found", "there is no such tenant") from error
