"""Views of an approval, as its readers see it."""

from dataclasses import dataclass, field
from typing import Literal

from lockbox.contracts import wire
from lockbox.contracts.approval.terms import Changes, Note, Verdict
from lockbox.contracts.fields import Duration, Email, Flag, TenantName, Timestamp, Title, Uuid
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.policy.document import Member, Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms, RequestState
from lockbox.crypto.canonical import canonical, digest


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
