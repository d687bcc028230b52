"""Errors as pages."""

from dataclasses import dataclass
from http import HTTPStatus

import structlog
from flask import Blueprint, Flask, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from lockbox.errors import LockboxError
from portal_service.api import problems
from portal_service.domain.session import Unauthenticated
from portal_service.edge import correlation_id
from portal_service.web import entry
from portal_service.web.forms import explain, sentence

FOR_MACHINES = ("/api/", "/.well-known/", "/openapi.json")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Advice:
    """What an error means to a person, and what to do."""

    title: str
    what_to_do: str


ADVICE = {
    HTTPStatus.BAD_REQUEST: Advice("That did not work", "Nothing was changed. Go back and try again."),
    HTTPStatus.FORBIDDEN: Advice(
        "You can’t do this", "Your roles do not allow it. If they should, ask whoever names the members."
    ),
    HTTPStatus.NOT_FOUND: Advice(
        "There is no such page", "It does not exist, or it is not for you. Check the address, or start from your queue."
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Advice(
        "That did not work", "This address can’t be opened like that. Start from your queue."
    ),
    HTTPStatus.CONFLICT: Advice("This is not possible any more", "Look at where it stands now, then decide again."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Advice(
        "That was too much", "Nothing was changed. Go back, shorten what you typed, and send it again."
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: Advice(
        "Lockbox does not understand this", "The address holds something that can’t be. Start again from the list."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: Advice(
        "Lockbox can’t answer just now",
        "A part of it does not answer. Nothing opens by itself meanwhile. Try again in a moment.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: Advice(
        "Something is wrong with Lockbox", "It is not your fault. Tell whoever runs it the reference below."
    ),
}
OUT_OF_DATE = Advice(
    "This form is out of date",
    "Nothing was changed. It was opened too long ago, or before you signed in. Open it again and send it once more.",
)


def page(status: HTTPStatus, details: tuple[str, ...], advice: Advice | None = None) -> Response:
    """A page about an error; its reference is the correlation id that the logs know it by."""
    advice = advice or ADVICE.get(status) or Advice(status.phrase, "Go back and try again.")
    sent = request.method == "POST"
    text = render_template(
        "error.html", status=status, details=details, advice=advice, reference=correlation_id(), sent=sent
    )
    response = make_response(text, status)
    retry = problems.HEADERS.get(status, {}).get("Retry-After")
    if retry:
        response.headers["Retry-After"] = retry
    return response


def of_error(error: LockboxError) -> Response:
    """The page of an error that Lockbox raised."""
    details = tuple(f"{fault['field']}: {explain(fault)}" for fault in error.faults) or (sentence(error.message),)
    return page(problems.status_of(error), details)


def of_http(error: HTTPException) -> Response:
    """The page of an error that the web framework raised, such as 413."""
    return page(HTTPStatus(error.code or 500), ())


def of_forgery(error: CSRFError) -> Response:
    """The page of a form whose token does not count (any more)."""
    return page(HTTPStatus.BAD_REQUEST, (), OUT_OF_DATE)


def of_surprise(error: Exception) -> Response:
    """The page of a bug: it says nothing but where to look."""
    log.exception("request_failed", correlation_id=correlation_id())
    return page(HTTPStatus.INTERNAL_SERVER_ERROR, ())


def of_nowhere(error: HTTPException) -> Response:
    """The answer for an address that is nothing: a problem document for programs, a page for people."""
    if request.path.startswith(FOR_MACHINES):
        return problems.of_http(error)
    entry.known()
    return of_http(error)


def register(app: Flask, pages: Blueprint) -> None:
    """Answer every error of the pages with a page."""
    pages.register_error_handler(Unauthenticated, entry.ask_to_sign_in)
    pages.register_error_handler(CSRFError, of_forgery)
    pages.register_error_handler(LockboxError, of_error)
    pages.register_error_handler(HTTPException, of_http)
    pages.register_error_handler(Exception, of_surprise)
    for status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        app.register_error_handler(status, of_nowhere)
