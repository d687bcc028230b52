"""Who must not miss what: the queues that have to be there, and bound, before an event is published.

The broker keeps an event for the queues that are bound when it comes, and for no others. A publisher therefore waits
until every service that has to act on its events has made its queue, be it on a new broker or on a wiped one.
"""

from collections.abc import Iterator, Mapping

from lockbox.contracts.approval import (
    AccessGranted,
    DecisionRecorded,
    GrantActivated,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
    PolicyChanged,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestExpired,
    StageOpened,
)
from lockbox.contracts.events import Fact
from lockbox.contracts.notify import AlertFailed, AlertSent
from lockbox.contracts.portal import MemberAdded, MemberChanged, MemberRemoved
from lockbox.contracts.request import RequestCreated

SOURCES = ("request_service", "approval_service", "notify_service", "audit_service", "portal_service")
INTAKE_QUEUE = "audit_service.on_event.v1"
LISTENERS: Mapping[str, tuple[type[Fact], ...]] = {
    "approval_service.on_member_added.v1": (MemberAdded,),
    "approval_service.on_request_created.v1": (RequestCreated,),
    "notify_service.on_member.v1": (MemberAdded, MemberChanged, MemberRemoved),
    "notify_service.on_news.v1": (
        StageOpened,
        AccessGranted,
        RequestApproved,
        RequestDenied,
        RequestExpired,
        GrantRevoked,
    ),
    "request_service.on_policy_changed.v1": (PolicyChanged,),
    "request_service.on_progress.v1": (
        RequestCreated,
        StageOpened,
        DecisionRecorded,
        RequestApproved,
        RequestDenied,
        RequestCancelled,
        RequestExpired,
        AccessGranted,
        GrantActivated,
        GrantCompleted,
        GrantRevoked,
        GrantExpired,
        AlertSent,
        AlertFailed,
    ),
}


def bindings(source: str) -> Iterator[tuple[str, str]]:
    """The queues that must have a source's events, each with the routing keys that it wants them by."""
    yield INTAKE_QUEUE, "#"
    for queue, kinds in LISTENERS.items():
        yield from ((queue, kind.type) for kind in kinds if kind.source == source)
