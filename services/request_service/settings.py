"""RequestSettings of request_service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RequestSettings:
    """Nothing yet that the runtime does not know: a tenant's policy says what may be asked."""
