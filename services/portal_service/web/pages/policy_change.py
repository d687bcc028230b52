"""What all pages about a tenant's policy do: choose it, check a change of it, save it, and say what became of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.fields import Flag
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import MOST_STAGES, PolicySettings, StagePlan, at_most
from lockbox.contracts.policy.operations import DiffPolicy, GetPolicy, PutPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.errors import Fault, Invalid, NotFound, invalid
from lockbox.faults import Expected
from portal_service.edge import edge
from portal_service.web.pages.requests import tenants
from portal_service.web.shell.forms import Form, as_count
from portal_service.web.shell.layout import pretty, without_nulls

SETTINGS = tuple(setting.name for setting in fields(PolicySettings))
SHOWN_BESIDE = frozenset({"version", "changed_at", "changed_by", "proposal"})
"""What else a policy shows when it is read; a document that was read may be sent back with it."""


@dataclass(frozen=True, kw_only=True)
class Document(PolicySettings):
    """A policy as people edit it: what is left out is the default, but whether approval is required, and by whom."""

    require_approval: Flag = field()
    stages: tuple[StagePlan, ...] = field(metadata=at_most(MOST_STAGES, "stages"))


def tenant_of(person: Caller) -> str:
    """One's own tenant; people of the vendor choose."""
    if not person.is_vendor:
        return person.organisation
    known = [tenant.tenant for tenant in tenants()]
    chosen = request.values.get("tenant") or next(iter(known), "")
    if chosen not in known:
        raise NotFound("tenant_not_found", "there is no such tenant")
    return chosen


def policy_of(tenant: str) -> PolicyView:
    """The policy in force, with what is proposed."""
    return edge().call(GetPolicy(tenant=tenant))


def document_of(settings: PolicySettings) -> str:
    """A policy as a document for people to edit; below its first level, what is not set is left out."""
    document = wire.encode(settings, PolicySettings)
    return pretty({name: without_nulls(value) for name, value in document.items()}, sort=False)


def settings_in(document: str, tenant: str) -> PolicySettings:
    """The settings that a document holds; raises `Invalid` with every fault."""
    try:
        data = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise Invalid("malformed_json", f"the document is not JSON: {error}", params={"reason": str(error)}) from error
    if isinstance(data, Mapping):
        if data.get("tenant", tenant) != tenant:
            raise invalid("tenant", Expected("other_tenant", tenant=tenant), data["tenant"], "invalid_tenant")
        data = {name: value for name, value in data.items() if name not in SHOWN_BESIDE | {"tenant"}}
    return PolicySettings(**wire.decode(Document, data).settings())


def confirm(policy: PolicyView, settings: PolicySettings, form: Form) -> str:
    """The page that shows what a change would change, before it is saved; raises `Invalid` for what can't work."""
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
    flash(*_told(edge().call(message), message))
    return redirect(url_for("pages.policy.show_policy"), 303)


def of_document(faults: Iterable[Fault]) -> list[Fault]:
    """The faults that are about a policy, not about a request to try it with; their paths are those in the document."""
    pathed = [Fault(**{**fault, "field": fault["field"].removeprefix("policy.")}) for fault in faults]
    return [fault for fault in pathed if fault["field"].split(".")[0] in SETTINGS]


def _told(changed: PolicyView, message: PutPolicy) -> tuple[str, str]:
    if changed.version != message.version:
        return "Settings saved. They count for new requests.", "good"
    if changed.proposal and _same(changed.proposal.settings, message.settings):
        return "Your change is proposed. It is in force as soon as another administrator agrees.", "good"
    return "Nothing was changed: these settings are in force.", "info"


def _same(one: PolicySettings, other: PolicySettings) -> bool:
    return one.settings() == other.settings()
