"""Views of an approval, as its readers see it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from lockbox.contracts import wire
from lockbox.contracts.approval.terms import Changes, Note, Verdict
from lockbox.contracts.fields import Duration, Email, Flag, TenantName, Timestamp, Title, Uuid
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.permission import Rights
from lockbox.contracts.policy.document import Member, Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms, RequestState
from lockbox.crypto.canonical import canonical, digest


@dataclass(frozen=True, kw_only=True)
class DecisionView:
    """One approver's last vote in a stage; `counts_for` names the groups that it counts for."""

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
    """One stage of a request, with the times at which it opened (null: not yet) and closed."""

    opened_at: Timestamp | None = None
    closed_at: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class DecisionDocument:
    """The document that an approver decides on; a decision is bound to its digest.

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
    """The stages and decisions of a request or an extension; `request_digest` is null while no stage is open."""

    stages: tuple[Stage, ...] = ()
    decisions: tuple[DecisionView, ...] = ()
    request_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExtensionView(Deliberating):
    """A request for more time and its outcome; the duration in its `terms` can still be granted."""

    number: int
    duration: Duration
    terms: AccessTerms
    justification: str
    asked_at: Timestamp
    state: Literal["PENDING", "APPROVED", "DENIED", "LAPSED"]


@dataclass(frozen=True, kw_only=True)
class BreakGlassView:
    """The use of break-glass: asked for by one approver, opened by another, then acknowledged by the customer.

    `comment`, `agreement` and `acknowledgement` are the comments of the three.
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
class NextStage:
    """The stage that opens after a yes of the open one: `{"stage": 2, "name": "Customer", "side": "CUSTOMER"}`."""

    stage: int
    name: Title
    side: Side


@dataclass(frozen=True, kw_only=True)
class ApprovalEffect:
    """The effect of the approval that closes the open stage, if it were given now on the terms as they are.

    It comes from the step that the decision itself takes, by the policy of the request's arrival and the one in force.
    `outcome` is `stage` (the stage `next` decides), `access` (access opens, or goes on, from `starts_at` to `ends_at`),
    `denial` (the policy denies) or `refusal` (the approval is refused with `code`, `message` and `params`). `why` has
    the reasons of the policy for a stage that it adds, and for a denial.
    """

    outcome: Literal["stage", "access", "denial", "refusal"]
    why: tuple[str, ...] = ()
    next: NextStage | None = None
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    code: str | None = None
    message: str | None = None
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OpenDecision:
    """The decision that is open now, on the request or on the extension of its grant.

    `{"extension": null, "stage": 1, "name": "Vendor", "side": "VENDOR", "digest": "9f86...", "terms": {...},
    "ends_at": "2026-01-31T21:30:00.000000Z", "next": {"stage": 2, "name": "Customer", "side": "CUSTOMER"}}`.
    `extension` is the number of the extension, null for the request itself. `stage` counts from 1. A decision is bound
    to `digest`. `terms` are what can still be granted; those of an extension have its duration. The decision lapses at
    `ends_at`. `next` is null in the last stage that is planned; `effect` says whether the policy adds one, and what the
    approval of the stage does. It is there where one request is read, and null in lists and in answers to commands.
    """

    extension: int | None
    stage: int
    name: Title
    side: Side
    digest: str
    terms: AccessTerms
    ends_at: Timestamp
    next: NextStage | None
    effect: ApprovalEffect | None = None


@dataclass(frozen=True, kw_only=True)
class ApprovalView(Deliberating):
    """The outcome of a request so far, from the service that decides it.

    `terms` are what can still be granted, after all that approvers took away; `why` and `rule` say what the policy made
    of the request. `open` is null while no decision is open.
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
    open: OpenDecision | None = None


@dataclass(frozen=True, kw_only=True)
class Missing:
    """The number of approvals that a group still needs, and the members that can give them."""

    group: Title
    approvals: int
    members: tuple[Member, ...]


@dataclass(frozen=True, kw_only=True)
class Objection:
    """The reason against a decision: a stable code and its English."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Judgement(Rights):
    """The standing of the open stage for one reader, and the reader's permissions in `may`.

    `satisfied` and `missing` are the groups; `counts_for` are those that the reader's yes counts for; `said` is the
    reader's vote in this stage so far. `forbidden` is the reason in `may["decide"]`, or empty.
    """

    satisfied: tuple[Title, ...] = ()
    missing: tuple[Missing, ...] = ()
    counts_for: tuple[Title, ...] = ()
    forbidden: tuple[Objection, ...] = ()
    said: Verdict | None = None


@dataclass(frozen=True, kw_only=True)
class ApprovalReading(ApprovalView):
    """The outcome of a request so far, and the standing and permissions of its reader."""

    you: Judgement = field(default_factory=Judgement)


@dataclass(frozen=True, kw_only=True)
class ApprovalPage:
    """A part of a list; `next_cursor` is null at its end."""

    items: tuple[ApprovalReading, ...]
    next_cursor: str | None
