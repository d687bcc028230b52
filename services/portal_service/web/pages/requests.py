"""The pages of requests: the list, the form for a new one, and one with its details and history."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.request.operations import CreateRequest, ListRequests, ListTenants
from lockbox.contracts.request.terms import ReasonCode, RequestState, Severity, TermsAsked
from lockbox.contracts.request.views import TenantView
from lockbox.errors import Conflict, Invalid, TooMany
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.usecases import RequestDetails
from portal_service.web.shell.forms import Form, as_duration, as_lines, as_list, as_moment
from portal_service.web.shell.permission import obstacle
from portal_service.web.views import progress
from portal_service.web.views.narrowing import narrowed_terms
from portal_service.web.views.open_decision import noun, vote_of
from portal_service.web.views.vote import APPROVE, caution, effect

PAGE_SIZE = 25
SEVERITIES = [(severity.value, severity.capitalize()) for severity in Severity]
PLAIN = ("tenant", "service_request", "reason_code", "justification")

blueprint = Blueprint("requests", __name__, url_prefix="/requests")


@blueprint.get("")
def list_requests() -> ResponseReturnValue:
    """List the requests that this person can see, newest first."""
    query = {name: text for name in ("tenant", "state", "requester", "cursor") if (text := request.args.get(name))}
    page = edge().call(wire.decode(ListRequests, {**query, "limit": PAGE_SIZE}))
    return render_template(
        "request/list.html",
        page=page,
        query=query,
        states=list(RequestState),
        tenants=tenants(),
        sees_all=caller().sees_all,
    )


@blueprint.get("/new")
def show_form() -> ResponseReturnValue:
    """Show the form for a new request."""
    CreateRequest.require_role(caller())
    return _form(Form.fresh(actions="read", severity=Severity.NORMAL))


@blueprint.post("/new")
def create_request() -> ResponseReturnValue:
    """Ask for access."""
    form = Form.sent()
    try:
        created = edge().call(CreateRequest(terms=_terms(form), idempotency_key=form.key))
    except (Invalid, Conflict, TooMany) as error:
        return _form(form.refused(error)), status_of(error)
    flash(f"You asked {created.tenant} for access. The outcome under its policy is shown below.", "good")
    return redirect(url_for(".show_request", request_id=created.id), 303)


@blueprint.get("/<uuid:request_id>")
def show_request(request_id: UUID) -> ResponseReturnValue:
    """Show a request with its details, its history, and the operations that this person can use."""
    return _details(edge().read_request(str(request_id)))


def tenants() -> tuple[TenantView, ...]:
    """Return the tenants that a person of the vendor can choose from; a customer has no choice."""
    return edge().call(ListTenants()).items if caller().is_vendor else ()


def _form(form: Form) -> str:
    choices = {"tenants": tenants(), "reasons": list(ReasonCode), "severities": SEVERITIES}
    return render_template("request/new.html", form=form, **choices)


def _terms(form: Form) -> TermsAsked:
    """Return the terms that a form asks for; raises `Invalid`."""
    plain = {name: form.text(name) for name in PLAIN}
    lists = {"resources": as_lines(form.text("resources")), "actions": as_list(form.text("actions"))}
    duration = as_duration(form.text("duration")) or None
    times = {"duration": duration, "starts_at": as_moment(form.text("starts_at"))}
    severity = form.text("severity") or Severity.NORMAL
    return wire.decode(TermsAsked, {**plain, **lists, **times, "severity": severity})


def _details(details: RequestDetails) -> str:
    person = caller()
    return render_template(
        "request/request.html",
        asked=details,
        decision=details.open,
        noun=noun(details.open) if details.open else "request",
        vote=vote_of(details, person.email),
        form=Form.fresh(),
        obstacle=obstacle(details.you, Decide),
        effect=effect(APPROVE, details, person),
        caution=caution(details.open),
        steps=progress.steps(details),
        extension_steps=progress.extension_steps,
        narrowed=narrowed_terms(details),
    )
