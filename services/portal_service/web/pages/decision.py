"""Approving and rejecting: a request, or the extension of its access; all of it or, with a yes, less.

A decision carries the digest of what the page showed. When that is not, or not any more, what is decided on, the page
comes again with what it is now and with everything that was typed.
"""

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
from portal_service.web.pages.request_operations import back
from portal_service.web.shell.forms import Form, as_duration, as_lines, as_moment
from portal_service.web.views import operations
from portal_service.web.views.matter import matter_of
from portal_service.web.views.verdicts import APPROVE, VERDICTS, meaning, obstacle
from portal_service.web.wording.refusals import unchanged

STALE = "request_changed"
CHANGED = (
    "Nothing was decided: what you decide on has changed since you opened this page. Below is what it is now; what you "
    "typed is still there."
)

blueprint = Blueprint("decision", __name__, url_prefix="/requests")


@blueprint.get("/<uuid:request_id>/<any(approve, reject):name>")
def show_decision(request_id: UUID, name: str) -> ResponseReturnValue:
    """Show what exactly is about to be decided."""
    return _page(edge().read_request(str(request_id)), name, Form.fresh())


@blueprint.post("/<uuid:request_id>/<any(approve, reject):name>")
def decide(request_id: UUID, name: str) -> ResponseReturnValue:
    """Approve or reject what was shown; the same form twice counts once."""
    form = Form.sent()
    try:
        edge().act_on_request(_message(str(request_id), name, form))
    except Invalid as error:
        return _page(edge().read_request(str(request_id)), name, form.refused(error)), status_of(error)
    except Conflict as error:
        if error.code == STALE:
            return _page(edge().read_request(str(request_id)), name, form.changed(CHANGED)), status_of(error)
        return back(str(request_id), unchanged(error), "waiting")
    except Forbidden as error:
        return back(str(request_id), unchanged(error), "waiting")
    noun = "extension" if form.text("noun") == "extension" else "request"
    return back(str(request_id), f"You {VERDICTS[name].done} this {noun}.", "good")


def _message(request_id: str, name: str, form: Form) -> Decide:
    verdict = VERDICTS[name]
    body = {
        "request_id": request_id,
        "request_digest": form.text("request_digest"),
        "decision": verdict.decision,
        "comment": form.text("comment"),
        "changes": _changes(form) if verdict is APPROVE else None,
        "idempotency_key": form.key,
    }
    return wire.decode(Decide, body)


def _changes(form: Form) -> dict[str, Any] | None:
    """What is taken away; what was left as it had been asked for takes nothing."""
    changes = {
        "duration": as_duration(form.text("duration")) or None,
        "starts_at": as_moment(form.text("starts_at")),
        "resources": _left(form, "resources"),
        "actions": _left(form, "actions"),
    }
    return changes if any(change is not None for change in changes.values()) else None


def _left(form: Form, name: str) -> list[str] | None:
    """What is ticked; in place of a pattern, the items of it that are named beside it."""
    asked, ticked = as_lines(form.text(f"asked_{name}")), as_lines(form.text(name))
    left = [one for what in asked for one in as_lines(form.text(f"only:{what}")) or [what] * (what in ticked)]
    return None if left == asked else left


def _page(asked: RequestDetails, name: str, form: Form) -> str:
    matter, verdict, person = matter_of(asked), VERDICTS[name], caller()
    return render_template(
        "request/decision.html",
        asked=asked,
        matter=matter,
        verdict=verdict,
        form=form,
        word=matter.word_of(person.email) if matter else None,
        obstacle=obstacle(asked),
        meaning=meaning(verdict, asked, person) if matter else "",
        is_pattern=is_pattern,
        may_ask=operations.may_ask(person, asked),
    )
