"""The cancellation of a request by its requester."""

from dataclasses import replace

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from lockbox.contracts.approval.facts import RequestCancelled
from lockbox.contracts.approval.operations import CancelRequest
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.terms import RequestState


def require_pending(approval: Approval, _caller: Caller) -> None:
    """Raise `Conflict` if the request has ended."""
    approval.require_pending()


def cancel(approval: Approval, _caller: Caller, command: CancelRequest, _present: Present) -> Changed[Approval]:
    """End a pending request without access."""
    after = replace(approval, state=RequestState.CANCELLED)
    return Changed(after, (RequestCancelled(**approval.outcome(), comment=command.comment),))
