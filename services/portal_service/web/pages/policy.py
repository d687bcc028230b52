"""The page of a tenant's policy: read by its people, changed in its simple part by its administrators."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.policy.operations import DecidePolicyChange, DiffPolicy, EvaluatePolicy, PutPolicy
from lockbox.contracts.policy.views import PolicyDifference, PolicyView
from lockbox.errors import Conflict, Fault, Forbidden, Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.web.pages.policy_change import confirm, policy_of, save, tenant_of
from portal_service.web.pages.requests import tenants
from portal_service.web.shell.forms import Form
from portal_service.web.views import policy_rules
from portal_service.web.views.policy_document import document_of
from portal_service.web.views.policy_form import form_of, needs_confirmation, settings_of
from portal_service.web.wording.refusals import unchanged

blueprint = Blueprint("policy", __name__, url_prefix="/settings")


@dataclass(frozen=True)
class ProposalDiff:
    """The differences that a proposal would make, or the faults because of which it can't be in force."""

    differences: tuple[PolicyDifference, ...] = ()
    faults: tuple[Fault, ...] = ()


@blueprint.get("")
def show_policy() -> ResponseReturnValue:
    """Show a tenant's policy."""
    policy = policy_of(tenant_of(caller()))
    return _page(policy, form_of(policy))


@blueprint.post("")
def change_policy() -> ResponseReturnValue:
    """Change the simple settings of the own tenant; settings that open access with fewer people are confirmed first."""
    PutPolicy.require_role(caller())
    form, policy = Form.sent(), policy_of(caller().organisation)
    if form.text("version") != str(policy.version):
        return _stale(policy)
    try:
        settings = settings_of(policy, form)
        return (confirm if needs_confirmation(policy, settings) else save)(policy, settings, form)
    except Conflict:
        return _stale(policy_of(policy.tenant))
    except Invalid as error:
        return _page(policy, form.refused(error)), status_of(error)


@blueprint.get("/proposal")
def show_proposal() -> ResponseReturnValue:
    """Redirect to the policy, which shows its proposal."""
    return redirect(url_for(".show_policy"))


@blueprint.post("/proposal")
def decide_proposal() -> ResponseReturnValue:
    """Agree to the proposal of another administrator, or reject it."""
    form = Form.sent()
    body = {name: form.text(name) for name in ("digest", "decision", "comment")}
    tenant = {"tenant": caller().organisation, "idempotency_key": form.key}
    try:
        after = edge().call(wire.decode(DecidePolicyChange, {**body, **tenant}))
    except (Invalid, Conflict, Forbidden) as error:
        flash(unchanged(error), "waiting")
    else:
        agreed = f"You agreed. The policy is now version {after.version}; it counts for new requests."
        flash(agreed if form.text("decision") == "agree" else "The proposal is rejected. Nothing was changed.", "good")
    return redirect(url_for(".show_policy"), 303)


def _stale(policy: PolicyView) -> ResponseReturnValue:
    return _page(policy, form_of(policy), stale=True), 409


def _proposal_diff(policy: PolicyView) -> ProposalDiff:
    if policy.proposal is None or not DiffPolicy.admits(caller()):
        return ProposalDiff()
    try:
        diff = edge().call(DiffPolicy(tenant=policy.tenant, settings=policy.proposal.settings))
    except Invalid as error:
        return ProposalDiff(faults=error.faults)
    return ProposalDiff(diff.differences)


def _page(policy: PolicyView, form: Form, *, stale: bool = False) -> str:
    person = caller()
    return render_template(
        "policy/policy.html",
        policy=policy,
        form=form,
        proposal_form=Form.fresh(),
        may_change=PutPolicy.admits(person),
        may_try=EvaluatePolicy.admits(person),
        proposed=_proposal_diff(policy),
        proposed_document=document_of(policy.proposal.settings) if policy.proposal else "",
        stale=stale,
        tenants=tenants(),
        policy_rules=policy_rules,
    )
