"""Settings of audit_service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AuditSettings:
    """Settings of audit_service: none of its own."""
