"""`/tenants/{tenant}/usage`: what grants allowed, beside what was done with them."""

from uuid import UUID

from lockbox.contracts import wire
from lockbox.contracts.usage import GetGrantUsage, GetUsage, GrantUsage, UsageQuery, UsageReport
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.api.tenants import tenant_name
from portal_service.edge import edge

blueprint = Blueprint("usage", __name__, url_prefix="/api/v1/tenants/<tenant>/usage", description="Granted versus used")


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(UsageQuery), location="query")
@blueprint.response(200, wire.schema(UsageReport))
def get_usage(query: UsageQuery, tenant: str) -> UsageReport:
    """Say what a tenant's grants allowed, and what was done with them, newest first."""
    return edge().call(GetUsage(tenant=tenant_name(tenant), **wire.named(UsageQuery, query)))


@blueprint.route("/<uuid:grant_id>", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(GrantUsage))
def get_grant_usage(tenant: str, grant_id: UUID) -> GrantUsage:
    """Say what one grant allowed, and what was done with it."""
    return edge().call(GetGrantUsage(tenant=tenant_name(tenant), grant_id=str(grant_id)))
