"""The state of a request, by the events of approval_service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lockbox.contracts.alert import AlertFailed, AlertSent
from lockbox.contracts.approval.facts import (
    BreakGlassAcknowledged,
    BreakGlassRequested,
    BreakGlassUsed,
    DecisionRecorded,
    InfoRequested,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestEvaluated,
    RequestExpired,
    ReviewResumed,
    StageOpened,
    StagesAdded,
)
from lockbox.contracts.events import Fact
from lockbox.contracts.grant.facts import (
    AccessGranted,
    ExtendedWithoutCustomer,
    ExtensionDecided,
    ExtensionRequested,
    GrantActivated,
    GrantBound,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
)
from lockbox.contracts.policy.document import Side
from lockbox.contracts.request.facts import InfoProvided
from lockbox.contracts.request.terms import RequestState

Progress = (
    RequestEvaluated
    | StagesAdded
    | StageOpened
    | DecisionRecorded
    | InfoRequested
    | InfoProvided
    | ReviewResumed
    | RequestApproved
    | RequestDenied
    | RequestCancelled
    | RequestExpired
    | AccessGranted
    | GrantActivated
    | GrantBound
    | GrantCompleted
    | GrantRevoked
    | GrantExpired
    | ExtensionRequested
    | ExtensionDecided
    | ExtendedWithoutCustomer
    | BreakGlassRequested
    | BreakGlassUsed
    | BreakGlassAcknowledged
    | AlertSent
    | AlertFailed
)
"""The facts that add to a request's history later; its creation stands there from the start."""

OUTCOMES: Mapping[type[Fact], RequestState] = {
    InfoRequested: RequestState.INFO_REQUESTED,
    RequestApproved: RequestState.APPROVED,
    RequestDenied: RequestState.DENIED,
    RequestCancelled: RequestState.CANCELLED,
    RequestExpired: RequestState.EXPIRED,
}
STAGES = {Side.VENDOR: RequestState.PENDING_VENDOR, Side.CUSTOMER: RequestState.PENDING_CUSTOMER}


@dataclass(frozen=True)
class Standing:
    """A state, the expiry if the event names it, and the sequence of the approval's event that brought it."""

    state: RequestState
    sequence: int
    expires_at: datetime | None = None


def standing_after(fact: Fact, sequence: int) -> Standing | None:
    """Return the state of a request after this event, or None if the event changes no state."""
    if isinstance(fact, StageOpened):
        return None if fact.extension else Standing(STAGES[fact.stage], sequence, fact.expires_at)
    if isinstance(fact, ReviewResumed):
        return Standing(STAGES[fact.stage], sequence)
    state = OUTCOMES.get(type(fact))
    return None if state is None else Standing(state, sequence)
