"""`/requests`: ask, list, read, decide, ask back, cancel, open in an emergency; `/queue`: what waits for the caller."""

from dataclasses import dataclass
from uuid import UUID

from flask import url_for

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    ListQueue,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.terms import Changes, Verdict
from lockbox.contracts.approval.views import ApprovalPage, ApprovalView
from lockbox.contracts.fields import Comment, Justification
from lockbox.contracts.request.operations import CreateRequest, ListRequests, ProvideInfo
from lockbox.contracts.request.terms import TermsAsked
from lockbox.contracts.request.views import RequestPage, RequestView
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.edge import edge, idempotency_key
from portal_service.usecases import RequestDetails

blueprint = Blueprint("requests", __name__, url_prefix="/api/v1/requests", description="Access requests")
queue = Blueprint("queue", __name__, url_prefix="/api/v1/queue", description="What waits for the caller")


@dataclass(frozen=True)
class DecisionBody:
    """A yes or no to what has this digest, what of it is not to be, and what to say with it."""

    decision: Verdict
    request_digest: str
    comment: Comment = ""
    changes: Changes | None = None


@dataclass(frozen=True)
class CommentBody:
    """What to say with an act."""

    comment: Comment = ""


@dataclass(frozen=True)
class ReasonBody:
    """Why something is done; it has to be said."""

    comment: Justification


@dataclass(frozen=True)
class QuestionBody:
    """What an approver wants to know."""

    question: Justification


@dataclass(frozen=True)
class AnswerBody:
    """What the engineer answers."""

    answer: Justification


@queue.route("", methods=["GET"])
@signed_in
@queue.arguments(wire.schema(ListQueue), location="query")
@queue.response(200, wire.schema(ApprovalPage))
def list_queue(query: ListQueue) -> tuple[ApprovalPage, dict[str, str]]:
    """List the requests and extensions that wait for the caller's decision, what ends first at the top."""
    return edge().call(query), {"Cache-Control": "no-store"}


@blueprint.route("", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(TermsAsked))
@blueprint.response(201, wire.schema(RequestView))
def create_request(terms: TermsAsked) -> tuple[RequestView, dict[str, str]]:
    """Ask for access; without a duration, for as long as the tenant's policy says."""
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
    """Read one request: what can still be granted, decisions, grant, history, and what the caller may do."""
    return edge().read_request(str(request_id))


@blueprint.route("/<uuid:request_id>/decisions", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(DecisionBody))
@blueprint.response(201, wire.schema(ApprovalView))
def decide(body: DecisionBody, request_id: UUID) -> ApprovalView:
    """Approve, approve less, or deny, for the stage that is open: of the request, or of the extension asked for."""
    message = Decide(
        request_id=str(request_id),
        request_digest=body.request_digest,
        decision=body.decision,
        comment=body.comment,
        changes=body.changes,
        idempotency_key=idempotency_key(),
    )
    return edge().act_on_request(message)


@blueprint.route("/<uuid:request_id>/info-requests", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(QuestionBody))
@blueprint.response(201, wire.schema(ApprovalView))
def request_info(body: QuestionBody, request_id: UUID) -> ApprovalView:
    """Ask the engineer for more before deciding; the request goes on expiring."""
    message = RequestInfo(request_id=str(request_id), question=body.question, idempotency_key=idempotency_key())
    return edge().act_on_request(message)


@blueprint.route("/<uuid:request_id>/info-answers", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(AnswerBody))
@blueprint.response(201, wire.schema(RequestView))
def provide_info(body: AnswerBody, request_id: UUID) -> RequestView:
    """Answer what the approvers asked about an own request."""
    return edge().call(ProvideInfo(request_id=str(request_id), text=body.answer, idempotency_key=idempotency_key()))


@blueprint.route("/<uuid:request_id>/cancel", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(CommentBody))
@blueprint.response(200, wire.schema(ApprovalView))
def cancel_request(body: CommentBody, request_id: UUID) -> ApprovalView:
    """Take an own request back while it is pending."""
    message = CancelRequest(request_id=str(request_id), comment=body.comment, idempotency_key=idempotency_key())
    return edge().act_on_request(message)


@blueprint.route("/<uuid:request_id>/break-glass", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(ReasonBody))
@blueprint.response(200, wire.schema(ApprovalView))
def use_break_glass(body: ReasonBody, request_id: UUID) -> ApprovalView:
    """Want access opened at once, where the policy allows it; the second vendor approver who does opens it."""
    message = UseBreakGlass(request_id=str(request_id), comment=body.comment, idempotency_key=idempotency_key())
    return edge().act_on_request(message)


@blueprint.route("/<uuid:request_id>/break-glass/acknowledge", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(CommentBody))
@blueprint.response(200, wire.schema(ApprovalView))
def acknowledge_break_glass(body: CommentBody, request_id: UUID) -> ApprovalView:
    """Take note of access that was opened without the customer's approval."""
    message = AcknowledgeBreakGlass(request_id=str(request_id), comment=body.comment, idempotency_key=idempotency_key())
    return edge().act_on_request(message)
