"""The report of access that was opened without the customer; access that is not acknowledged comes first."""

from collections.abc import Mapping

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import ListBreakGlass
from lockbox.contracts.approval.views import ApprovalReading
from portal_service.edge import caller, edge
from portal_service.web.pages.requests import PAGE_SIZE, tenants
from portal_service.web.shell.permission import require_sight

MOST = 200

blueprint = Blueprint("break_glass", __name__, url_prefix="/grants/break-glass")


@blueprint.get("")
def report() -> ResponseReturnValue:
    """Show the report of one tenant, or to people of the vendor that of all."""
    person = caller()
    require_sight(person)
    query = {name: text for name in ("tenant", "cursor") if (text := request.args.get(name))}
    scope = {"tenant": query.get("tenant") if person.is_vendor else person.organisation}
    acknowledged = {**query, **scope, "acknowledged": True, "limit": PAGE_SIZE}
    return render_template(
        "break_glass.html",
        unacknowledged=() if "cursor" in query else _unacknowledged(scope),
        page=edge().call(wire.decode(ListBreakGlass, acknowledged)),
        query=query,
        tenants=tenants(),
    )


def _unacknowledged(scope: Mapping[str, str | None]) -> tuple[ApprovalReading, ...]:
    return edge().call(wire.decode(ListBreakGlass, {**scope, "acknowledged": False, "limit": MOST})).items
