"""The queues that must exist, and be bound, before an event is published.

The broker keeps an event for the queues that are bound when it comes, and for no others. A publisher therefore waits
until every service that has to act on its events has made its queue, be it on a new broker or on a wiped one.
"""

from collections.abc import Iterator, Mapping

from lockbox.contracts import earlier  # noqa: F401 - whoever listens can read events of earlier versions
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
from lockbox.contracts.calls import APPROVAL, AUDIT, NOTIFY, PORTAL, REQUEST
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
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.contracts.policy.facts import PolicyChanged, PolicyChangeProposed
from lockbox.contracts.request.facts import InfoProvided, RequestCreated

SOURCES = (REQUEST, APPROVAL, NOTIFY, AUDIT, PORTAL)
INTAKE_QUEUE = "audit_service.on_event.v1"
MEMBERS = (MemberAdded, MemberChanged, MemberRemoved)
LISTENERS: Mapping[str, tuple[type[Fact], ...]] = {
    "approval_service.on_member.v1": MEMBERS,
    "approval_service.on_request_created.v1": (RequestCreated,),
    "approval_service.on_info_provided.v1": (InfoProvided,),
    "notify_service.on_member.v1": MEMBERS,
    "notify_service.on_news.v1": (
        StageOpened,
        InfoRequested,
        ReviewResumed,
        AccessGranted,
        RequestApproved,
        RequestDenied,
        RequestExpired,
        GrantRevoked,
        ExtensionDecided,
        ExtendedWithoutCustomer,
        BreakGlassRequested,
        BreakGlassUsed,
        PolicyChangeProposed,
    ),
    "request_service.on_policy_changed.v1": (PolicyChanged,),
    "request_service.on_progress.v1": (
        RequestEvaluated,
        StagesAdded,
        StageOpened,
        DecisionRecorded,
        InfoRequested,
        InfoProvided,
        ReviewResumed,
        RequestApproved,
        RequestDenied,
        RequestCancelled,
        RequestExpired,
        AccessGranted,
        GrantActivated,
        GrantBound,
        GrantCompleted,
        GrantRevoked,
        GrantExpired,
        ExtensionRequested,
        ExtensionDecided,
        ExtendedWithoutCustomer,
        BreakGlassRequested,
        BreakGlassUsed,
        BreakGlassAcknowledged,
        AlertSent,
        AlertFailed,
    ),
}


def bindings(source: str) -> Iterator[tuple[str, str]]:
    """Yield the queues that need a source's events, each with a routing key to bind it by."""
    yield INTAKE_QUEUE, "#"
    for queue, kinds in LISTENERS.items():
        yield from ((queue, kind.type) for kind in kinds if kind.source == source)


def listening_to(event_type: str) -> tuple[str, ...]:
    """Return the queues that need events of a type, besides the audit's intake."""
    return tuple(queue for queue, kinds in LISTENERS.items() if event_type in {kind.type for kind in kinds})


def queues_of(service: str) -> tuple[str, ...]:
    """Return the queues of a service that must not miss an event, besides the audit's intake."""
    return tuple(queue for queue in LISTENERS if queue.startswith(f"{service}."))
