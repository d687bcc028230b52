"""What a tenant decides for itself, and what follows from it for a request."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lockbox.contracts.approval import DEFAULT_SETTINGS, PolicyChanged, PolicySettings, PolicyView, Stage, StageName
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import format_duration
from lockbox.contracts.request import AccessTerms, matches
from lockbox.errors import Conflict


@dataclass(frozen=True, kw_only=True)
class Policy(PolicyView):
    """A tenant's policy in one of its versions."""

    @classmethod
    def first(cls, tenant: str, by: str, now: datetime) -> "Changed[Policy]":
        """The policy that a tenant starts with: approval required, and the defaults of the product."""
        policy = cls(**DEFAULT_SETTINGS.settings(), tenant=tenant, version=1, changed_at=now, changed_by=by)
        return Changed(policy, (policy._as_fact(),))

    def change(self, settings: PolicySettings, expected: int | None, by: str, now: datetime) -> "Changed[Policy]":
        """Replace the settings; raises `Conflict` if `expected` is not the version in force."""
        if expected is not None and expected != self.version:
            raise Conflict("policy_version_stale", f"the policy is at version {self.version}, not {expected}")
        new: dict[str, Any] = settings.settings()
        if new == self.settings():
            return Changed(self)
        policy = replace(self, **new, version=self.version + 1, changed_at=now, changed_by=by)
        return Changed(policy, (policy._as_fact(),))

    def stages(self) -> tuple[Stage, ...]:
        """The stages that a request has to pass, in their order."""
        vendor = Stage(name=StageName.VENDOR, quorum=1)
        customer = Stage(name=StageName.CUSTOMER, quorum=self.customer_quorum)
        return (vendor, customer) if self.require_approval else (vendor,)

    def objection_to(self, terms: AccessTerms) -> str | None:
        """Why these terms can't be approved by anybody, or None."""
        if terms.duration > self.maximum_duration:
            return f"the tenant's policy allows at most {format_duration(self.maximum_duration)}"
        pattern = self.service_request_pattern
        if pattern is not None and not matches(terms.service_request, pattern):
            return f"the tenant's policy wants a service request that looks like {pattern}"
        return None

    def _as_fact(self) -> PolicyChanged:
        return PolicyChanged(tenant=self.tenant, version=self.version, **self.settings())
