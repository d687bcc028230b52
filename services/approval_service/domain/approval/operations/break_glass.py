"""Break-glass: two of the vendor's approvers open a short access at once, and the customer has to acknowledge it.

Possible only where the tenant's policy allows it. It passes over stages and freezes, never over the terms asked for.
"""

from dataclasses import replace
from datetime import datetime

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.break_glass import BreakGlassUse
from approval_service.domain.approval.present import Present
from lockbox.contracts.approval.facts import BreakGlassAcknowledged, BreakGlassRequested, BreakGlassUsed
from lockbox.contracts.approval.operations import AcknowledgeBreakGlass, UseBreakGlass
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller
from lockbox.errors import Conflict, Forbidden


def require_usable(approval: Approval, caller: Caller) -> None:
    """Raise unless the request is pending, the policy allows break-glass, and the caller has not asked for it yet."""
    approval.require_pending()
    if not approval.limits.break_glass.allowed:
        raise Forbidden("break_glass_not_allowed", "the tenant's policy does not allow break-glass")
    if approval.break_glass is not None and approval.break_glass.asked_by == caller.email:
        raise Conflict("already_decided", "you have asked for it already; another approver has to, too")


def use(approval: Approval, caller: Caller, command: UseBreakGlass, present: Present) -> Changed[Approval]:
    """Ask for access at once, as the first approver, or open it, as the second one."""
    asked, now = approval.break_glass, present.now
    if asked is None:
        first = BreakGlassUse(asked_by=caller.email, asked_at=now, comment=command.comment)
        fact = BreakGlassRequested(**approval.outcome(), approver=caller.email, comment=command.comment)
        return Changed(replace(approval, break_glass=first), (fact,))
    return _open(approval, replace(asked, opened_by=caller.email, opened_at=now, agreement=command.comment), now)


def require_unacknowledged(approval: Approval, _caller: Caller) -> None:
    """Raise `Conflict` unless access was opened by break-glass and is not acknowledged yet."""
    use = _opened_use(approval)
    if use.acknowledged_at is not None:
        raise Conflict(
            "already_acknowledged",
            f"{use.acknowledged_by} has acknowledged it",
            params={"acknowledged_by": use.acknowledged_by},
        )


def acknowledge(
    approval: Approval, caller: Caller, command: AcknowledgeBreakGlass, present: Present
) -> Changed[Approval]:
    """Acknowledge access that was opened by break-glass."""
    after = replace(
        _opened_use(approval),
        acknowledged_by=caller.email,
        acknowledged_at=present.now,
        acknowledgement=command.comment,
    )
    fact = BreakGlassAcknowledged(**approval.outcome(), comment=command.comment)
    return Changed(replace(approval, break_glass=after), (fact,))


def _opened_use(approval: Approval) -> BreakGlassUse:
    use = approval.break_glass
    if use is None or use.opened_at is None:
        raise Conflict("break_glass_unused", "this access was not opened by break-glass")
    return use


def _open(approval: Approval, use: BreakGlassUse, now: datetime) -> Changed[Approval]:
    asked, longest = approval.deliberation.terms, approval.limits.break_glass.duration
    terms = replace(asked, duration=min(asked.duration, longest), starts_at=None)
    opened = replace(approval, break_glass=use).approve("break_glass", now, terms)
    grant = opened.state.granted()
    fact = BreakGlassUsed(
        **terms.within(
            request_id=approval.request_id,
            requester=approval.requester,
            grant_id=grant.id,
            approvers=(use.asked_by, use.opened_by),
            comments=(use.comment, use.agreement),
            ends_at=grant.ends_at,
        )
    )
    return Changed(opened.state, (fact, *opened.facts))
