"""Grants: what is open now, what has ended, and revoking."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from lockbox.contracts import wire
from lockbox.contracts.approval import LIVE, GetGrant, GrantState, GrantView, ListGrants, RevokeGrant
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
    return render_template(
        "grants.html", live=live, ended=ended, page=page, query=query, tenants=tenants(), may_revoke=acts.may_revoke
    )


@blueprint.get("/<uuid:grant_id>/revoke")
def show_revocation(grant_id: UUID) -> ResponseReturnValue:
    """Show what exactly is about to be revoked."""
    return _page(str(grant_id), Form.fresh())


@blueprint.post("/<uuid:grant_id>/revoke")
def revoke(grant_id: UUID) -> ResponseReturnValue:
    """End a live grant now; the same form twice counts once."""
    form = Form.sent()
    body = {"grant_id": str(grant_id), "comment": form.text("comment"), "idempotency_key": form.key}
    try:
        revoked = edge().call(wire.decode(RevokeGrant, body))
    except Invalid as error:
        return _page(str(grant_id), form.refused(error)), status_of(error)
    except Conflict as error:
        return _back(edge().call(GetGrant(grant_id=str(grant_id))), f"Nothing was changed. {sentence(error.message)}")
    return _back(revoked, "You revoked the access. Enforcement points refuse it from now on.", "good")


def live_grants(tenant: str | None = None) -> list[GrantView]:
    """The grants that can be used, now or later; what ends first comes first."""
    pages = [
        edge().call(ListGrants(tenant=tenant, state=state, limit=MOST_LIVE))
        for state in (GrantState.ACTIVE, GrantState.SCHEDULED)
    ]
    return [grant for page in pages for grant in sorted(page.items, key=lambda grant: grant.ends_at)]


def _page(grant_id: str, form: Form) -> str:
    grant = edge().call(GetGrant(grant_id=grant_id))
    possible = acts.may_revoke(caller(), grant)
    return render_template("revoke.html", grant=grant, act=acts.REVOKE, form=form, possible=possible)


def _back(grant: GrantView, message: str, tone: str = "waiting") -> Response:
    flash(message, tone)
    return redirect(url_for("pages.requests.show_request", request_id=grant.request_id), 303)
