"""The report of access that was opened without the customer: first what nobody has acknowledged."""

from collections.abc import Mapping

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import ListBreakGlass
from lockbox.contracts.approval.views import ApprovalReading
from portal_service.edge import caller, edge
from portal_service.web.pages.requests import PAGE_SIZE, tenants
from portal_service.web.shell.layout import READERS
from portal_service.web.views import operations

MOST = 200

blueprint = Blueprint("break_glass", __name__, url_prefix="/grants/break-glass")


@blueprint.get("")
def report() -> ResponseReturnValue:
    """Show one tenant's, or to people of the vendor all tenants'."""
    person = caller()
    person.require(*READERS)
    query = {name: text for name in ("tenant", "cursor") if (text := request.args.get(name))}
    whose = {"tenant": query.get("tenant") if person.is_vendor else person.organisation}
    known = {**query, **whose, "acknowledged": True, "limit": PAGE_SIZE}
    return render_template(
        "break_glass.html",
        unacknowledged=() if "cursor" in query else _unacknowledged(whose),
        page=edge().call(wire.decode(ListBreakGlass, known)),
        query=query,
        tenants=tenants(),
        operations=operations,
    )


def _unacknowledged(whose: Mapping[str, str | None]) -> tuple[ApprovalReading, ...]:
    return edge().call(wire.decode(ListBreakGlass, {**whose, "acknowledged": False, "limit": MOST})).items
