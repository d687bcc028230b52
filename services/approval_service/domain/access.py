"""One attempt to use content, as an enforcement point saw it."""

from dataclasses import dataclass

from lockbox.contracts.access import AccessAllowed, AccessAttempt, AccessDenied
from lockbox.contracts.events import Changed


@dataclass(frozen=True, kw_only=True)
class Access(AccessAttempt):
    """An attempt on record, and by which enforcement point."""

    enforcement_point: str

    @classmethod
    def record(cls, attempt: AccessAttempt, enforcement_point: str) -> "Changed[Access]":
        """Put an attempt on record."""
        named = {name: getattr(attempt, name) for name in AccessAttempt.__dataclass_fields__}
        access = cls(**named, enforcement_point=enforcement_point)
        kind = AccessAllowed if access.allowed else AccessDenied
        told = {name: value for name, value in vars(access).items() if name != "allowed"}
        return Changed(access, (kind(**told),))
