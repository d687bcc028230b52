"""Settings: a tenant's policy as its people read it, and the simple part of it as a form for its administrators."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.policy.operations import DecidePolicyChange, DiffPolicy
from lockbox.contracts.policy.views import PolicyDifference, PolicyView
from lockbox.errors import Conflict, Fault, Forbidden, Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.web.pages.policy_change import confirm, document_of, policy_of, save, tenant_of
from portal_service.web.pages.requests import tenants
from portal_service.web.shell.forms import Form, as_duration
from portal_service.web.shell.layout import FORECASTERS
from portal_service.web.views import policy_rules
from portal_service.web.wording import words
from portal_service.web.wording.refusals import unchanged

SWITCHES = ("require_approval", "audit_only", "four_eyes", "comment_on_denial")
DURATIONS = ("request_lifetime", "default_duration", "maximum_duration", "maximum_total")

blueprint = Blueprint("policy", __name__, url_prefix="/settings")


@dataclass(frozen=True)
class Proposed:
    """What would change if the proposal were agreed to, or why it can't be."""

    differences: tuple[PolicyDifference, ...] = ()
    faults: tuple[Fault, ...] = ()


@blueprint.get("")
def show_policy() -> ResponseReturnValue:
    """Show a tenant's policy."""
    policy = policy_of(tenant_of(caller()))
    return _page(policy, _as_form(policy))


@blueprint.post("")
def change_policy() -> ResponseReturnValue:
    """Change the simple part of one's own tenant's policy; what lets access open without the customer is confirmed."""
    caller().require(Role.CUSTOMER_ADMIN)
    form, policy = Form.sent(), policy_of(caller().organisation)
    if form.text("version") != str(policy.version):
        return _stale(policy)
    try:
        settings = _settings(policy, form)
        opens = policy.require_approval and not settings.require_approval
        if opens or (settings.audit_only and not policy.audit_only):
            return confirm(policy, settings, form)
        return save(policy, settings, form)
    except Conflict:
        return _stale(policy_of(policy.tenant))
    except Invalid as error:
        return _page(policy, form.refused(error)), status_of(error)


@blueprint.get("/proposal")
def show_proposal() -> ResponseReturnValue:
    """Go to where the proposal is shown."""
    return redirect(url_for(".show_policy"))


@blueprint.post("/proposal")
def decide_proposal() -> ResponseReturnValue:
    """Agree to what another administrator proposed, or take it off the table."""
    form = Form.sent()
    body = {name: form.text(name) for name in ("digest", "decision", "comment")}
    tenant = {"tenant": caller().organisation, "idempotency_key": form.key}
    try:
        after = edge().call(wire.decode(DecidePolicyChange, {**body, **tenant}))
    except (Invalid, Conflict, Forbidden) as error:
        flash(unchanged(error), "waiting")
    else:
        agreed = f"You agreed. The policy is now version {after.version}; it counts for new requests."
        flash(agreed if form.text("decision") == "agree" else "The proposal is off the table.", "good")
    return redirect(url_for(".show_policy"), 303)


def _as_form(policy: PolicyView) -> Form:
    switches = {name: "on" for name in SWITCHES if getattr(policy, name)}
    return Form.fresh(
        **{name: words.compact(getattr(policy, name)) for name in DURATIONS},
        **({"break_glass_allowed": "on"} if policy.break_glass.allowed else {}),
        break_glass=words.compact(policy.break_glass.duration),
        service_request_pattern=policy.service_request_pattern or "",
        version=str(policy.version),
        **switches,
    )


def _settings(policy: PolicyView, form: Form) -> PolicySettings:
    """The policy with what the form says; stages, rules and freezes stay as they are."""
    simple: dict[str, Any] = {
        **{name: name in form.typed for name in SWITCHES},
        **{name: as_duration(form.text(name)) for name in DURATIONS},
        "service_request_pattern": form.text("service_request_pattern") or None,
        "break_glass": {
            "allowed": "break_glass_allowed" in form.typed,
            "duration": as_duration(form.text("break_glass")),
        },
    }
    return wire.decode(PolicySettings, wire.encode(policy, PolicySettings) | simple)


def _stale(policy: PolicyView) -> ResponseReturnValue:
    return _page(policy, _as_form(policy), stale=True), 409


def _proposed(policy: PolicyView) -> Proposed:
    if policy.proposal is None or not caller().has(Role.CUSTOMER_ADMIN):
        return Proposed()
    try:
        diff = edge().call(DiffPolicy(tenant=policy.tenant, settings=policy.proposal.settings))
    except Invalid as error:
        return Proposed(faults=error.faults)
    return Proposed(diff.differences)


def _page(policy: PolicyView, form: Form, *, stale: bool = False) -> str:
    person = caller()
    return render_template(
        "policy/policy.html",
        policy=policy,
        form=form,
        proposal_form=Form.fresh(),
        may_change=person.has(Role.CUSTOMER_ADMIN),
        may_try=person.has(*FORECASTERS),
        proposed=_proposed(policy),
        proposed_document=document_of(policy.proposal.settings) if policy.proposal else "",
        stale=stale,
        tenants=tenants(),
        policy_rules=policy_rules,
    )
