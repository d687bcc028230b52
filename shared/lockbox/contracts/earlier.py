"""Earlier versions of facts; events of them stay on record for ever, and are read as the latest version."""

from dataclasses import dataclass, replace

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Duration, Flag, TenantName
from lockbox.contracts.policy import facts
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, DEFAULT_STAGES
from lockbox.contracts.request.terms import Pattern


@dataclass(frozen=True, kw_only=True)
class PolicyChanged(Fact, source="approval_service", subject="tenant"):
    """A tenant's policy with two fixed stages; only the quorum of the customer's stage could be chosen."""

    tenant: TenantName
    version: int
    require_approval: Flag
    request_lifetime: Duration
    maximum_duration: Duration
    customer_quorum: int
    comment_on_denial: Flag = False
    service_request_pattern: Pattern | None = None

    def latest(self) -> facts.PolicyChanged:
        """Return the fact in its latest version, with the quorum in the customer's stage."""
        vendor, customer = DEFAULT_STAGES
        [approvers] = customer.groups
        settings = DEFAULT_SETTINGS.settings() | {
            "require_approval": self.require_approval,
            "request_lifetime": self.request_lifetime,
            "maximum_duration": self.maximum_duration,
            "default_duration": min(self.maximum_duration, DEFAULT_SETTINGS.default_duration),
            "maximum_total": max(self.maximum_duration, DEFAULT_SETTINGS.maximum_total),
            "comment_on_denial": self.comment_on_denial,
            "service_request_pattern": self.service_request_pattern,
            "stages": (vendor, replace(customer, groups=(replace(approvers, approvals=self.customer_quorum),))),
        }
        return facts.PolicyChanged(tenant=self.tenant, version=self.version, **settings)
