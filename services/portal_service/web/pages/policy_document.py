"""The whole policy as a document: edit it, see what it would change, then save it."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from lockbox.contracts.identity import Role
from lockbox.contracts.policy.views import PolicyView
from lockbox.errors import Conflict, Fault, Invalid
from portal_service.edge import caller
from portal_service.http_status import status_of
from portal_service.web.pages.policy_change import confirm, document_of, policy_of, save, settings_in
from portal_service.web.shell.forms import Form

blueprint = Blueprint("policy_document", __name__, url_prefix="/settings/document")


@blueprint.get("")
def show_document() -> ResponseReturnValue:
    """Show the policy in force as a document."""
    caller().require(Role.CUSTOMER_ADMIN)
    policy = policy_of(caller().organisation)
    return _page(policy, Form.fresh(document=document_of(policy)))


@blueprint.post("")
def change_document() -> ResponseReturnValue:
    """Show what a document would change, or save it when that was shown; `step` is check, save or edit."""
    caller().require(Role.CUSTOMER_ADMIN)
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
