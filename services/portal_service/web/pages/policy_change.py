"""A change of a tenant's policy, as several pages make it: choose the tenant, confirm the change, save it."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.policy.operations import DiffPolicy, GetPolicy, PutPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.errors import NotFound
from portal_service.edge import edge
from portal_service.web.pages.requests import tenants
from portal_service.web.shell.forms import Form, as_count
from portal_service.web.views.policy_document import document_of


def tenant_of(person: Caller) -> str:
    """Return the own tenant; people of the vendor choose."""
    if not person.is_vendor:
        return person.organisation
    known = [tenant.tenant for tenant in tenants()]
    chosen = request.values.get("tenant") or next(iter(known), "")
    if chosen not in known:
        raise NotFound("tenant_not_found", "there is no such tenant")
    return chosen


def policy_of(tenant: str) -> PolicyView:
    """Return the policy in force, with its proposal."""
    return edge().call(GetPolicy(tenant=tenant))


def confirm(policy: PolicyView, settings: PolicySettings, form: Form) -> str:
    """Return the page with the differences of a change before it is saved; raises `Invalid` for faulty settings."""
    diff = edge().call(DiffPolicy(tenant=policy.tenant, settings=settings))
    return render_template(
        "policy/change.html",
        policy=policy,
        settings=settings,
        diff=diff,
        form=form,
        document=document_of(settings),
        approval_off=policy.require_approval and not settings.require_approval,
        audit_only_on=settings.audit_only and not policy.audit_only,
    )


def save(policy: PolicyView, settings: PolicySettings, form: Form) -> ResponseReturnValue:
    """Replace the policy, or propose to; raises `Conflict` if another version than the form's is in force."""
    version = as_count(form.text("version"))
    message = PutPolicy(
        tenant=policy.tenant,
        settings=settings,
        version=version if isinstance(version, int) else policy.version,
        idempotency_key=form.key,
    )
    flash(*_notice(edge().call(message), message))
    return redirect(url_for("pages.policy.show_policy"), 303)


def _notice(changed: PolicyView, message: PutPolicy) -> tuple[str, str]:
    if changed.version != message.version:
        return "Settings saved. They count for new requests.", "good"
    if changed.proposal and changed.proposal.settings.settings() == message.settings.settings():
        return "Your change is proposed. It is in force as soon as another administrator agrees.", "good"
    return "Nothing was changed: these settings are in force.", "info"
