"""Operations on the grant of an approval: revoke, complete, bind to a key."""

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.operations import CompleteGrant, GetGrantToken, RevokeGrant
from lockbox.contracts.identity import Caller
from lockbox.errors import invalid
from lockbox.faults import Expected


def require_granted(approval: Approval, _caller: Caller) -> None:
    """Raise `NotFound` if there is no grant."""
    approval.granted()


def require_live(approval: Approval, _caller: Caller) -> None:
    """Raise `NotFound` if there is no grant, `Conflict` if it has ended."""
    approval.granted().require_live()


def revoke(approval: Approval, caller: Caller, command: RevokeGrant, present: Present) -> Changed[Approval]:
    """End the grant before its time, for the vendor or for the customer."""
    return approval.with_grant(lambda grant: grant.revoke(caller.email, command.comment, present.now))


def complete(approval: Approval, _caller: Caller, command: CompleteGrant, present: Present) -> Changed[Approval]:
    """End the grant before its time, as its engineer is done."""
    return approval.with_grant(lambda grant: grant.complete(command.comment, present.now))


def bind(approval: Approval, _caller: Caller, query: GetGrantToken, _present: Present) -> Changed[Approval]:
    """Put the key or certificate on record that the grant is signed for."""
    if not query.confirmation.claim():
        raise invalid("confirmation", Expected("confirmation_required"), None)
    return approval.with_grant(lambda grant: grant.bind(query.confirmation))
