"""One attempt to use content, as an enforcement point saw it."""

from dataclasses import dataclass

from lockbox.contracts import wire
from lockbox.contracts.access import AccessAllowed, AccessAttempt, AccessDenied, AccessRecorded
from lockbox.contracts.events import Changed


@dataclass(frozen=True, kw_only=True)
class Access(AccessRecorded):
    """An attempt on record; what it was stands in its event."""

    @classmethod
    def record(cls, attempt: AccessAttempt, enforcement_point: str) -> "Changed[Access]":
        """Put an attempt on record."""
        told = wire.named(AccessAttempt, attempt)
        kind = AccessAllowed if told.pop("allowed") else AccessDenied
        return Changed(cls(access_id=attempt.access_id), (kind(**told, enforcement_point=enforcement_point),))
