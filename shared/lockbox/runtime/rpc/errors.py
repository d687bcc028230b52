"""Errors between services: Nameko's own form, extended by our kinds."""

from typing import Any

import nameko.exceptions
from nameko.exceptions import RemoteError, deserialize

from lockbox.errors import KINDS, LockboxError

__all__ = ["RemoteError", "deserialize", "serialize"]

nameko.exceptions.registry.update({f"{kind.__module__}.{kind.__name__}": kind for kind in KINDS})


def serialize(error: Exception) -> dict[str, Any]:
    """Return an error as JSON. Nameko alone would turn the numbers in faults and parameters into text."""
    sent: dict[str, Any] = nameko.exceptions.serialize(error)
    return sent | {"exc_args": list(error.args)} if isinstance(error, LockboxError) else sent
