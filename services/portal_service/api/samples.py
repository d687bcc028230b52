"""One request and its grant, as the examples of the API show them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lockbox.contracts import wire
from lockbox.contracts.approval.views import (
    ApprovalReading,
    ApprovalView,
    BreakGlassView,
    DecisionView,
    ExtensionView,
    Judgement,
    Stage,
)
from lockbox.contracts.audit import RecordView
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.keys import KeyList, KeyState, KeyView
from lockbox.contracts.ops import ParkedMessage
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, DEFAULT_STAGES, Side
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.terms import AccessTerms, ReasonCode, RequestState
from lockbox.contracts.request.views import RequestView
from lockbox.contracts.usage import AllowedUses, GrantUsage, Uses

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=12)
REQUEST_ID = "7c1d6d0b-4a11-4f0e-9a54-6f1d7f0c5b0e"
GRANT_ID = "123e4567-e89b-12d3-a456-426614174000"
EVENT_ID = "0b8f7a52-3c1e-5a51-9d0a-1a2b3c4d5e6f"
KID = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ENGINEER, APPROVER = "erin@vendor.example", "alice@contoso.example"
QUEUE = "notify_service.on_news.v1"

TERMS = AccessTerms(
    tenant="contoso",
    service_request="SR-359423",
    reason_code=ReasonCode.CUSTOMER_INITIATED_SUPPORT,
    justification="Alice can't open the mail of last week; the index of her mailbox has to be read.",
    resources=("mailbox/alice",),
    actions=("read",),
    duration=timedelta(hours=4),
)
REQUEST = RequestView(
    **TERMS.within(
        id=REQUEST_ID,
        requester=ENGINEER,
        state=RequestState.PENDING_VENDOR,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=12),
    )
)
GRANT = GrantView(
    id=GRANT_ID,
    request_id=REQUEST_ID,
    tenant=TERMS.tenant,
    requester=ENGINEER,
    service_request=TERMS.service_request,
    resources=TERMS.resources,
    actions=TERMS.actions,
    state=GrantState.ACTIVE,
    granted_at=LATER,
    starts_at=LATER,
    ends_at=LATER + TERMS.duration,
)
REVOKED = replace(GRANT, state=GrantState.REVOKED, ended_at=LATER, ended_by=APPROVER, comment="No longer needed.")
COMPLETED = replace(GRANT, state=GrantState.COMPLETED, ended_at=LATER, ended_by=ENGINEER, comment="Done.")
DECISION = DecisionView(
    stage=1,
    side=Side.VENDOR,
    approver="victor@vendor.example",
    decision="approve",
    comment="The case is known.",
    decided_at=LATER,
    counts_for=("Vendor approvers",),
    request_digest=DIGEST,
)
STAGES = tuple(Stage(name=one.name, side=one.side, groups=one.groups) for one in DEFAULT_STAGES)
PENDING = ApprovalView(
    request_id=REQUEST_ID,
    tenant=TERMS.tenant,
    requester=ENGINEER,
    state=RequestState.PENDING_CUSTOMER,
    created_at=NOW,
    expires_at=NOW + timedelta(hours=12),
    terms=TERMS,
    policy_version=1,
    stages=(replace(STAGES[0], opened_at=NOW, closed_at=LATER), replace(STAGES[1], opened_at=LATER)),
    decisions=(DECISION,),
    request_digest=DIGEST,
)
READING = ApprovalReading(
    **wire.named(ApprovalView, PENDING), you=Judgement(satisfied=("Vendor approvers",), counts_for=("Approvers",))
)
CANCELLED = replace(PENDING, state=RequestState.CANCELLED, request_digest=None)
ASKED = replace(PENDING, state=RequestState.INFO_REQUESTED)
BROKEN = replace(
    READING,
    state=RequestState.APPROVED,
    request_digest=None,
    grant=replace(GRANT, opened_by="break_glass"),
    break_glass=BreakGlassView(
        asked_by="victor@vendor.example",
        asked_at=NOW,
        comment="The mail system of Contoso is down.",
        opened_by="vera@vendor.example",
        opened_at=LATER,
        agreement="Agreed.",
    ),
)
WANTED = replace(
    PENDING, break_glass=BreakGlassView(asked_by="victor@vendor.example", asked_at=NOW, comment="All mail is down.")
)
EXTENDED = replace(
    PENDING,
    state=RequestState.APPROVED,
    request_digest=None,
    grant=GRANT,
    extensions=(
        ExtensionView(
            number=1,
            duration=timedelta(hours=2),
            terms=replace(TERMS, duration=timedelta(hours=2)),
            justification="The index is larger than expected.",
            asked_at=LATER,
            state="PENDING",
            stages=STAGES,
        ),
    ),
)
POLICY = PolicyView(**DEFAULT_SETTINGS.settings(), tenant="contoso", version=1, changed_at=NOW, changed_by=APPROVER)
KEYS = KeyList(items=(KeyView(kid=KID, state=KeyState.ACTIVE, kept_in="database", created_at=NOW),))
RECORD = RecordView(
    id=EVENT_ID,
    type="access_granted",
    source="approval_service",
    time=LATER,
    subject=REQUEST_ID,
    tenant="contoso",
    actor=APPROVER,
    sequence=7,
    data={"request_id": REQUEST_ID, "grant_id": GRANT_ID},
    correlationid=EVENT_ID,
    digest=DIGEST,
    recorded_at=LATER,
)
PARKED = ParkedMessage(
    queue=QUEUE,
    parked_id=EVENT_ID,
    parked_at=LATER,
    reason="unknown_event: no contract for approval_service access_granted version 9",
    attempt=1,
    origin="approval_service.events",
    event_id=EVENT_ID,
    event_type="access_granted",
    size=612,
    sha256=DIGEST,
)
USE = Uses(times=3, first_at=LATER, last_at=LATER + timedelta(minutes=20))
USAGE = GrantUsage(
    grant_id=GRANT_ID,
    request_id=REQUEST_ID,
    tenant=TERMS.tenant,
    engineer=ENGINEER,
    service_request=TERMS.service_request,
    reason_code=TERMS.reason_code,
    justification=TERMS.justification,
    resources=TERMS.resources,
    actions=TERMS.actions,
    opened_by="approval",
    state=GrantState.ACTIVE,
    granted_at=LATER,
    starts_at=LATER,
    ends_at=LATER + TERMS.duration,
    ended_at=None,
    ended_by=None,
    never_used=False,
    used=USE,
    touched=(AllowedUses(resource="mailbox/alice", action="read", **vars(USE)),),
    touched_left_out=0,
    untouched_resources=(),
    untouched_actions=(),
    refused=Uses(),
    refusals=(),
    refusals_left_out=0,
)
