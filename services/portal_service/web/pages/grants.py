"""Grants: what is open now and what has ended; revoking, completing, asking for more time."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import ListQueue, RequestExtension
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, ListGrants, RevokeGrant
from lockbox.contracts.grant.terms import LIVE, GrantState
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.identity import Caller
from lockbox.errors import Conflict, Forbidden, Invalid
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.web.pages.request_operations import back
from portal_service.web.pages.requests import PAGE_SIZE, tenants
from portal_service.web.shell.forms import Form, as_duration
from portal_service.web.shell.layout import DECIDERS
from portal_service.web.views import operations
from portal_service.web.views.matter import pending_extension
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
        operations=operations,
    )


@blueprint.get("/<uuid:grant_id>/revoke")
def show_revocation(grant_id: UUID) -> ResponseReturnValue:
    """Show what exactly is about to be revoked."""
    return _page(str(grant_id), operations.REVOKE, Form.fresh())


@blueprint.post("/<uuid:grant_id>/revoke")
def revoke(grant_id: UUID) -> ResponseReturnValue:
    """End a live grant now."""
    return _end(str(grant_id), operations.REVOKE, RevokeGrant)


@blueprint.get("/<uuid:grant_id>/complete")
def show_completion(grant_id: UUID) -> ResponseReturnValue:
    """Show what exactly is about to be completed."""
    return _page(str(grant_id), operations.COMPLETE, Form.fresh())


@blueprint.post("/<uuid:grant_id>/complete")
def complete(grant_id: UUID) -> ResponseReturnValue:
    """Close an own live grant early."""
    return _end(str(grant_id), operations.COMPLETE, CompleteGrant)


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
    return back(asked.request_id, ASKED, "good")


def live_grants(tenant: str | None = None) -> list[GrantView]:
    """The grants that can be used, now or later; what ends first comes first."""
    pages = [
        edge().call(ListGrants(tenant=tenant, state=state, limit=MOST_LIVE))
        for state in (GrantState.ACTIVE, GrantState.SCHEDULED)
    ]
    return [grant for page in pages for grant in sorted(page.items, key=lambda grant: grant.ends_at)]


def _extending(person: Caller) -> frozenset[str]:
    """The ids of the grants whose extension waits for this person's decision."""
    if not person.has(*DECIDERS):
        return frozenset()
    waiting = edge().call(ListQueue(limit=MOST_LIVE)).items
    return frozenset(one.grant.id for one in waiting if one.grant and pending_extension(one))


def _end(grant_id: str, act: operations.Act, command: type[RevokeGrant | CompleteGrant]) -> ResponseReturnValue:
    """Do it; the same form twice counts once."""
    form = Form.sent()
    body = {"grant_id": grant_id, "comment": form.text("comment"), "idempotency_key": form.key}
    try:
        ended = edge().call(wire.decode(command, body))
    except Invalid as error:
        return _page(grant_id, act, form.refused(error)), status_of(error)
    except Conflict as error:
        grant = edge().call(GetGrant(grant_id=grant_id))
        return back(grant.request_id, unchanged(error), "waiting")
    return back(ended.request_id, f"You {act.done} the access. Enforcement points refuse it from now on.", "good")


def _page(grant_id: str, act: operations.Act, form: Form) -> str:
    grant = edge().call(GetGrant(grant_id=grant_id))
    obstacle = operations.obstacle_to_end(act, caller(), grant)
    return render_template("grant/end.html", grant=grant, act=act, form=form, obstacle=obstacle)


def _extension_page(grant_id: str, form: Form) -> str:
    grant = edge().call(GetGrant(grant_id=grant_id))
    asked = edge().read_request(grant.request_id)
    obstacle = operations.obstacle_to_extension(caller(), asked)
    return render_template(
        "grant/extension.html", grant=grant, asked=asked, act=operations.EXTEND, form=form, obstacle=obstacle
    )
