"""Settings of audit_service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Nothing yet that the runtime does not know."""
