"""The page of the audit trail of a tenant, or of the vendor itself."""

from collections.abc import Mapping

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.audit import ListRecords, RecordPage, RecordView
from lockbox.contracts.events import FACTS, VENDOR
from lockbox.contracts.identity import Caller
from lockbox.errors import Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.web.pages.requests import tenants
from portal_service.web.shell.forms import Form, as_moment

PAGE_SIZE = 50
ABOUT = ("engineer", "service_request", "resource", "grant_id", "request_id")
FIELDS = ("type", "actor", "subject", *ABOUT, "from", "to")

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
def list_records() -> ResponseReturnValue:
    """Show the records, newest first."""
    form = Form(request.args.to_dict(), key="")
    try:
        return _page(form, edge().call(_query(form)))
    except Invalid as error:
        return _page(form.refused(error), RecordPage(items=(), next_cursor=None)), status_of(error)


def request_of(record: RecordView) -> str | None:
    """Return the id of the request that a record is about, or None."""
    about = record.data.get("request_id")
    return about if isinstance(about, str) else None


def types() -> Mapping[str, list[str]]:
    """Return the types of events by the service that publishes them."""
    known: dict[str, list[str]] = {}
    for source, type_, _ in FACTS:
        known.setdefault(source, []).append(type_)
    return {source: sorted(set(types)) for source, types in sorted(known.items())}


def _query(form: Form) -> ListRecords:
    asked = {name: form.text(name) for name in ("type", "actor", "subject", *ABOUT, "cursor")}
    asked |= {name: as_moment(form.text(name)) or "" for name in ("from", "to")}
    given = {name: text for name, text in asked.items() if text}
    fixed = {"tenant": _trail(caller(), form), "newest_first": True, "limit": PAGE_SIZE}
    return wire.decode(ListRecords, {**given, **fixed})


def _trail(person: Caller, form: Form) -> str:
    """Return the trail to show: that of the own tenant; people of the vendor choose."""
    return (form.text("tenant") or VENDOR) if person.is_vendor else person.organisation


def _page(form: Form, page: RecordPage) -> str:
    known = [tenant.tenant for tenant in tenants()]
    query = {name: form.text(name) for name in ("tenant", *FIELDS) if form.text(name)}
    return render_template(
        "audit.html", form=form, page=page, query=query, types=types(), tenants=known, request_of=request_of
    )
