"""AuditSettings of audit_service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AuditSettings:
    """Nothing yet that the runtime does not know."""
