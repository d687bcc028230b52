"""Errors on their way from service to service: Nameko's own form, and it knows our kinds."""

import nameko.exceptions
from nameko.exceptions import RemoteError, deserialize, serialize

from lockbox.errors import KINDS

__all__ = ["RemoteError", "deserialize", "serialize"]

nameko.exceptions.registry.update({f"{kind.__module__}.{kind.__name__}": kind for kind in KINDS})
