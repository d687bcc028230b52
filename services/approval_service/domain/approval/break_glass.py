"""Break-glass: two of the vendor's approvers open a short access at once, and the customer has to acknowledge it.

Only where the tenant's policy allows it. It passes over stages and freezes, never over what was asked for.
"""

from dataclasses import replace
from datetime import datetime

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.facts import BreakGlassAcknowledged, BreakGlassRequested, BreakGlassUsed
from lockbox.contracts.approval.views import BreakGlassView
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller, Role
from lockbox.errors import Conflict, Forbidden


def use(approval: Approval, caller: Caller, comment: str, now: datetime) -> Changed[Approval]:
    """Want access opened at once: the first approver says so, the second one opens it."""
    caller.require_sight("request", approval.tenant, approval.requester)
    if caller.email == approval.requester:
        raise Forbidden("own_request", "nobody decides on an own request")
    caller.require(Role.VENDOR_APPROVER)
    return approval.advance(now).then(lambda current: _use(current, caller, comment, now))


def acknowledge(approval: Approval, caller: Caller, comment: str, now: datetime) -> Changed[Approval]:
    """Take note of what was opened without the customer."""
    caller.require_sight("request", approval.tenant, approval.requester)
    caller.require(Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)
    broken = approval.break_glass
    if broken is None or broken.opened_at is None:
        raise Conflict("break_glass_unused", "this access was not opened by break-glass")
    if broken.acknowledged_at is not None:
        raise Conflict("already_acknowledged", f"{broken.acknowledged_by} has acknowledged it")
    after = replace(broken, acknowledged_by=caller.email, acknowledged_at=now, acknowledgement=comment)
    fact = BreakGlassAcknowledged(**approval.outcome(), comment=comment)
    return Changed(replace(approval, break_glass=after), (fact,))


def _use(approval: Approval, caller: Caller, comment: str, now: datetime) -> Changed[Approval]:
    approval.require_pending()
    if not approval.limits.break_glass.allowed:
        raise Forbidden("break_glass_not_allowed", "the tenant's policy does not allow break-glass")
    broken = approval.break_glass
    if broken is None:
        wanted = BreakGlassView(asked_by=caller.email, asked_at=now, comment=comment)
        fact = BreakGlassRequested(**approval.outcome(), approver=caller.email, comment=comment)
        return Changed(replace(approval, break_glass=wanted), (fact,))
    if broken.asked_by == caller.email:
        raise Conflict("already_decided", "you have asked for it already; another approver has to, too")
    return _opened(approval, replace(broken, opened_by=caller.email, opened_at=now, agreement=comment), now)


def _opened(approval: Approval, broken: BreakGlassView, now: datetime) -> Changed[Approval]:
    asked, longest = approval.deliberation.terms, approval.limits.break_glass.duration
    terms = replace(asked, duration=min(asked.duration, longest), starts_at=None)
    opened = replace(approval, break_glass=broken).approve("break_glass", now, terms)
    grant = opened.state.granted()
    used = BreakGlassUsed(
        **terms.within(
            request_id=approval.request_id,
            requester=approval.requester,
            grant_id=grant.id,
            approvers=(broken.asked_by, broken.opened_by),
            comments=(broken.comment, broken.agreement),
            ends_at=grant.ends_at,
        )
    )
    return Changed(opened.state, (used, *opened.facts))
