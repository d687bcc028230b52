"""The pages of operations on a request beside the decision: cancel, ask, answer, break-glass, acknowledge."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from lockbox.contracts import wire
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.request.operations import ProvideInfo
from lockbox.contracts.request.views import RequestView
from lockbox.errors import Conflict, Forbidden, Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.usecases import RequestDetails
from portal_service.web.shell.forms import Form
from portal_service.web.shell.permission import obstacle
from portal_service.web.views import operations
from portal_service.web.views.operations import ON_REQUESTS, RequestOperation
from portal_service.web.wording.refusals import unchanged

NAMES = f"any({', '.join(repr(name) for name in ON_REQUESTS)})"
WOULD_OPEN = (
    "Nothing was changed. Another approver has asked for it by now, so you would be the one who opens the access."
)
OPENED = "Access is open, without the customer's approval. The customer is told, and has to acknowledge it."

blueprint = Blueprint("request_operations", __name__, url_prefix="/requests")


@blueprint.get(f"/<uuid:request_id>/<{NAMES}:name>")
def show_operation(request_id: UUID, name: str) -> ResponseReturnValue:
    """Show the effect that the operation would have."""
    return _page(edge().read_request(str(request_id)), name, Form.fresh())


@blueprint.post(f"/<uuid:request_id>/<{NAMES}:name>")
def send_operation(request_id: UUID, name: str) -> ResponseReturnValue:
    """Send the operation; the same form twice counts once."""
    form, operation = Form.sent(), ON_REQUESTS[name]
    if operation is operations.BREAK_GLASS and (warning := _warning(str(request_id), form)):
        return warning
    try:
        after = _send(operation, str(request_id), form)
    except (Invalid, Conflict, Forbidden) as error:
        if isinstance(error, Invalid) or operation is operations.ANSWER:
            return _page(edge().read_request(str(request_id)), name, form.refused(error)), status_of(error)
        return to_request(str(request_id), unchanged(error), "waiting")
    opened = operation is operations.BREAK_GLASS and isinstance(after, ApprovalView) and after.grant is not None
    return to_request(str(request_id), OPENED if opened else operation.done, "good")


def to_request(request_id: str, message: str, tone: str) -> Response:
    """Redirect to the request, which shows the message."""
    flash(message, tone)
    return redirect(url_for("pages.requests.show_request", request_id=request_id), 303)


def _send(operation: RequestOperation, request_id: str, form: Form) -> ApprovalView | RequestView:
    body = {"request_id": request_id, operation.field: form.text(operation.field), "idempotency_key": form.key}
    message = wire.decode(operation.command, body)
    return edge().call(message) if isinstance(message, ProvideInfo) else edge().act_on_request(message)


def _warning(request_id: str, form: Form) -> ResponseReturnValue | None:
    """Return the page again, if it would open access and the page that was sent did not say so."""
    details = edge().read_request(request_id)
    if form.text("opens") or not operations.opens_access(caller(), details):
        return None
    return _page(details, "break-glass", form.changed(WOULD_OPEN)), 409


def _page(details: RequestDetails, name: str, form: Form) -> str:
    operation, person = ON_REQUESTS[name], caller()
    return render_template(
        "request/operation.html",
        asked=details,
        operation=operation,
        form=form,
        obstacle=obstacle(details.you, operation.command),
        effect=operation.effect(person, details),
        opens=operation is operations.BREAK_GLASS and operations.opens_access(person, details),
    )
