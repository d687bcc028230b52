"""The pages to approve and to reject: a request or the extension of its access, whole or, with an approval, less.

A decision carries the digest of what the page showed. If that has changed, the page comes again with what is to be
decided now and with everything that was typed.
"""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import Decide
from lockbox.errors import Conflict, Forbidden, Invalid
from lockbox.values.resources import is_pattern
from portal_service.edge import caller, edge
from portal_service.http_status import status_of
from portal_service.usecases import RequestDetails
from portal_service.web.pages.request_operations import to_request
from portal_service.web.shell.forms import Form, as_duration, as_lines, as_moment
from portal_service.web.shell.permission import obstacle
from portal_service.web.views.agreement import DISAGREEMENT, agrees
from portal_service.web.views.open_decision import deliberation_of, noun, vote_of
from portal_service.web.views.vote import APPROVE, VOTES, caution, effect
from portal_service.web.wording.refusals import unchanged

STALE = "request_changed"
CHANGED = (
    "Nothing was decided: what you decide on has changed since you opened this page. Below is what it is now; what you "
    "typed is still there."
)

NOT_CONFIRMED = "Tick this to approve it, or approve less: this is more than to read what is named."

blueprint = Blueprint("decision", __name__, url_prefix="/requests")


@blueprint.get("/<uuid:request_id>/<any(approve, reject):name>")
def show_decision(request_id: UUID, name: str) -> ResponseReturnValue:
    """Show the open decision and the effect of this vote."""
    return _page(edge().read_request(str(request_id)), name, Form.fresh())


@blueprint.post("/<uuid:request_id>/<any(approve, reject):name>")
def decide(request_id: UUID, name: str) -> ResponseReturnValue:
    """Approve or reject the decision that was shown; the same form twice counts once."""
    form = Form.sent()
    details = edge().read_request(str(request_id))
    if not agrees(details):
        return _page(details, name, form), HTTPStatus.CONFLICT
    if VOTES[name] is APPROVE and not _is_confirmed(form, details):
        return _page(details, name, form.wrong("confirmed", NOT_CONFIRMED)), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        edge().act_on_request(_message(str(request_id), name, form))
    except Invalid as error:
        return _page(edge().read_request(str(request_id)), name, form.refused(error)), status_of(error)
    except (Conflict, Forbidden) as error:
        if error.code == STALE:
            return _page(
                edge().read_request(str(request_id)), name, form.changed(CHANGED, untick="confirmed")
            ), status_of(error)
        return to_request(str(request_id), unchanged(error), "waiting")
    decided_on = "extension" if form.text("noun") == "extension" else "request"
    return to_request(str(request_id), f"You {VOTES[name].done} this {decided_on}.", "good")


def _is_confirmed(form: Form, details: RequestDetails) -> bool:
    """Tell whether the approval is ticked, or needs no tick: named things are read, or it is refused as out of date."""
    shown = details.open is not None and form.text("request_digest") == details.open.digest
    return not shown or form.text("confirmed") == "yes" or not caution(details.open, changes_in(form))


def changes_in(form: Form) -> dict[str, Any] | None:
    """Return the limits that a form sets below the terms; None if it leaves all as it had been asked for."""
    changes = {
        "duration": as_duration(form.text("duration")) or None,
        "starts_at": as_moment(form.text("starts_at")),
        "resources": _left(form, "resources"),
        "actions": _left(form, "actions"),
    }
    return changes if any(change is not None for change in changes.values()) else None


def _left(form: Form, name: str) -> list[str] | None:
    """Return the items that are ticked; in place of a pattern, those that are named beside it."""
    asked, ticked = as_lines(form.text(f"asked_{name}")), as_lines(form.text(name))
    left = [one for item in asked for one in as_lines(form.text(f"only:{item}")) or [item] * (item in ticked)]
    return None if left == asked else left


def _message(request_id: str, name: str, form: Form) -> Decide:
    vote = VOTES[name]
    body = {
        "request_id": request_id,
        "request_digest": form.text("request_digest"),
        "decision": vote.decision,
        "comment": form.text("comment"),
        "changes": changes_in(form) if vote is APPROVE else None,
        "idempotency_key": form.key,
    }
    return wire.decode(Decide, body)


def _page(details: RequestDetails, name: str, form: Form) -> str:
    vote, person = VOTES[name], caller()
    return render_template(
        "request/decision.html",
        asked=details,
        decision=details.open,
        noun=noun(details.open) if details.open else "request",
        deliberation=deliberation_of(details),
        vote=vote,
        form=form,
        earlier=vote_of(details, person.email),
        obstacle=obstacle(details.you, Decide) if agrees(details) else DISAGREEMENT,
        effect=effect(vote, details, person),
        caution=caution(details.open),
        is_pattern=is_pattern,
    )
