"""Operations on the usage report, owned by audit_service: grants, beside the accesses made under them."""

from dataclasses import dataclass, field

from lockbox.contracts.calls import AUDIT, Call
from lockbox.contracts.fields import Action, Email, Flag, Resource, TenantName, Timestamp, Uuid
from lockbox.contracts.grant.terms import GrantState, OpenedBy
from lockbox.contracts.identity import CUSTOMER_ROLES, Role
from lockbox.contracts.page import Page

# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Uses:
    """A count of accesses, each counted once, with the first and the last time; null where there was none."""

    times: int = 0
    first_at: Timestamp | None = None
    last_at: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class AllowedUses(Uses):
    """Accesses that were served under a grant, of one resource and one action."""

    resource: str
    action: str


@dataclass(frozen=True, kw_only=True)
class RefusedUses(Uses):
    """Accesses that were refused with a grant shown, of one resource, action and reason."""

    resource: str
    action: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefusalsByReason(Uses):
    """Refusals of one reason."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class GrantUsage:
    """A grant and the accesses made under it up to now.

    `ends_at` counts extensions in; `ended_at` is null while it can be used. `used` and `refused` count all; `touched`
    and `refusals` hold the most frequent kinds, and `touched_left_out` and `refusals_left_out` say how many more kinds
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
    touched: tuple[AllowedUses, ...]
    touched_left_out: int
    untouched_resources: tuple[Resource, ...]
    untouched_actions: tuple[Action, ...]
    refused: Uses
    refusals: tuple[RefusedUses, ...]
    refusals_left_out: int


@dataclass(frozen=True, kw_only=True)
class WithoutGrant(Uses):
    """Accesses that were refused without a grant of this tenant."""

    reasons: tuple[RefusalsByReason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UsageReport:
    """Grants given within the period, newest first, each with all its use; `next_cursor` is null on the last page.

    `grants`, `never_used` and `without_grant` are about the whole period, on every page.
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
    """A period: grants given from `from`, included, to `to`, not included; the last 30 days where both are absent."""

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
    """Report on the grants of a tenant and their use, newest first."""

    tenant: TenantName


@dataclass(frozen=True, kw_only=True)
class GetGrantUsage(
    Call[GrantUsage], service=AUDIT, rest="GET /tenants/{tenant}/usage/{grant_id}", roles=GetUsage.roles
):
    """Report on one grant and its use, with more kinds of access than the list shows."""

    tenant: TenantName
    grant_id: Uuid
