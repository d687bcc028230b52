"""Errors as problem documents (RFC 9457): a stable `code` with `params`, and for bad input an entry for each field."""

from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, jsonify
from pymongo.errors import PyMongoError
from werkzeug.exceptions import HTTPException

from lockbox.errors import LockboxError
from lockbox.runtime.storage.mongo import is_absence
from portal_service.edge import correlation_id
from portal_service.http_status import status_of

HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="lockbox"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "2"},
}

RETRY_AFTER = "retry_after"
"""The parameter of an error with the seconds to wait."""

log = structlog.get_logger(__name__)


def problem(status: HTTPStatus, code: str, detail: str, **more: Any) -> Response:
    """Return a problem document with its further members; `instance` is the correlation id that the logs know it by."""
    document: dict[str, Any] = {
        "type": f"urn:lockbox:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
        "instance": f"urn:uuid:{correlation_id()}",
    }
    document |= {name: value for name, value in more.items() if value}
    response = jsonify(document)
    response.status_code = status
    response.mimetype = "application/problem+json"
    response.headers.update(HEADERS.get(status, {}))
    return response


def of_error(error: LockboxError) -> Response:
    """Return the problem document of an error."""
    response = problem(status_of(error), error.code, error.message, params=error.params, errors=error.faults)
    if RETRY_AFTER in error.params:
        response.headers["Retry-After"] = str(error.params[RETRY_AFTER])
    return response


def of_http(error: HTTPException) -> Response:
    """Return the problem document of an error that the web framework raised, such as 404 or 413."""
    status = HTTPStatus(error.code or 500)
    response = problem(status, status.name.lower(), error.description or status.phrase)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def of_database(error: PyMongoError) -> Response:
    """Return the problem document of a portal without its own database, or of a bug in its use."""
    if not is_absence(error):
        return of_surprise(error)
    log.error("database_unavailable", correlation_id=correlation_id(), error=str(error)[:300])
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", "the database does not answer")


def of_surprise(error: Exception) -> Response:
    """Return the problem document of a bug: it names the log and no detail."""
    log.exception("request_failed", correlation_id=correlation_id())
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "this is a fault in Lockbox; its log says more")


def register(app: Flask) -> None:
    """Answer every error of the API with a problem document."""
    app.register_error_handler(LockboxError, of_error)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(PyMongoError, of_database)
    app.register_error_handler(Exception, of_surprise)
