"""The page of the whole policy as a document: edit it, see its differences, then save it."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from lockbox.contracts.policy.operations import PutPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.errors import Conflict, Fault, Invalid
from portal_service.edge import caller
from portal_service.http_status import status_of
from portal_service.web.pages.policy_change import confirm, policy_of, save
from portal_service.web.shell.forms import Form
from portal_service.web.views.policy_document import document_of, settings_in

blueprint = Blueprint("policy_document", __name__, url_prefix="/settings/document")


@blueprint.get("")
def show_document() -> ResponseReturnValue:
    """Show the policy in force as a document."""
    PutPolicy.require_role(caller())
    policy = policy_of(caller().organisation)
    return _page(policy, Form.fresh(document=document_of(policy)))


@blueprint.post("")
def change_document() -> ResponseReturnValue:
    """Show the differences that a document makes, or save it; the field `step` is check, save or edit."""
    PutPolicy.require_role(caller())
    form, policy = Form.sent(), policy_of(caller().organisation)
    if form.text("step") == "edit":
        return _page(policy, form)
    try:
        settings = settings_in(form.text("document"), policy.tenant)
        return save(policy, settings, form) if form.text("step") == "save" else confirm(policy, settings, form)
    except Conflict as error:
        return _page(policy_of(policy.tenant), form.refused(error), stale=True), status_of(error)
    except Invalid as error:
        return _page(policy, form.refused(error), error.faults), status_of(error)


def _page(policy: PolicyView, form: Form, faults: tuple[Fault, ...] = (), *, stale: bool = False) -> str:
    return render_template("policy/document.html", policy=policy, form=form, faults=faults, stale=stale)
