"""The published language of a report: what grants allowed, beside what was done with them. Owned by audit_service."""

from dataclasses import dataclass, field

from lockbox.contracts.calls import AUDIT, Call
from lockbox.contracts.fields import Action, Email, Flag, Resource, TenantName, Timestamp, Uuid
from lockbox.contracts.grant.terms import GrantState, OpenedBy
from lockbox.contracts.identity import CUSTOMER_ROLES, Role
from lockbox.contracts.page import Page

READERS = (Role.VENDOR_AUDITOR, *sorted(CUSTOMER_ROLES))
"""Who may read the report: people of a tenant that of their own, the vendor's auditors that of any."""


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Uses:
    """How often something happened, and when first and last; null if it never did. Each access counts once."""

    times: int = 0
    first_at: Timestamp | None = None
    last_at: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class Touched(Uses):
    """What was served under a grant, and how."""

    resource: str
    action: str


@dataclass(frozen=True, kw_only=True)
class Refused(Uses):
    """What was tried with a grant and refused, and why."""

    resource: str
    action: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Because(Uses):
    """Refusals of one reason."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class GrantUsage:
    """What one grant allowed, and what was done with it up to now.

    `ends_at` counts extensions in; `ended_at` is null while it can be used. `used` and `refused` count all; `touched`
    and `refusals` hold what came most often, and `touched_left_out` and `refusals_left_out` say how many more kinds
    there are. `untouched_resources` and `untouched_actions` were granted and never needed.
    """

    grant_id: Uuid
    request_id: Uuid
    tenant: TenantName
    engineer: Email
    service_request: str
    reason_code: str
    justification: str
    resources: tuple[Resource, ...]
    actions: tuple[Action, ...]
    opened_by: OpenedBy
    state: GrantState
    granted_at: Timestamp
    starts_at: Timestamp
    ends_at: Timestamp
    ended_at: Timestamp | None
    ended_by: str | None
    never_used: Flag
    used: Uses
    touched: tuple[Touched, ...]
    touched_left_out: int
    untouched_resources: tuple[Resource, ...]
    untouched_actions: tuple[Action, ...]
    refused: Uses
    refusals: tuple[Refused, ...]
    refusals_left_out: int


@dataclass(frozen=True, kw_only=True)
class WithoutGrant(Uses):
    """Attempts that were refused and showed no grant of this tenant's."""

    reasons: tuple[Because, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UsageReport:
    """Grants that were given within the period, newest first, each with all its use; `next_cursor` is null at its end.

    `grants`, `never_used` and `without_grant` are about the whole period, whichever part of the list this is.
    """

    tenant: TenantName
    start: Timestamp = field(metadata={"data_key": "from"})
    end: Timestamp = field(metadata={"data_key": "to"})
    grants: int
    never_used: int
    without_grant: WithoutGrant
    items: tuple[GrantUsage, ...]
    next_cursor: str | None


# --- queries -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class UsageQuery(Page):
    """Which grants: those given from `from`, included, to `to`, not included; on its own, of the last 30 days."""

    start: Timestamp | None = field(default=None, metadata={"data_key": "from"})
    end: Timestamp | None = field(default=None, metadata={"data_key": "to"})


@dataclass(frozen=True, kw_only=True)
class GetUsage(
    UsageQuery,
    Call[UsageReport],
    service=AUDIT,
    rest="GET /tenants/{tenant}/usage",
    roles=(Role.VENDOR_AUDITOR, *sorted(CUSTOMER_ROLES)),
):
    """What the grants of one tenant allowed, beside what was done with them."""

    tenant: TenantName


@dataclass(frozen=True, kw_only=True)
class GetGrantUsage(
    Call[GrantUsage], service=AUDIT, rest="GET /tenants/{tenant}/usage/{grant_id}", roles=GetUsage.roles
):
    """The same of one grant, with many more of the things that were touched."""

    tenant: TenantName
    grant_id: Uuid
