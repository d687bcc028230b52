"""The one place that makes random identifiers."""

from uuid import uuid4


def new_id() -> str:
    """Return a random UUID (RFC 9562, version 4) in its canonical text form."""
    return str(uuid4())
