"""`/requests`: ask, list, read, decide, cancel."""

from dataclasses import dataclass
from uuid import UUID

from flask import url_for

from lockbox.contracts import wire
from lockbox.contracts.approval import ApprovalView, CancelRequest, Decide, Verdict
from lockbox.contracts.fields import Comment
from lockbox.contracts.request import AccessTerms, CreateRequest, ListRequests, RequestPage, RequestView
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.edge import edge, idempotency_key
from portal_service.usecases import RequestDetails

blueprint = Blueprint("requests", __name__, url_prefix="/api/v1/requests", description="Access requests")


@dataclass(frozen=True)
class DecisionBody:
    """A yes or no, and what to say with it."""

    decision: Verdict
    comment: Comment = ""


@dataclass(frozen=True)
class CommentBody:
    """What to say with an act."""

    comment: Comment = ""


@blueprint.route("", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(AccessTerms))
@blueprint.response(201, wire.schema(RequestView))
def create_request(terms: AccessTerms) -> tuple[RequestView, dict[str, str]]:
    """Ask for access."""
    view = edge().call(CreateRequest(terms=terms, idempotency_key=idempotency_key()))
    return view, {"Location": url_for("requests.get_request", request_id=view.id)}


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(ListRequests), location="query")
@blueprint.response(200, wire.schema(RequestPage))
def list_requests(query: ListRequests) -> RequestPage:
    """List the requests that the caller may see, newest first."""
    return edge().call(query)


@blueprint.route("/<uuid:request_id>", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(RequestDetails))
def get_request(request_id: UUID) -> RequestDetails:
    """Read one request: decisions, grant and history included."""
    return edge().read_request(str(request_id))


@blueprint.route("/<uuid:request_id>/decisions", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(DecisionBody))
@blueprint.response(201, wire.schema(ApprovalView))
def decide(body: DecisionBody, request_id: UUID) -> ApprovalView:
    """Approve or deny, for the stage that is open."""
    message = Decide(
        request_id=str(request_id),
        decision=body.decision,
        comment=body.comment,
        idempotency_key=idempotency_key(),
    )
    return edge().act_on_request(message)


@blueprint.route("/<uuid:request_id>/cancel", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(CommentBody))
@blueprint.response(200, wire.schema(ApprovalView))
def cancel_request(body: CommentBody, request_id: UUID) -> ApprovalView:
    """Take an own request back while it is pending."""
    message = CancelRequest(request_id=str(request_id), comment=body.comment, idempotency_key=idempotency_key())
    return edge().act_on_request(message)
