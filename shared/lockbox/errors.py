"""The few error kinds that may cross a service boundary.

Each is `Kind(code, message)`: `code` is stable and documented in docs/errors.md, `message` is for a person. `Invalid`
also lists its faults, one for each field. All arguments are positional and JSON, because Nameko rebuilds an error at
the caller from its class path and `args`.
"""

from collections.abc import Iterable
from typing import NotRequired, TypedDict


class Fault(TypedDict):
    """One thing that is wrong with an input: where, what was expected, and what came."""

    field: str
    expected: str
    received: NotRequired[str]


class LockboxError(Exception):
    """The root of all error kinds; only its subclasses are raised."""

    def __init__(self, code: str, message: str, faults: Iterable[Fault] = ()) -> None:
        self.code = code
        self.message = message
        self.faults = tuple(faults)
        super().__init__(code, message, list(self.faults))

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Invalid(LockboxError):
    """The input is wrong and no retry can make it right."""


class Forbidden(LockboxError):
    """The caller is known and may not do this."""


class NotFound(LockboxError):
    """There is no such object, or none that this caller may know of."""


class Conflict(LockboxError):
    """The object is not in a state, or not in the version, that this needs."""


class Unavailable(LockboxError):
    """Something that is needed does not answer; the same call may succeed later."""


KINDS: tuple[type[LockboxError], ...] = (Invalid, Forbidden, NotFound, Conflict, Unavailable)


def invalid(code: str, field: str, expected: str, received: object) -> Invalid:
    """An `Invalid` about one field."""
    shown = str(received)[:120]
    return Invalid(
        code,
        f"{field}: expected {expected}, got {shown!r}",
        [Fault(field=field, expected=expected, received=shown)],
    )
