"""One attempt to use content, as an enforcement point saw it."""

from dataclasses import dataclass

from lockbox.contracts.access import AccessAllowed, AccessDenied, AccessRecorded, RecordAccess
from lockbox.contracts.events import Changed


@dataclass(frozen=True, kw_only=True)
class Access(AccessRecorded):
    """An attempt on record; what it was stands in its event."""

    @classmethod
    def record(cls, attempt: RecordAccess, enforcement_point: str) -> "Changed[Access]":
        """Put an attempt on record."""
        kind = AccessAllowed if attempt.allowed else AccessDenied
        fact = kind(
            tenant=attempt.tenant,
            access_id=attempt.access_id,
            grant_id=attempt.grant_id,
            request_id=attempt.request_id,
            engineer=attempt.engineer,
            resource=attempt.resource,
            action=attempt.action,
            reason=attempt.reason,
            enforcement_point=enforcement_point,
            at=attempt.at,
        )
        return Changed(cls(access_id=attempt.access_id), (fact,))
