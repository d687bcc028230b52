"""The published language of approval_service: how a request, or an extension, comes to its outcome."""

from dataclasses import dataclass, field
from typing import Any, Literal

from lockbox.contracts import wire
from lockbox.contracts.calls import Call
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import (
    Action,
    Comment,
    Duration,
    Email,
    Flag,
    IdempotencyKey,
    Justification,
    Resource,
    TenantName,
    Timestamp,
    Title,
    Uuid,
)
from lockbox.contracts.grant import GrantView
from lockbox.contracts.policy import BreakGlass, Freeze, Group, Member, Side, StagePlan
from lockbox.contracts.request import AccessTerms, Page, RequestState, longer_than_zero, some_distinct
from lockbox.crypto.canonical import canonical, digest

Verdict = Literal["approve", "deny"]


def narrower(most: int, what: str) -> Any:
    """A list that may be left out, and names something if it is there."""
    return field(default=None, metadata=some_distinct(most, what))


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What an approver allows less of than what was asked: null leaves it as it is."""

    duration: Duration | None = field(default=None, metadata=longer_than_zero())
    resources: tuple[Resource, ...] | None = narrower(100, "resources")
    actions: tuple[Action, ...] | None = narrower(20, "actions")
    starts_at: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one version of a tenant's policy says to one request; it stays so, whatever becomes of the policy."""

    policy_version: int
    comment_on_denial: Flag
    maximum_total: Duration
    frozen: tuple[Freeze, ...]
    break_glass: BreakGlass


@dataclass(frozen=True, kw_only=True)
class Note:
    """A question of an approver, or an answer of the engineer; each kind counts from 1."""

    kind: Literal["question", "answer"]
    number: int
    by: Email
    at: Timestamp
    text: str


# --- facts ---------------------------------------------------------------------------------------------------------


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


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One approver's word in a stage: the last one, if there were more; `counts_for` names the groups."""

    stage: int
    side: Side
    approver: Email
    decision: Verdict
    comment: str
    decided_at: Timestamp
    counts_for: tuple[str, ...]
    request_digest: str
    changes: Changes | None = None


@dataclass(frozen=True, kw_only=True)
class Stage(StagePlan):
    """One stage of a request: when it opened (null: not yet) and was over."""

    opened_at: Timestamp | None = None
    closed_at: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What an approver is shown and decides on; a decision is bound to its digest.

    `stage` counts from 1; `extension` is null for the request itself.
    """

    request_id: Uuid
    tenant: TenantName
    requester: Email
    created_at: Timestamp
    expires_at: Timestamp
    stage: int
    extension: int | None
    terms: AccessTerms
    notes: tuple[Note, ...]

    @property
    def digest(self) -> str:
        """The SHA-256, in hexadecimal, of its canonical JSON (RFC 8785)."""
        return digest(canonical(wire.encode(self)))


@dataclass(frozen=True, kw_only=True)
class Deliberating:
    """Something that people decide on, stage by stage; `request_digest` is null when no stage is open."""

    stages: tuple[Stage, ...] = ()
    decisions: tuple[Decision, ...] = ()
    request_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExtensionView(Deliberating):
    """A wish for more time, and what became of it; of its `terms`, the duration is what can still be granted."""

    number: int
    duration: Duration
    terms: AccessTerms
    justification: str
    asked_at: Timestamp
    state: Literal["PENDING", "APPROVED", "DENIED", "LAPSED"]


@dataclass(frozen=True, kw_only=True)
class BreakGlassView:
    """How access was opened without the customer: wanted by one approver, opened by another, then acknowledged.

    `comment`, `agreement` and `acknowledgement` are what each of them said.
    """

    asked_by: Email
    asked_at: Timestamp
    comment: str
    opened_by: Email | None = None
    opened_at: Timestamp | None = None
    agreement: str = ""
    acknowledged_by: Email | None = None
    acknowledged_at: Timestamp | None = None
    acknowledgement: str = ""


@dataclass(frozen=True, kw_only=True)
class ApprovalView(Deliberating):
    """The outcome of a request so far, from the service that decides it.

    `terms` are what can still be granted, after all that approvers took away; `why` and `rule` say what the policy made
    of the request.
    """

    request_id: Uuid
    tenant: TenantName
    requester: Email
    state: RequestState
    created_at: Timestamp
    expires_at: Timestamp
    terms: AccessTerms
    policy_version: int
    why: tuple[str, ...] = ()
    rule: str | None = None
    comment_on_denial: Flag = False
    break_glass_allowed: Flag = False
    notes: tuple[Note, ...] = ()
    break_glass: BreakGlassView | None = None
    extensions: tuple[ExtensionView, ...] = ()
    grant: GrantView | None = None


@dataclass(frozen=True, kw_only=True)
class Missing:
    """How many yeses a group still needs, and from whom they can come."""

    group: Title
    approvals: int
    members: tuple[Member, ...]


@dataclass(frozen=True, kw_only=True)
class Objection:
    """Why somebody can't decide, by a stable code and in words."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Where the open stage stands for one person: the groups that are satisfied, what is missing, what forbids it.

    `said` is that person's word in this stage so far.
    """

    satisfied: tuple[Title, ...] = ()
    missing: tuple[Missing, ...] = ()
    counts_for: tuple[Title, ...] = ()
    forbidden: tuple[Objection, ...] = ()
    said: Verdict | None = None

    @property
    def may_decide(self) -> bool:
        """Whether nothing forbids it."""
        return not self.forbidden


@dataclass(frozen=True, kw_only=True)
class ApprovalReading(ApprovalView):
    """The outcome of a request so far, and what whoever asks may do about it."""

    you: Judgement = field(default_factory=Judgement)


@dataclass(frozen=True, kw_only=True)
class ApprovalPage:
    """A part of a list; `next_cursor` is null at its end."""

    items: tuple[ApprovalReading, ...]
    next_cursor: str | None


# --- commands and queries ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Decide(Call[ApprovalView], service="approval_service"):
    """Say yes or no, for the stage that is open, to what has this digest. Roles: who the policy says.

    Where a grant is active and its extension is asked for, the decision is on the extension.
    """

    request_id: Uuid
    request_digest: str
    decision: Verdict
    comment: Comment = ""
    changes: Changes | None = None
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class RequestInfo(Call[ApprovalView], service="approval_service"):
    """Ask the engineer for more, before deciding. Roles: whoever could decide now."""

    request_id: Uuid
    question: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class CancelRequest(Call[ApprovalView], service="approval_service"):
    """Take an own request back. Role: engineer."""

    request_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class UseBreakGlass(Call[ApprovalView], service="approval_service"):
    """Want access opened at once; the second approver who does opens it. Role: vendor_approver."""

    request_id: Uuid
    comment: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class AcknowledgeBreakGlass(Call[ApprovalView], service="approval_service"):
    """Take note of access that was opened without one's approval. Roles: customer_approver, customer_admin."""

    request_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class RequestExtension(Call[ApprovalView], service="approval_service"):
    """Ask for more time while an own grant is active. Role: engineer."""

    grant_id: Uuid
    duration: Duration = field(metadata=longer_than_zero())
    justification: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class GetApproval(Call[ApprovalReading], service="approval_service"):
    """Read the outcome of a request so far."""

    request_id: Uuid


@dataclass(frozen=True, kw_only=True)
class ListQueue(Page, Call[ApprovalPage], service="approval_service"):
    """What waits for the caller's decision, what ends first at the top: requests, and extensions of running access."""


@dataclass(frozen=True, kw_only=True)
class ListBreakGlass(Page, Call[ApprovalPage], service="approval_service"):
    """Access that was opened without the customer, newest first; with `acknowledged`, only what is, or is not, yet."""

    tenant: TenantName | None = None
    acknowledged: Flag | None = None
