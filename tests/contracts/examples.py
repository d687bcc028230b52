"""One event of every type and version, as the golden files have it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import lockbox.contracts
from lockbox.contracts import earlier, wire
from lockbox.contracts.access import AccessAllowed, AccessDenied, AccessDisputed
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
from lockbox.contracts.approval.terms import Changes, Limits, PolicyExcerpt
from lockbox.contracts.events import FACTS, Event, Fact, event_id
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
from lockbox.contracts.keys import SigningKeyCreated, SigningKeyRetired, SigningKeyRevoked
from lockbox.contracts.member import (
    ApiTokenChanged,
    ApiTokenCreated,
    MemberAdded,
    MemberChanged,
    MemberRemoved,
    SignedIn,
    SignInFailed,
)
from lockbox.contracts.ops import BY_SOURCE
from lockbox.contracts.policy.document import (
    DEFAULT_STAGES,
    BreakGlass,
    Condition,
    Freeze,
    Group,
    Hours,
    PolicySettings,
    Rule,
    Side,
    StagePlan,
)
from lockbox.contracts.policy.facts import PolicyChanged, PolicyChangeProposed, PolicyChangeRejected
from lockbox.contracts.request.facts import InfoProvided, RequestCreated
from lockbox.contracts.request.terms import AccessTerms, ReasonCode, Severity

GOLDEN = Path(__file__).parent / "golden"
EARLIER = GOLDEN / "earlier"

for module in iter_modules(lockbox.contracts.__path__, "lockbox.contracts."):
    import_module(module.name)
KINDS = [kind for kind in FACTS.values() if kind.__module__.startswith("lockbox.")]

MORNING = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
REQUEST_ID = "566924bd-d58b-45eb-a91f-e689a1d37c43"
GRANT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ACCESS_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
ALERT_ID = "b5ba95d4-2693-5ef9-8b65-36ed7b195a6b"
CORRELATION_ID = "0c5f3c52-5b5e-4c3e-9d0a-3f8f7d3f0f10"
CAUSATION_ID = "16fd2706-8baf-433b-82eb-8c7fada847da"
PARKED_ID = "3c0f5c1e-7d6b-4a39-9a55-5d1f2f6f0b0e"
OTTO = "otto@vendor.example"
ERIN, VICTOR, VINCE = "erin@vendor.example", "victor@vendor.example", "vince@vendor.example"
ALICE, CAROL, ADA = "alice@contoso.example", "carol@contoso.example", "ada@contoso.example"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
POINT = "content-service@vendor.example"

TERMS = AccessTerms(
    tenant="contoso",
    service_request="SR-359423",
    reason_code=ReasonCode.CUSTOMER_INITIATED_SUPPORT,
    severity=Severity.HIGH,
    justification='Alice cannot open her mailbox: "Zugriff verweigert", 拒否 \u2013 see <SR-359423>.',
    resources=("mailbox/alice", "files/Report-2026_v1.pdf"),
    actions=("read", "export"),
    duration=timedelta(hours=1, minutes=30),
    starts_at=MORNING + timedelta(hours=2),
)
REQUEST: dict[str, Any] = {"tenant": "contoso", "request_id": REQUEST_ID}
OUTCOME: dict[str, Any] = REQUEST | {"requester": ERIN, "service_request": "SR-359423"}
GRANT: dict[str, Any] = REQUEST | {"grant_id": GRANT_ID, "requester": ERIN}
ALERT: dict[str, Any] = REQUEST | {
    "alert_id": ALERT_ID,
    "alert": "approval_needed",
    "channel": "email",
    "recipient": ALICE,
}
ATTEMPT: dict[str, Any] = {
    "access_id": ACCESS_ID,
    "tenant": "contoso",
    "resource": "mailbox/alice",
    "action": "read",
    "enforcement_point": POINT,
    "at": MORNING,
}

KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

PARKED: dict[str, Any] = {
    "parked_id": PARKED_ID,
    "reason": "Invalid: event_contradicts_record: event 566924bd is on record with another digest",
    "event_id": REQUEST_ID,
    "event_type": "request_created",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}

GROUPS = (
    Group(name="Legal", members=("lea@contoso.example", "customer_admin")),
    Group(name="Security", members=("customer_approver",)),
)
LEGAL = StagePlan(name="Legal and security", side=Side.CUSTOMER, groups=GROUPS, denials=2)
POLICY = PolicySettings(
    four_eyes=True,
    comment_on_denial=True,
    service_request_pattern="SR-######",
    stages=DEFAULT_STAGES,
    rules=(
        Rule(
            name="Exports",
            then="add_stage",
            when=Condition(
                reason_codes=(ReasonCode.THIRD_PARTY_DATA_REQUEST,),
                resources=("files/**",),
                actions=("export",),
                severities=(Severity.HIGH,),
                engineers=(ERIN,),
                longer_than=timedelta(minutes=30),
                at_most=timedelta(hours=2),
                arrives=Hours(since="08:00", until="18:00", time_zone="Europe/Berlin", days=("MO", "FR")),
            ),
            stage=LEGAL,
            comment="content leaves the house",
        ),
    ),
    freezes=(
        Freeze(
            name="Quarter's end",
            starts="2026-03-28T00:00",
            ends="2026-04-02T00:00",
            time_zone="Europe/Berlin",
            effect="no_access",
        ),
    ),
    break_glass=BreakGlass(allowed=True, duration=timedelta(minutes=30)),
)

FACTS_BY_ACTOR: list[tuple[str, Fact]] = [
    (ERIN, RequestCreated(**TERMS.within(request_id=REQUEST_ID, requester=ERIN, created_at=MORNING))),
    (
        "approval_service",
        StageOpened(
            **TERMS.within(
                request_id=REQUEST_ID,
                requester=ERIN,
                created_at=MORNING,
                expires_at=MORNING + timedelta(hours=12),
                stage=Side.CUSTOMER,
                quorum=2,
                policy_version=3,
                name="Legal and security",
                number=2,
                groups=GROUPS,
            )
        ),
    ),
    (
        ALICE,
        DecisionRecorded(
            **REQUEST,
            stage=Side.CUSTOMER,
            approver=ALICE,
            decision="approve",
            comment="Fine.",
            stage_number=2,
            counts_for=("Legal",),
            changes=Changes(duration=timedelta(hours=1), actions=("read",)),
            request_digest=DIGEST,
        ),
    ),
    (ALICE, RequestApproved(**OUTCOME, approval_required=True)),
    (VICTOR, RequestDenied(**OUTCOME, denied_by=VICTOR, comment="")),
    (ERIN, RequestCancelled(**OUTCOME, comment="Solved.")),
    ("approval_service", RequestExpired(**OUTCOME)),
    (
        ALICE,
        AccessGranted(
            **GRANT,
            service_request="SR-359423",
            reason_code="CUSTOMER_INITIATED_SUPPORT",
            justification=TERMS.justification,
            resources=TERMS.resources,
            actions=TERMS.actions,
            starts_at=MORNING + timedelta(hours=2),
            ends_at=MORNING + timedelta(hours=3, minutes=30),
            approval_required=True,
        ),
    ),
    ("approval_service", GrantActivated(**GRANT)),
    (CAROL, GrantRevoked(**GRANT, comment="Enough.")),
    ("approval_service", GrantExpired(**GRANT)),
    (
        CAROL,
        earlier.PolicyChanged(
            tenant="contoso",
            version=4,
            require_approval=False,
            request_lifetime=timedelta(hours=12),
            maximum_duration=timedelta(hours=4),
            customer_quorum=1,
            comment_on_denial=True,
            service_request_pattern="SR-######",
        ),
    ),
    (POINT, AccessAllowed(**ATTEMPT, grant_id=GRANT_ID, request_id=REQUEST_ID, engineer=ERIN, reason="granted")),
    (POINT, AccessDenied(**ATTEMPT, grant_id=None, request_id=None, engineer=None, reason="no_grant")),
    ("notify_service", AlertSent(**ALERT, message_id=f"<{ALERT_ID}@lockbox.invalid>")),
    ("notify_service", AlertFailed(**ALERT, error="mail_server_unavailable: connection refused", attempts=7)),
    ("portal_service", MemberAdded(tenant="contoso", email=CAROL, roles=("customer_admin", "customer_approver"))),
    ("portal_service", MemberChanged(tenant=None, email=VICTOR, roles=("vendor_approver",))),
    ("portal_service", MemberRemoved(tenant="contoso", email=CAROL)),
    (CAROL, SignedIn(tenant="contoso", email=CAROL, source_address="198.51.100.7")),
    ("mallory@evil.example", SignInFailed(tenant=None, email="mallory@evil.example", source_address="2001:db8::7")),
    ("portal_service", ApiTokenCreated(tenant=None, email=POINT, tenants=("contoso", "fabrikam"))),
    *(
        (OTTO, kind(**PARKED, queue=f"{source}.on_event.v1"))
        for by_source in BY_SOURCE.values()
        for source, kind in by_source.items()
    ),
    (ERIN, GrantCompleted(**GRANT, comment="Solved.")),
    (CAROL, PolicyChanged(tenant="contoso", version=5, proposed_by=ADA, **POLICY.settings())),
    (ADA, PolicyChangeProposed(tenant="contoso", version=4, digest=DIGEST, settings=POLICY)),
    (CAROL, PolicyChangeRejected(tenant="contoso", version=4, digest=DIGEST, comment="Not in the quarter.")),
    (
        "approval_service",
        RequestEvaluated(
            **OUTCOME,
            created_at=MORNING,
            expires_at=MORNING + timedelta(hours=12),
            outcome="decide",
            why=("the rule 'Exports' adds the stage 'Legal and security': content leaves the house",),
            rule="Exports",
            stages=(*DEFAULT_STAGES, LEGAL),
            limits=Limits(
                policy_version=5,
                comment_on_denial=True,
                maximum_total=timedelta(hours=8),
                frozen=POLICY.freezes,
                break_glass=POLICY.break_glass,
            ),
            excerpt=PolicyExcerpt(
                arrived_at=MORNING,
                require_approval=True,
                audit_only=False,
                stages=DEFAULT_STAGES,
                rules=POLICY.rules,
                freezes=POLICY.freezes,
            ),
        ),
    ),
    (ALICE, InfoRequested(**OUTCOME, approver=ALICE, question="Which index?")),
    (ERIN, InfoProvided(**REQUEST, requester=ERIN, number=1, answer="The first.")),
    ("approval_service", ReviewResumed(**OUTCOME, stage=Side.CUSTOMER, groups=GROUPS, answer="The first.")),
    (ERIN, ExtensionRequested(**GRANT, number=1, duration=timedelta(hours=1), justification="It is larger.")),
    (
        ALICE,
        ExtensionDecided(
            **GRANT, number=1, outcome="approve", ends_at=MORNING + timedelta(hours=4, minutes=30), comment="Go on."
        ),
    ),
    (VICTOR, BreakGlassRequested(**OUTCOME, approver=VICTOR, comment="Everything is down.")),
    (
        VINCE,
        BreakGlassUsed(
            **TERMS.within(
                request_id=REQUEST_ID,
                requester=ERIN,
                grant_id=GRANT_ID,
                approvers=(VICTOR, VINCE),
                comments=("Everything is down.", "I agree."),
                ends_at=MORNING + timedelta(hours=1),
            )
        ),
    ),
    (CAROL, BreakGlassAcknowledged(**OUTCOME, comment="We saw it.")),
    ("approval_service", SigningKeyCreated(kid=KID, x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
    (OTTO, SigningKeyRetired(kid=KID)),
    (OTTO, SigningKeyRevoked(kid=KID, comment="A disk was lost.")),
    (ERIN, GrantBound(**GRANT, to="key", thumbprint=KID)),
    ("portal_service", ApiTokenChanged(tenant=None, email=POINT, tenants=("*",))),
    (
        VICTOR,
        ExtendedWithoutCustomer(
            **GRANT,
            service_request=OUTCOME["service_request"],
            number=1,
            duration=timedelta(minutes=30),
            justification="It is larger.",
            resources=("logs/app",),
            actions=("read",),
            ends_at=MORNING + timedelta(hours=1),
        ),
    ),
    (
        VICTOR,
        StagesAdded(
            **OUTCOME,
            why=(
                "the rule 'Diagnostics' gives the customer's consent beforehand",
                "but not in a freeze",
            ),
            stages=(LEGAL,),
            extension=1,
        ),
    ),
    (
        POINT,
        AccessDisputed(
            **ATTEMPT,
            claimed_tenant="contoso",
            grant_id=GRANT_ID,
            request_id=REQUEST_ID,
            engineer=ERIN,
            code="grant_expired",
        ),
    ),
]


def examples() -> Iterator[tuple[str, Event, Fact]]:
    """The name of each golden file, the event in it, and its fact."""
    for sequence, (actor, fact) in enumerate(FACTS_BY_ACTOR, start=1):
        is_caused = actor.endswith("_service")
        event = Event(
            id=event_id(fact.source, f"golden/{fact.subject}", sequence, fact.type),
            source=fact.source,
            type=fact.type,
            time=MORNING,
            subject=fact.subject,
            data=wire.encode(fact),
            tenant=fact.tenant,
            actor=actor,
            sequence=sequence,
            dataversion=fact.dataversion,
            correlationid=CORRELATION_ID,
            causationid=CAUSATION_ID if is_caused else None,
        )
        yield file_name(type(fact)), event, fact


def file_name(kind: type[Fact]) -> str:
    """The golden file of a type in one version."""
    return f"{kind.source}.{kind.type}.v{kind.dataversion}.json"
