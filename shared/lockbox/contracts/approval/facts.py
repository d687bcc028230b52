"""Facts of an approval: stages, decisions, outcomes."""

from dataclasses import dataclass
from typing import Literal

from lockbox.contracts.approval.terms import Changes, Limits, PolicyExcerpt, Verdict
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email, Timestamp, Uuid
from lockbox.contracts.policy.document import Group, Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms


@dataclass(frozen=True, kw_only=True)
class RequestEvaluated(Fact, source="approval_service"):
    """The policy was evaluated for a request: people decide, or it is approved or denied at once because of `why`."""

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
    excerpt: PolicyExcerpt | None = None


@dataclass(frozen=True, kw_only=True)
class StagesAdded(Fact, source="approval_service"):
    """The policy was evaluated again, for the access as it would open, and these further stages decide.

    `why` has the reasons. With `extension`, the stages decide on the extension of that number.
    """

    request_id: Uuid
    requester: Email
    service_request: str
    why: tuple[str, ...]
    stages: tuple[StagePlan, ...]
    extension: int | None = None


@dataclass(frozen=True, kw_only=True)
class StageOpened(AccessTerms, Fact, source="approval_service"):
    """A stage is open: its approvers can decide until `expires_at`.

    With `extension`, the stage decides on the extension of that number; it lasts `duration` from `starts_at` on.
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
    """An approver decided on the terms with this digest; `instead` means that an earlier vote is replaced."""

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
    """An approver asked the engineer a question. The expiry of the request does not change."""

    request_id: Uuid
    requester: Email
    service_request: str
    approver: Email
    question: str


@dataclass(frozen=True, kw_only=True)
class ReviewResumed(Fact, source="approval_service"):
    """The engineer answered, and the stage is open again."""

    request_id: Uuid
    requester: Email
    service_request: str
    stage: Side
    groups: tuple[Group, ...]
    answer: str


@dataclass(frozen=True, kw_only=True)
class RequestOutcome(Fact, source="approval_service", abstract=True):
    """The common fields of the outcomes of a request."""

    request_id: Uuid
    requester: Email
    service_request: str


@dataclass(frozen=True, kw_only=True)
class RequestApproved(RequestOutcome):
    """Every stage of the request approved."""

    approval_required: bool


@dataclass(frozen=True, kw_only=True)
class RequestDenied(RequestOutcome):
    """An approver or the policy denied the request."""

    denied_by: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class RequestCancelled(RequestOutcome):
    """The engineer cancelled the request."""

    comment: str


@dataclass(frozen=True, kw_only=True)
class RequestExpired(RequestOutcome):
    """The request expired without a decision."""


@dataclass(frozen=True, kw_only=True)
class BreakGlassRequested(RequestOutcome):
    """A vendor approver requested break-glass; access opens when a second vendor approver agrees."""

    approver: Email
    comment: str


@dataclass(frozen=True, kw_only=True)
class BreakGlassUsed(AccessTerms, Fact, source="approval_service"):
    """Two vendor approvers opened access by break-glass until `ends_at`; the customer has to acknowledge it."""

    request_id: Uuid
    requester: Email
    grant_id: Uuid
    approvers: tuple[Email, ...]
    comments: tuple[str, ...]
    ends_at: Timestamp


@dataclass(frozen=True, kw_only=True)
class BreakGlassAcknowledged(RequestOutcome):
    """The customer acknowledged an access by break-glass."""

    comment: str
