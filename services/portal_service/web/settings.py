"""Settings: a tenant's policy; its administrators change it, others read it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval import GetPolicy, PolicySettings, PolicyView, PutPolicy
from lockbox.contracts.identity import Caller, Role
from lockbox.errors import Conflict, Invalid, NotFound
from portal_service.edge import caller, edge
from portal_service.statuses import status_of
from portal_service.web import words
from portal_service.web.forms import Form, as_count, as_duration
from portal_service.web.requests import tenants

SWITCHES = ("require_approval", "comment_on_denial")

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("")
def show_settings() -> ResponseReturnValue:
    """Show a tenant's policy."""
    policy = _policy(_tenant(caller()))
    return _page(policy, _as_form(policy))


@blueprint.post("")
def change_settings() -> ResponseReturnValue:
    """Replace the policy of one's own tenant; turning approval off has to be confirmed."""
    caller().require(Role.CUSTOMER_ADMIN)
    form, policy = Form.sent(), _policy(caller().organisation)
    try:
        message = _message(policy, form)
        if policy.require_approval and not message.settings.require_approval and not form.text("confirmed"):
            return render_template("settings_confirm.html", policy=policy, form=form, settings=message.settings)
        changed = edge().call(message)
    except Conflict as error:
        return _stale(error)
    except Invalid as error:
        return _page(policy, form.refused(error)), status_of(error)
    return _saved(changed, changed.version == message.version)


def _tenant(person: Caller) -> str:
    """One's own tenant; people of the vendor choose."""
    if not person.is_vendor:
        return person.organisation
    known = [tenant.tenant for tenant in tenants()]
    chosen = request.args.get("tenant") or next(iter(known), "")
    if chosen not in known:
        raise NotFound("tenant_not_found", "there is no such tenant")
    return chosen


def _policy(tenant: str) -> PolicyView:
    return edge().call(GetPolicy(tenant=tenant))


def _as_form(policy: PolicyView) -> Form:
    switches = {name: "on" for name in SWITCHES if getattr(policy, name)}
    return Form.fresh(
        request_lifetime=words.compact(policy.request_lifetime),
        maximum_duration=words.compact(policy.maximum_duration),
        customer_quorum=str(policy.customer_quorum),
        service_request_pattern=policy.service_request_pattern or "",
        version=str(policy.version),
        **switches,
    )


def _message(policy: PolicyView, form: Form) -> PutPolicy:
    settings = {
        **{name: name in form.typed for name in SWITCHES},
        "request_lifetime": as_duration(form.text("request_lifetime")),
        "maximum_duration": as_duration(form.text("maximum_duration")),
        "customer_quorum": as_count(form.text("customer_quorum")),
        "service_request_pattern": form.text("service_request_pattern") or None,
    }
    version = as_count(form.text("version"))
    return PutPolicy(
        tenant=policy.tenant,
        settings=wire.decode(PolicySettings, settings),
        version=version if isinstance(version, int) else policy.version,
        idempotency_key=form.key,
    )


def _saved(policy: PolicyView, unchanged: bool) -> ResponseReturnValue:
    text = (
        "Nothing was changed: these settings are in force."
        if unchanged
        else "Settings saved. They count for new requests."
    )
    flash(text, "info" if unchanged else "good")
    return redirect(url_for(".show_settings"), 303)


def _stale(error: Conflict) -> ResponseReturnValue:
    policy = _policy(caller().organisation)
    return _page(policy, _as_form(policy).refused(error), stale=True), status_of(error)


def _page(policy: PolicyView, form: Form, *, stale: bool = False) -> str:
    mine = caller().has(Role.CUSTOMER_ADMIN)
    return render_template("settings.html", policy=policy, form=form, may_change=mine, stale=stale, tenants=tenants())
