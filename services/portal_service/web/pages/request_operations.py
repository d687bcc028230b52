"""Acts on a request beside the decision: cancel, ask back, answer, open in an emergency, acknowledge."""

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
from portal_service.web.views import operations
from portal_service.web.views.operations import ON_REQUESTS, OnRequest
from portal_service.web.wording.refusals import unchanged

NAMES = f"any({', '.join(repr(name) for name in ON_REQUESTS)})"
NOT_SO = "Nothing was changed. Somebody else wants it too by now, so you would be the one who opens the access."
OPENED = "Access is open, without the customer's approval. The customer is told, and has to acknowledge it."

blueprint = Blueprint("request_operations", __name__, url_prefix="/requests")


@blueprint.get(f"/<uuid:request_id>/<{NAMES}:name>")
def show_act(request_id: UUID, name: str) -> ResponseReturnValue:
    """Show what exactly is about to be done."""
    return _page(edge().read_request(str(request_id)), name, Form.fresh())


@blueprint.post(f"/<uuid:request_id>/<{NAMES}:name>")
def act(request_id: UUID, name: str) -> ResponseReturnValue:
    """Do it; the same form twice counts once."""
    form, act = Form.sent(), ON_REQUESTS[name]
    if act is operations.BREAK_GLASS and (surprise := _surprise(str(request_id), form)):
        return surprise
    try:
        after = _send(act, str(request_id), form)
    except (Invalid, Conflict, Forbidden) as error:
        if isinstance(error, Invalid) or act is operations.ANSWER:
            return _page(edge().read_request(str(request_id)), name, form.refused(error)), status_of(error)
        return back(str(request_id), unchanged(error), "waiting")
    opened = act is operations.BREAK_GLASS and isinstance(after, ApprovalView) and after.grant is not None
    return back(str(request_id), OPENED if opened else act.done, "good")


def back(request_id: str, message: str, tone: str) -> Response:
    """Go to the request, and say there what became of the act."""
    flash(message, tone)
    return redirect(url_for("pages.requests.show_request", request_id=request_id), 303)


def _send(act: OnRequest, request_id: str, form: Form) -> ApprovalView | RequestView:
    body = {"request_id": request_id, act.field: form.text(act.field), "idempotency_key": form.key}
    message = wire.decode(act.command, body)
    return edge().call(message) if isinstance(message, ProvideInfo) else edge().act_on_request(message)


def _surprise(request_id: str, form: Form) -> ResponseReturnValue | None:
    """Nobody opens access who was told that it would not open yet."""
    asked = edge().read_request(request_id)
    if form.text("opens") or not operations.breaks_as_second(caller(), asked):
        return None
    return _page(asked, "break-glass", form.changed(NOT_SO)), 409


def _page(asked: RequestDetails, name: str, form: Form) -> str:
    act, person = ON_REQUESTS[name], caller()
    return render_template(
        "request/operation.html",
        asked=asked,
        act=act,
        form=form,
        obstacle=None if act.possible(person, asked) else act.otherwise,
        meaning=act.meaning(person, asked),
        opens=act is operations.BREAK_GLASS and operations.breaks_as_second(person, asked),
    )
