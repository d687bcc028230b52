"""The report of grants and their use."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.usage import GetGrantUsage, GetUsage, UsageReport
from lockbox.errors import Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.web.pages.requests import tenants
from portal_service.web.shell.forms import Form, as_moment

PAGE_SIZE = 10
FIELDS = ("tenant", "from", "to", "cursor")

blueprint = Blueprint("usage", __name__, url_prefix="/grants/usage")


@blueprint.get("")
def show_report() -> ResponseReturnValue:
    """Show the grants of a period, newest first."""
    known = [tenant.tenant for tenant in tenants()]
    form = Form({"tenant": next(iter(known), ""), **request.args.to_dict()}, key="")
    try:
        return _page(form, known, edge().call(_query(form)))
    except Invalid as error:
        return _page(form.refused(error), known, None), status_of(error)


@blueprint.get("/<uuid:grant_id>")
def show_grant(grant_id: UUID) -> ResponseReturnValue:
    """Show one grant with all its use."""
    tenant = _tenant(Form(request.args.to_dict(), key=""))
    one = edge().call(wire.decode(GetGrantUsage, {"tenant": tenant, "grant_id": str(grant_id)}))
    return render_template("usage/grant.html", one=one)


def _query(form: Form) -> GetUsage:
    asked = {"cursor": form.text("cursor")} | {name: as_moment(form.text(name)) for name in ("from", "to")}
    given = {name: text for name, text in asked.items() if text}
    return wire.decode(GetUsage, {**given, "tenant": _tenant(form), "limit": PAGE_SIZE})


def _tenant(form: Form) -> str:
    """Return the own tenant; people of the vendor choose."""
    return form.text("tenant") if caller().is_vendor else caller().organisation


def _page(form: Form, known: list[str], found: UsageReport | None) -> str:
    query = {name: form.text(name) for name in FIELDS if name in request.args and form.text(name)}
    return render_template(
        "usage/report.html",
        form=form,
        report=found,
        query=query,
        tenants=known,
        tenant=_tenant(form),
    )
