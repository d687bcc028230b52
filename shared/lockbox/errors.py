"""Errors that may cross a service boundary.

Each is `Kind(code, message)`: `code` is stable and documented in docs/errors.md, `message` is English for logs and
programs. `params` are the facts in the message as JSON, so that a page can word the error itself. `Invalid` also lists
its faults, one for each field. All arguments are positional and JSON, because Nameko rebuilds an error at the caller
from its class path and `args`; an error without `params` has three of them, as those of earlier versions.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lockbox.faults import Expected, Fault

__all__ = [
    "KINDS",
    "Conflict",
    "Fault",
    "Forbidden",
    "Invalid",
    "LockboxError",
    "NotFound",
    "TooMany",
    "Unavailable",
    "invalid",
]


class LockboxError(Exception):
    """The root of all error kinds; only its subclasses are raised."""

    def __init__(
        self, code: str, message: str, faults: Iterable[Fault] = (), params: Mapping[str, Any] | None = None
    ) -> None:
        self.code = code
        self.message = message
        self.faults = tuple(faults)
        self.params = dict(params or {})
        more = (self.params,) if self.params else ()
        super().__init__(code, message, list(self.faults), *more)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Invalid(LockboxError):
    """An input that is wrong; no retry can make it right."""


class Forbidden(LockboxError):
    """An operation that a known caller may not do."""


class NotFound(LockboxError):
    """An object that does not exist, or that this caller may not know of."""


class Conflict(LockboxError):
    """An object in another state or version than the operation needs."""


class TooMany(LockboxError):
    """A command that comes too often; the parameter `retry_after` is the wait in seconds."""


class Unavailable(LockboxError):
    """A part that is needed and does not answer; the same call may succeed later."""


KINDS: tuple[type[LockboxError], ...] = (Invalid, Forbidden, NotFound, Conflict, TooMany, Unavailable)


def below(path: str, error: Invalid) -> Invalid:
    """Return the error of a part of a message as one of the whole; `path` is the name of the part."""
    faults = [Fault(**{**fault, "field": f"{path}.{fault['field']}"}) for fault in error.faults]
    return Invalid(error.code, f"{path}.{error.message}", faults, error.params)


def invalid(field: str, expected: Expected, received: object, code: str = "") -> Invalid:
    """Return an `Invalid` about one field; its code is that of the fault, unless another is given."""
    fault = expected.fault(field, received)
    message = f"{field}: expected {expected.text}, got {fault['received']!r}"
    return Invalid(code or expected.code, message, [fault])
