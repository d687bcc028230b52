"""Grants: what is open now, what has ended, revoking and completing."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from lockbox.contracts import wire
from lockbox.contracts.approval import LIVE, CompleteGrant, GetGrant, GrantState, GrantView, ListGrants, RevokeGrant
from lockbox.errors import Conflict, Invalid
from portal_service.edge import caller, edge
from portal_service.statuses import status_of
from portal_service.web import acts
from portal_service.web.forms import Form, sentence
from portal_service.web.requests import PAGE_SIZE, tenants

MOST_LIVE = 200

blueprint = Blueprint("grants", __name__, url_prefix="/grants")


@blueprint.get("")
def list_grants() -> ResponseReturnValue:
    """List the live grants first, then the ended ones, newest first."""
    query = {name: text for name in ("tenant", "cursor") if (text := request.args.get(name))}
    page = edge().call(wire.decode(ListGrants, {**query, "limit": PAGE_SIZE}))
    ended = [grant for grant in page.items if grant.state not in LIVE]
    live = [] if "cursor" in query else live_grants(query.get("tenant"))
    return render_template("grants.html", live=live, ended=ended, page=page, query=query, tenants=tenants(), acts=acts)


@blueprint.get("/<uuid:grant_id>/revoke")
def show_revocation(grant_id: UUID) -> ResponseReturnValue:
    """Show what exactly is about to be revoked."""
    return _page(str(grant_id), acts.REVOKE, Form.fresh())


@blueprint.post("/<uuid:grant_id>/revoke")
def revoke(grant_id: UUID) -> ResponseReturnValue:
    """End a live grant now."""
    return _end(str(grant_id), acts.REVOKE, RevokeGrant)


@blueprint.get("/<uuid:grant_id>/complete")
def show_completion(grant_id: UUID) -> ResponseReturnValue:
    """Show what exactly is about to be completed."""
    return _page(str(grant_id), acts.COMPLETE, Form.fresh())


@blueprint.post("/<uuid:grant_id>/complete")
def complete(grant_id: UUID) -> ResponseReturnValue:
    """Close an own live grant early."""
    return _end(str(grant_id), acts.COMPLETE, CompleteGrant)


def live_grants(tenant: str | None = None) -> list[GrantView]:
    """The grants that can be used, now or later; what ends first comes first."""
    pages = [
        edge().call(ListGrants(tenant=tenant, state=state, limit=MOST_LIVE))
        for state in (GrantState.ACTIVE, GrantState.SCHEDULED)
    ]
    return [grant for page in pages for grant in sorted(page.items, key=lambda grant: grant.ends_at)]


def _end(grant_id: str, act: acts.Act, command: type[RevokeGrant | CompleteGrant]) -> ResponseReturnValue:
    """Do it; the same form twice counts once."""
    form = Form.sent()
    body = {"grant_id": grant_id, "comment": form.text("comment"), "idempotency_key": form.key}
    try:
        ended = edge().call(wire.decode(command, body))
    except Invalid as error:
        return _page(grant_id, act, form.refused(error)), status_of(error)
    except Conflict as error:
        return _back(edge().call(GetGrant(grant_id=grant_id)), f"Nothing was changed. {sentence(error.message)}")
    return _back(ended, f"You {act.done} the access. Enforcement points refuse it from now on.", "good")


def _page(grant_id: str, act: acts.Act, form: Form) -> str:
    grant = edge().call(GetGrant(grant_id=grant_id))
    obstacle = acts.obstacle_to_end(act, caller(), grant)
    return render_template("end_grant.html", grant=grant, act=act, form=form, obstacle=obstacle)


def _back(grant: GrantView, message: str, tone: str = "waiting") -> Response:
    flash(message, tone)
    return redirect(url_for("pages.requests.show_request", request_id=grant.request_id), 303)
