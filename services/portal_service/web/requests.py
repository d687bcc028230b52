"""All requests, a new one, and one with its details and history; approve, reject and cancel it."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from lockbox.contracts import wire
from lockbox.contracts.approval import CancelRequest, Decide
from lockbox.contracts.identity import Role
from lockbox.contracts.request import (
    AccessTerms,
    CreateRequest,
    ListRequests,
    ListTenants,
    ReasonCode,
    RequestState,
    Severity,
    TenantView,
)
from lockbox.errors import Conflict, Invalid
from portal_service.edge import caller, edge
from portal_service.statuses import status_of
from portal_service.usecases import RequestDetails
from portal_service.web import acts, progress
from portal_service.web.forms import Form, as_duration, as_lines, as_list, as_moment, sentence

PAGE_SIZE = 25
SEVERITIES = [(severity.value, severity.capitalize()) for severity in Severity]
PLAIN = ("tenant", "service_request", "reason_code", "justification")

blueprint = Blueprint("requests", __name__, url_prefix="/requests")


@blueprint.get("")
def list_requests() -> ResponseReturnValue:
    """List the requests that this person may see, newest first."""
    query = {name: text for name in ("tenant", "state", "requester", "cursor") if (text := request.args.get(name))}
    page = edge().call(wire.decode(ListRequests, {**query, "limit": PAGE_SIZE}))
    return render_template("requests.html", page=page, query=query, states=list(RequestState), tenants=tenants())


@blueprint.get("/new")
def show_form() -> ResponseReturnValue:
    """Show the form for a new request."""
    caller().require(Role.ENGINEER)
    return _form(Form.fresh(actions="read", duration="1h", severity=Severity.NORMAL))


@blueprint.post("/new")
def create_request() -> ResponseReturnValue:
    """Ask for access."""
    form = Form.sent()
    try:
        created = edge().call(CreateRequest(terms=_terms(form), idempotency_key=form.key))
    except (Invalid, Conflict) as error:
        return _form(form.refused(error)), status_of(error)
    flash(f"You asked {created.tenant} for access. The vendor's approvers decide first.", "good")
    return redirect(url_for(".show_request", request_id=created.id), 303)


@blueprint.get("/<uuid:request_id>")
def show_request(request_id: UUID) -> ResponseReturnValue:
    """Show a request's details and history, and what this person may do with it."""
    return _details(edge().read_request(str(request_id)), Form.fresh())


@blueprint.get("/<uuid:request_id>/<any(approve, reject, cancel):name>")
def show_act(request_id: UUID, name: str) -> ResponseReturnValue:
    """Show what exactly is about to be decided."""
    return _act_page(str(request_id), name, Form.fresh())


@blueprint.post("/<uuid:request_id>/<any(approve, reject, cancel):name>")
def act(request_id: UUID, name: str) -> ResponseReturnValue:
    """Approve, reject or cancel a request; the same form twice counts once."""
    form = Form.sent()
    try:
        edge().act_on_request(_message(str(request_id), name, form))
    except Invalid as error:
        return _act_page(str(request_id), name, form.refused(error)), status_of(error)
    except Conflict as error:
        return _back(str(request_id), f"Nothing was changed. {sentence(error.message)}", "waiting")
    return _back(str(request_id), f"You {acts.ON_REQUESTS[name].done} this request.", "good")


def tenants() -> tuple[TenantView, ...]:
    """The tenants that a person of the vendor can choose from; a customer has no choice."""
    return edge().call(ListTenants()).items if caller().is_vendor else ()


def _form(form: Form) -> str:
    choices = {"tenants": tenants(), "reasons": list(ReasonCode), "severities": SEVERITIES}
    return render_template("new_request.html", form=form, **choices)


def _terms(form: Form) -> AccessTerms:
    plain = {name: form.text(name) for name in PLAIN}
    lists = {"resources": as_lines(form.text("resources")), "actions": as_list(form.text("actions"))}
    times = {"duration": as_duration(form.text("duration")), "starts_at": as_moment(form.text("starts_at"))}
    severity = form.text("severity") or Severity.NORMAL
    return wire.decode(AccessTerms, {**plain, **lists, **times, "severity": severity})


def _message(request_id: str, name: str, form: Form) -> Decide | CancelRequest:
    body = {"request_id": request_id, "comment": form.text("comment"), "idempotency_key": form.key}
    verdict = acts.ON_REQUESTS[name].verdict
    return wire.decode(Decide, {**body, "decision": verdict}) if verdict else wire.decode(CancelRequest, body)


def _details(asked: RequestDetails, form: Form) -> str:
    return render_template("request.html", asked=asked, form=form, acts=acts, steps=progress.steps(asked))


def _act_page(request_id: str, name: str, form: Form) -> str:
    asked = edge().read_request(request_id)
    obstacle = acts.obstacle_to(name, caller(), asked)
    meaning = acts.meaning(name, asked)
    return render_template(
        "act.html", asked=asked, act=acts.offered(name, asked), form=form, obstacle=obstacle, meaning=meaning
    )


def _back(request_id: str, message: str, tone: str) -> Response:
    flash(message, tone)
    return redirect(url_for(".show_request", request_id=request_id), 303)
