"""The pages of grants: live and ended ones; revoke, complete, ask for more time."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import Decide, ListQueue, RequestExtension
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, ListGrants, RevokeGrant
from lockbox.contracts.grant.terms import LIVE, GrantState
from lockbox.contracts.grant.views import GrantReading
from lockbox.contracts.identity import Caller
from lockbox.errors import Conflict, Forbidden, Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.web.pages.request_operations import to_request
from portal_service.web.pages.requests import PAGE_SIZE, tenants
from portal_service.web.shell.forms import Form, as_duration
from portal_service.web.shell.permission import obstacle
from portal_service.web.views.operations import COMPLETE, EXTEND, REVOKE, GrantOperation
from portal_service.web.wording.refusals import unchanged

MOST_LIVE = 200
ASKED = "You asked for more time. The same stages decide; the access goes on meanwhile, until its end."

blueprint = Blueprint("grants", __name__, url_prefix="/grants")


@blueprint.get("")
def list_grants() -> ResponseReturnValue:
    """List the live grants first, then the ended ones, newest first."""
    query = {name: text for name in ("tenant", "cursor") if (text := request.args.get(name))}
    page = edge().call(wire.decode(ListGrants, {**query, "limit": PAGE_SIZE}))
    return render_template(
        "grant/list.html",
        live=[] if "cursor" in query else live_grants(query.get("tenant")),
        ended=[grant for grant in page.items if grant.state not in LIVE],
        extending=_extending(caller()),
        page=page,
        query=query,
        tenants=tenants(),
    )


@blueprint.get("/<uuid:grant_id>/revoke")
def show_revocation(grant_id: UUID) -> ResponseReturnValue:
    """Show the grant that would be revoked."""
    return _page(str(grant_id), REVOKE, Form.fresh())


@blueprint.post("/<uuid:grant_id>/revoke")
def revoke(grant_id: UUID) -> ResponseReturnValue:
    """End a live grant now."""
    return _end(str(grant_id), REVOKE, RevokeGrant)


@blueprint.get("/<uuid:grant_id>/complete")
def show_completion(grant_id: UUID) -> ResponseReturnValue:
    """Show the grant that would be completed."""
    return _page(str(grant_id), COMPLETE, Form.fresh())


@blueprint.post("/<uuid:grant_id>/complete")
def complete(grant_id: UUID) -> ResponseReturnValue:
    """Close an own live grant early."""
    return _end(str(grant_id), COMPLETE, CompleteGrant)


@blueprint.get("/<uuid:grant_id>/extend")
def show_extension(grant_id: UUID) -> ResponseReturnValue:
    """Show the form that asks for more time."""
    return _extension_page(str(grant_id), Form.fresh())


@blueprint.post("/<uuid:grant_id>/extend")
def extend(grant_id: UUID) -> ResponseReturnValue:
    """Ask for more time while an own grant is active."""
    form = Form.sent()
    typed = {"duration": as_duration(form.text("duration")), "justification": form.text("justification")}
    try:
        body = {"grant_id": str(grant_id), "idempotency_key": form.key, **typed}
        asked = edge().call(wire.decode(RequestExtension, body))
    except (Invalid, Conflict, Forbidden) as error:
        return _extension_page(str(grant_id), form.refused(error)), status_of(error)
    return to_request(asked.request_id, ASKED, "good")


def live_grants(tenant: str | None = None) -> list[GrantReading]:
    """Return the grants that can be used, now or later; the one that ends first comes first."""
    pages = [
        edge().call(ListGrants(tenant=tenant, state=state, limit=MOST_LIVE))
        for state in (GrantState.ACTIVE, GrantState.SCHEDULED)
    ]
    return [grant for page in pages for grant in sorted(page.items, key=lambda grant: grant.ends_at)]


def _extending(person: Caller) -> frozenset[str]:
    """Return the ids of the grants with an extension that waits for this person's decision."""
    if not Decide.admits(person):
        return frozenset()
    waiting = edge().call(ListQueue(limit=MOST_LIVE)).items
    return frozenset(one.grant.id for one in waiting if one.grant and one.open and one.open.extension is not None)


def _end(grant_id: str, operation: GrantOperation, command: type[RevokeGrant | CompleteGrant]) -> ResponseReturnValue:
    """End the grant; the same form twice counts once."""
    form = Form.sent()
    body = {"grant_id": grant_id, "comment": form.text("comment"), "idempotency_key": form.key}
    try:
        ended = edge().call(wire.decode(command, body))
    except Invalid as error:
        return _page(grant_id, operation, form.refused(error)), status_of(error)
    except Conflict as error:
        grant = edge().call(GetGrant(grant_id=grant_id))
        return to_request(grant.request_id, unchanged(error), "waiting")
    done = f"You {operation.done} the access. Enforcement points refuse it from now on."
    return to_request(ended.request_id, done, "good")


def _page(grant_id: str, operation: GrantOperation, form: Form) -> str:
    grant = edge().call(GetGrant(grant_id=grant_id))
    return render_template(
        "grant/end.html",
        grant=grant,
        operation=operation,
        form=form,
        obstacle=obstacle(grant.you, operation.command),
    )


def _extension_page(grant_id: str, form: Form) -> str:
    grant = edge().call(GetGrant(grant_id=grant_id))
    return render_template(
        "grant/extension.html",
        grant=grant,
        asked=edge().read_request(grant.request_id),
        operation=EXTEND,
        form=form,
        obstacle=obstacle(grant.you, RequestExtension),
    )
