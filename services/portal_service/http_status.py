"""The HTTP status of an error: the same for programs and for people."""

from http import HTTPStatus

from lockbox.errors import Conflict, Forbidden, Invalid, LockboxError, NotFound, TooMany, Unavailable
from portal_service.domain.session import Unauthenticated

STATUS: dict[type[LockboxError], HTTPStatus] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
UNREADABLE = {
    "malformed_json": HTTPStatus.BAD_REQUEST,
    "not_json": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


def status_of(error: LockboxError) -> HTTPStatus:
    """Return the HTTP status of an error."""
    return UNREADABLE.get(error.code) or STATUS[type(error)]
