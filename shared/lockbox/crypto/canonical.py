"""Canonical JSON (RFC 8785): the same value gives the same bytes, everywhere, so that it can be hashed and signed."""

import hashlib
from typing import Any, cast

import rfc8785


def canonical(data: object) -> bytes:
    """The canonical bytes of a JSON value."""
    return rfc8785.dumps(cast(Any, data))


def digest(data: bytes) -> str:
    """The SHA-256 of bytes, in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
