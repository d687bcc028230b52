"""Settings of request_service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RequestSettings:
    """Settings of request_service: none of its own, as a tenant's policy limits requests."""
