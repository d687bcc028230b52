"""Earlier versions of events: they stay on record for ever, and are read as what they say in today's words."""

from dataclasses import dataclass, replace

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Duration, Flag, TenantName
from lockbox.contracts.policy import facts
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, DEFAULT_STAGES
from lockbox.contracts.request.terms import Pattern


@dataclass(frozen=True, kw_only=True)
class PolicyChanged(Fact, source="approval_service", subject="tenant"):
    """A tenant's policy when it had two stages, and nothing but the quorum of the customer's could be chosen."""

    tenant: TenantName
    version: int
    require_approval: Flag
    request_lifetime: Duration
    maximum_duration: Duration
    customer_quorum: int
    comment_on_denial: Flag = False
    service_request_pattern: Pattern | None = None

    def latest(self) -> facts.PolicyChanged:
        """With the quorum in the customer's stage."""
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
