"""`/grants`: list, read, fetch the signed grant, revoke, complete, ask for more time."""

from dataclasses import dataclass
from uuid import UUID

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import RequestExtension
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.fields import Duration, Justification
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, GetGrantToken, ListGrants, RevokeGrant
from lockbox.contracts.grant.terms import Confirmation, Thumbprint
from lockbox.contracts.grant.views import GrantPage, GrantView, SignedGrant
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.api.requests import CommentBody
from portal_service.edge import edge, idempotency_key

blueprint = Blueprint("grants", __name__, url_prefix="/api/v1/grants", description="Grants")


@dataclass(frozen=True)
class Certified:
    """The thumbprint of the client certificate that a grant is for: base64url of the SHA-256 of its DER (RFC 8705)."""

    x5t_s256: Thumbprint | None = None


@dataclass(frozen=True)
class ExtensionBody:
    """How much longer, and why."""

    duration: Duration
    justification: Justification


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(ListGrants), location="query")
@blueprint.response(200, wire.schema(GrantPage))
def list_grants(query: ListGrants) -> GrantPage:
    """List the grants that the caller may see, newest first."""
    return edge().call(query)


@blueprint.route("/<uuid:grant_id>", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(GrantView))
def get_grant(grant_id: UUID) -> GrantView:
    """Read one grant."""
    return edge().call(GetGrant(grant_id=str(grant_id)))


@blueprint.route("/<uuid:grant_id>/token", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(Certified), location="query")
@blueprint.response(200, wire.schema(SignedGrant))
def get_grant_token(query: Certified, grant_id: UUID) -> tuple[SignedGrant, dict[str, str]]:
    """Fetch the signed grant; only its own engineer can.

    It is bound to the key of the proof in the header `DPoP` (RFC 9449), or to a client certificate.
    """
    confirmation = Confirmation(jkt=edge().proven_key(), x5t_s256=query.x5t_s256)
    message = GetGrantToken(grant_id=str(grant_id), confirmation=confirmation)
    return edge().call(message), {"Cache-Control": "no-store"}


@blueprint.route("/<uuid:grant_id>/revoke", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(CommentBody))
@blueprint.response(200, wire.schema(GrantView))
def revoke_grant(body: CommentBody, grant_id: UUID) -> GrantView:
    """End a live grant now."""
    message = RevokeGrant(grant_id=str(grant_id), comment=body.comment, idempotency_key=idempotency_key())
    return edge().call(message)


@blueprint.route("/<uuid:grant_id>/extensions", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(ExtensionBody))
@blueprint.response(201, wire.schema(ApprovalView))
def request_extension(body: ExtensionBody, grant_id: UUID) -> ApprovalView:
    """Ask for more time while an own grant is active; the same stages decide, and the access goes on meanwhile."""
    message = RequestExtension(
        grant_id=str(grant_id),
        duration=body.duration,
        justification=body.justification,
        idempotency_key=idempotency_key(),
    )
    return edge().call(message)


@blueprint.route("/<uuid:grant_id>/complete", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(CommentBody))
@blueprint.response(200, wire.schema(GrantView))
def complete_grant(body: CommentBody, grant_id: UUID) -> GrantView:
    """Close an own live grant early; only its own engineer can."""
    message = CompleteGrant(grant_id=str(grant_id), comment=body.comment, idempotency_key=idempotency_key())
    return edge().call(message)
