"""Where a request stands, as told by the events of approval_service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lockbox.contracts.approval import (
    AccessGranted,
    DecisionRecorded,
    GrantActivated,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestExpired,
    StageName,
    StageOpened,
)
from lockbox.contracts.events import Fact
from lockbox.contracts.notify import AlertFailed, AlertSent
from lockbox.contracts.request import RequestCreated, RequestState

Progress = (
    RequestCreated
    | StageOpened
    | DecisionRecorded
    | RequestApproved
    | RequestDenied
    | RequestCancelled
    | RequestExpired
    | AccessGranted
    | GrantActivated
    | GrantCompleted
    | GrantRevoked
    | GrantExpired
    | AlertSent
    | AlertFailed
)

OUTCOMES: Mapping[type[Fact], RequestState] = {
    RequestApproved: RequestState.APPROVED,
    RequestDenied: RequestState.DENIED,
    RequestCancelled: RequestState.CANCELLED,
    RequestExpired: RequestState.EXPIRED,
}
STAGES = {StageName.VENDOR: RequestState.PENDING_VENDOR, StageName.CUSTOMER: RequestState.PENDING_CUSTOMER}


@dataclass(frozen=True)
class Standing:
    """A state, what is known with it of the expiry, and which event of the approval brought it about."""

    state: RequestState
    sequence: int
    expires_at: datetime | None = None


def standing_after(fact: Fact, sequence: int) -> Standing | None:
    """Where a request stands after this event, or None if the event changes nothing of the kind."""
    if isinstance(fact, StageOpened):
        return Standing(STAGES[fact.stage], sequence, fact.expires_at)
    state = OUTCOMES.get(type(fact))
    return None if state is None else Standing(state, sequence)
