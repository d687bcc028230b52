"""Errors as pages."""

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from flask import Blueprint, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from pymongo.errors import PyMongoError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from lockbox.errors import LockboxError
from portal_service.domain.session import Unauthenticated
from portal_service.edge import correlation_id
from portal_service.http_status import status_of
from portal_service.web.shell import browser_session
from portal_service.web.wording.refusals import details

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Advice:
    """The meaning of an error for a person, and the next step."""

    title: str
    what_to_do: str


ADVICE = {
    HTTPStatus.BAD_REQUEST: Advice("That did not work", "Nothing was changed. Go back and try again."),
    HTTPStatus.FORBIDDEN: Advice(
        "You can't do this",
        "Your roles do not allow it. If they should, ask your administrator.",
    ),
    HTTPStatus.NOT_FOUND: Advice(
        "There is no such page", "It does not exist, or it is not for you. Check the address, or start from your queue."
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Advice(
        "That did not work", "This address can't be opened like that. Start from your queue."
    ),
    HTTPStatus.CONFLICT: Advice("This is not possible any more", "Look at where it stands now, then decide again."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Advice(
        "That was too much", "Nothing was changed. Go back, shorten what you typed, and send it again."
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: Advice(
        "Lockbox does not understand this", "A value in the address is not valid. Start again from the list."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: Advice(
        "Lockbox can't answer just now",
        "A part of it does not answer. Nothing opens by itself meanwhile. Try again in a moment.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: Advice(
        "Something is wrong with Lockbox", "It is not your fault. Tell the operators of Lockbox the reference below."
    ),
}
OUT_OF_DATE = Advice(
    "This form is out of date",
    "Nothing was changed. It was opened too long ago, or before you signed in. Open it again and send it once more.",
)


def page(status: HTTPStatus, details: tuple[str, ...], advice: Advice | None = None) -> Response:
    """Return the page about an error; its reference is the correlation id in the logs."""
    text = render_template(
        "error.html",
        status=status,
        details=details,
        advice=advice or ADVICE.get(status) or Advice(status.phrase, "Go back and try again."),
        reference=correlation_id(),
        again=browser_session.requested_path() if advice or status >= HTTPStatus.INTERNAL_SERVER_ERROR else None,
        sent=_sent() if status >= HTTPStatus.INTERNAL_SERVER_ERROR else [],
    )
    response = make_response(text, status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "2"
    return response


def of_error(error: LockboxError) -> Response:
    """Return the page of an error that Lockbox raised."""
    return page(status_of(error), details(error))


def of_http(error: HTTPException) -> Response:
    """Return the page of an error that the web framework raised, such as 413."""
    return page(HTTPStatus(error.code or 500), ())


def of_forgery(error: CSRFError) -> Response:
    """Return the page of a form with a token that is not valid, or not any more."""
    return page(HTTPStatus.BAD_REQUEST, (), OUT_OF_DATE)


def of_outage(error: PyMongoError) -> Response:
    """Return the page of a portal without its own database."""
    log.error("database_unavailable", correlation_id=correlation_id(), error=str(error)[:300])
    return page(HTTPStatus.SERVICE_UNAVAILABLE, ())


def of_fault(error: Exception) -> Response:
    """Return the page of a fault in Lockbox: it shows its reference and no detail."""
    log.exception("request_failed", correlation_id=correlation_id())
    return page(HTTPStatus.INTERNAL_SERVER_ERROR, ())


def of_unknown_address(error: HTTPException) -> Response:
    """Return the page of an address that does not exist; it shows the signed-in person, as other pages do."""
    with suppress(PyMongoError):
        browser_session.signed_in()
    return of_http(error)


def _sent() -> list[tuple[str, str]]:
    """Return the form that may not have taken effect, with its key, so that sending it again counts once."""
    return [(name, text) for name, text in request.form.items(multi=True) if name != "password"]


def register(pages: Blueprint) -> None:
    """Answer every error of the pages with a page."""
    pages.register_error_handler(Unauthenticated, browser_session.ask_to_sign_in)
    pages.register_error_handler(CSRFError, of_forgery)
    pages.register_error_handler(LockboxError, of_error)
    pages.register_error_handler(HTTPException, of_http)
    pages.register_error_handler(PyMongoError, of_outage)
    pages.register_error_handler(Exception, of_fault)
