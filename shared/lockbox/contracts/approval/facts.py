"""Facts of an approval: stages, decisions, outcomes."""

from dataclasses import dataclass
from typing import Literal

from lockbox.contracts.approval.terms import Changes, Limits, Verdict
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email, Timestamp, Uuid
from lockbox.contracts.policy.document import Group, Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms


@dataclass(frozen=True, kw_only=True)
class RequestEvaluated(Fact, source="approval_service"):
    """The tenant's policy has said what a request needs: people's decisions, or none because of `why`."""

    request_id: Uuid
    requester: Email
    service_request: str
    created_at: Timestamp
    expires_at: Timestamp
    outcome: Literal["decide", "approve", "deny"]
    why: tuple[str, ...]
    rule: str | None
    stages: tuple[StagePlan, ...]
    limits: Limits


@dataclass(frozen=True, kw_only=True)
class StageOpened(AccessTerms, Fact, source="approval_service"):
    """The approvers of one side can decide now, until `expires_at`. Carries what they need to be told.

    With `extension`, it is about the extension of that number: `duration` is how much longer, `starts_at` from when.
    """

    request_id: Uuid
    requester: Email
    created_at: Timestamp
    expires_at: Timestamp
    stage: Side
    quorum: int
    policy_version: int
    name: str = ""
    number: int = 1
    groups: tuple[Group, ...] = ()
    extension: int | None = None


@dataclass(frozen=True, kw_only=True)
class DecisionRecorded(Fact, source="approval_service"):
    """An approver said yes or no to what `request_digest` is the digest of, be it in place of an earlier word."""

    request_id: Uuid
    stage: Side
    approver: Email
    decision: Verdict
    comment: str
    stage_number: int = 1
    counts_for: tuple[str, ...] = ()
    changes: Changes | None = None
    request_digest: str = ""
    instead: bool = False
    extension: int | None = None


@dataclass(frozen=True, kw_only=True)
class InfoRequested(Fact, source="approval_service"):
    """An approver wants to know more before deciding. The request goes on expiring."""

    request_id: Uuid
    requester: Email
    service_request: str
    approver: Email
    question: str


@dataclass(frozen=True, kw_only=True)
class ReviewResumed(Fact, source="approval_service"):
    """The engineer's answer has arrived, and the stage goes on."""

    request_id: Uuid
    requester: Email
    service_request: str
    stage: Side
    groups: tuple[Group, ...]
    answer: str


@dataclass(frozen=True, kw_only=True)
class Outcome(Fact, source="approval_service", abstract=True):
    """What the outcomes of a request have in common."""

    request_id: Uuid
    requester: Email
    service_request: str


@dataclass(frozen=True, kw_only=True)
class RequestApproved(Outcome):
    """Every stage that the policy asks for said yes."""

    approval_required: bool


@dataclass(frozen=True, kw_only=True)
class RequestDenied(Outcome):
    """An approver, or the policy itself, said no."""

    denied_by: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class RequestCancelled(Outcome):
    """The engineer took the request back."""

    comment: str


@dataclass(frozen=True, kw_only=True)
class RequestExpired(Outcome):
    """Nobody decided in time."""


@dataclass(frozen=True, kw_only=True)
class BreakGlassRequested(Outcome):
    """One of the vendor's approvers wants access opened at once; nothing is open until a second one wants it too."""

    approver: Email
    comment: str


@dataclass(frozen=True, kw_only=True)
class BreakGlassUsed(AccessTerms, Fact, source="approval_service"):
    """Two of the vendor's approvers opened access without the customer, until `ends_at`; it has to be acknowledged."""

    request_id: Uuid
    requester: Email
    grant_id: Uuid
    approvers: tuple[Email, ...]
    comments: tuple[str, ...]
    ends_at: Timestamp


@dataclass(frozen=True, kw_only=True)
class BreakGlassAcknowledged(Outcome):
    """The customer has taken note of an access that was opened without it."""

    comment: str
