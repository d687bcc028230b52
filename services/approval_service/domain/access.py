"""Records of attempts to use content, as enforcement points report them."""

from dataclasses import dataclass

from lockbox.contracts import wire
from lockbox.contracts.access import AccessAllowed, AccessAttempt, AccessDenied, AccessDisputed
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import TenantName, Uuid


@dataclass(frozen=True, kw_only=True)
class AccessRecord:
    """The record that an attempt was reported; the attempt itself is in the record's event."""

    access_id: Uuid

    @classmethod
    def of(cls, attempt: AccessAttempt, enforcement_point: str) -> "Changed[AccessRecord]":
        """Record an attempt that an enforcement point reports."""
        fields = wire.named(AccessAttempt, attempt)
        kind = AccessAllowed if fields.pop("allowed") else AccessDenied
        return Changed(cls(access_id=attempt.access_id), (kind(**fields, enforcement_point=enforcement_point),))

    @classmethod
    def disputed(
        cls, attempt: AccessAttempt, enforcement_point: str, code: str, tenant: TenantName | None
    ) -> "Changed[AccessRecord]":
        """Record that an enforcement point reports an allowed access which is refused, for this tenant's people."""
        fields = wire.named(AccessAttempt, attempt) | {"tenant": tenant, "claimed_tenant": attempt.tenant, "code": code}
        told = {name: fields[name] for name in fields.keys() - {"allowed", "reason"}}
        return Changed(cls(access_id=attempt.access_id), (AccessDisputed(**told, enforcement_point=enforcement_point),))
