"""The page to try a policy on a request: its outcome and its possible approvers. Nothing is changed."""

from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.policy.operations import EvaluatePolicy
from lockbox.contracts.policy.views import Forecast
from lockbox.contracts.request.terms import ReasonCode, Severity
from lockbox.errors import Fault, Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.web.pages.policy_change import tenant_of
from portal_service.web.pages.requests import SEVERITIES, tenants
from portal_service.web.shell.forms import Form, as_duration, as_lines, as_list, as_moment
from portal_service.web.views.policy_document import faults_of_document, settings_in

JUSTIFICATION = "To try the policy."
FIRST = {
    "service_request": "SR-100000",
    "reason_code": ReasonCode.CUSTOMER_INITIATED_SUPPORT,
    "severity": Severity.NORMAL,
    "resources": "mailbox/alice",
    "actions": "read",
}

blueprint = Blueprint("policy_trial", __name__, url_prefix="/settings/try")


@blueprint.get("")
def show_form() -> ResponseReturnValue:
    """Show the form for a request to try."""
    EvaluatePolicy.require_role(caller())
    return _page(tenant_of(caller()), Form.fresh(**FIRST))


@blueprint.post("")
def try_policy() -> ResponseReturnValue:
    """Show the outcome for the request."""
    EvaluatePolicy.require_role(caller())
    form, tenant = Form.sent(), tenant_of(caller())
    if form.text("step") == "begin":
        return _page(tenant, Form.fresh(**FIRST, document=form.text("document")))
    try:
        return _page(tenant, form, edge().call(_question(tenant, form)))
    except Invalid as error:
        return _page(tenant, form.refused(error), faults=faults_of_document(error.faults)), status_of(error)


def _question(tenant: str, form: Form) -> EvaluatePolicy:
    document = form.text("document")
    question: dict[str, Any] = {
        "tenant": tenant,
        "terms": {
            "tenant": tenant,
            "justification": JUSTIFICATION,
            **{name: form.text(name) for name in ("service_request", "reason_code", "severity")},
            "resources": as_lines(form.text("resources")),
            "actions": as_list(form.text("actions")),
            "duration": as_duration(form.text("duration")) or None,
            "starts_at": as_moment(form.text("starts_at")),
        },
        "at": as_moment(form.text("at")),
        "settings": wire.encode(settings_in(document, tenant)) if document else None,
    }
    requester = {"requester": form.text("requester")} if form.text("requester") else {}
    return wire.decode(EvaluatePolicy, question | requester)


def _page(tenant: str, form: Form, forecast: Forecast | None = None, faults: list[Fault] | None = None) -> str:
    return render_template(
        "policy/trial.html",
        tenant=tenant,
        form=form,
        forecast=forecast,
        faults=faults or [],
        reasons=list(ReasonCode),
        severities=SEVERITIES,
        tenants=tenants(),
    )
