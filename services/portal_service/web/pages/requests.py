"""All requests, a new one, and one with its details and history."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.identity import Role
from lockbox.contracts.request.operations import CreateRequest, ListRequests, ListTenants
from lockbox.contracts.request.terms import ReasonCode, RequestState, Severity, TermsAsked
from lockbox.contracts.request.views import TenantView
from lockbox.errors import Conflict, Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.usecases import RequestDetails
from portal_service.web.shell.forms import Form, as_duration, as_lines, as_list, as_moment
from portal_service.web.views import operations, progress, verdicts
from portal_service.web.views.matter import matter_of
from portal_service.web.views.narrowing import taken_away

PAGE_SIZE = 25
SEVERITIES = [(severity.value, severity.capitalize()) for severity in Severity]
PLAIN = ("tenant", "service_request", "reason_code", "justification")

blueprint = Blueprint("requests", __name__, url_prefix="/requests")


@blueprint.get("")
def list_requests() -> ResponseReturnValue:
    """List the requests that this person may see, newest first."""
    query = {name: text for name in ("tenant", "state", "requester", "cursor") if (text := request.args.get(name))}
    page = edge().call(wire.decode(ListRequests, {**query, "limit": PAGE_SIZE}))
    return render_template("request/list.html", page=page, query=query, states=list(RequestState), tenants=tenants())


@blueprint.get("/new")
def show_form() -> ResponseReturnValue:
    """Show the form for a new request."""
    caller().require(Role.ENGINEER)
    return _form(Form.fresh(actions="read", severity=Severity.NORMAL))


@blueprint.post("/new")
def create_request() -> ResponseReturnValue:
    """Ask for access."""
    form = Form.sent()
    try:
        created = edge().call(CreateRequest(terms=_terms(form), idempotency_key=form.key))
    except (Invalid, Conflict) as error:
        return _form(form.refused(error)), status_of(error)
    flash(f"You asked {created.tenant} for access. What its policy makes of it is shown below.", "good")
    return redirect(url_for(".show_request", request_id=created.id), 303)


@blueprint.get("/<uuid:request_id>")
def show_request(request_id: UUID) -> ResponseReturnValue:
    """Show a request's details and history, and what this person may do with it."""
    return _details(edge().read_request(str(request_id)))


def tenants() -> tuple[TenantView, ...]:
    """The tenants that a person of the vendor can choose from; a customer has no choice."""
    return edge().call(ListTenants()).items if caller().is_vendor else ()


def _form(form: Form) -> str:
    choices = {"tenants": tenants(), "reasons": list(ReasonCode), "severities": SEVERITIES}
    return render_template("request/new.html", form=form, **choices)


def _terms(form: Form) -> TermsAsked:
    """What a form asks for; raises `Invalid`."""
    plain = {name: form.text(name) for name in PLAIN}
    lists = {"resources": as_lines(form.text("resources")), "actions": as_list(form.text("actions"))}
    duration = as_duration(form.text("duration")) or None
    times = {"duration": duration, "starts_at": as_moment(form.text("starts_at"))}
    severity = form.text("severity") or Severity.NORMAL
    return wire.decode(TermsAsked, {**plain, **lists, **times, "severity": severity})


def _details(asked: RequestDetails) -> str:
    person, matter = caller(), matter_of(asked)
    return render_template(
        "request/request.html",
        asked=asked,
        matter=matter,
        word=matter.word_of(person.email) if matter else None,
        form=Form.fresh(),
        operations=operations,
        obstacle=verdicts.obstacle(asked),
        meaning=verdicts.meaning(verdicts.APPROVE, asked, person),
        steps=progress.steps(asked),
        extension_steps=progress.extension_steps,
        taken_away=taken_away(asked),
    )
