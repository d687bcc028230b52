"""Operations for operators, and the facts about them.

Each service answers each operation for its own queues and outbox. The facts have the same form from every service, so
there is one class of each kind for each source; they concern the vendor and no tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import new_class
from typing import Any

from lockbox.contracts import rules
from lockbox.contracts.calls import EVERY, Call
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import TenantName, Timestamp, Uuid
from lockbox.contracts.identity import Role
from lockbox.contracts.listeners import SOURCES

MOST_LISTED = 200


# --- facts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ParkedMessageFact(Fact, subject="parked_id", abstract=True):
    """The common fields of the facts about a parked message; `sha256` is that of its body."""

    tenant: TenantName | None = None
    queue: str
    parked_id: Uuid
    event_id: Uuid | None
    event_type: str | None
    reason: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ParkedMessageRead(ParkedMessageFact, abstract=True):
    """An operator read a parked message."""


@dataclass(frozen=True, kw_only=True)
class ParkedMessageReplayed(ParkedMessageFact, abstract=True):
    """An operator replayed a parked message."""


@dataclass(frozen=True, kw_only=True)
class ParkedMessageDropped(ParkedMessageFact, abstract=True):
    """An operator dropped a parked message."""


def _of_every_source(kind: type[ParkedMessageFact]) -> Mapping[str, type[ParkedMessageFact]]:
    named = {"__module__": kind.__module__, "__doc__": kind.__doc__}
    return {
        source: new_class(kind.__name__, (kind,), {"source": source}, lambda body: body.update(named))
        for source in SOURCES
    }


BY_SOURCE: Mapping[type[ParkedMessageFact], Mapping[str, type[ParkedMessageFact]]] = {
    kind: _of_every_source(kind) for kind in (ParkedMessageRead, ParkedMessageReplayed, ParkedMessageDropped)
}


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ParkedMessage:
    """A parked message without its body.

    `queue` is the queue that it was parked from, `origin` the exchange that it was first published to, `attempt` the
    number of attempts. Fields that the message itself does not carry are null.
    """

    queue: str
    parked_id: Uuid
    parked_at: Timestamp | None
    reason: str
    attempt: int
    origin: str
    event_id: Uuid | None
    event_type: str | None
    size: int
    sha256: str

    def fact(self, kind: type[ParkedMessageFact], source: str) -> ParkedMessageFact:
        """Return the fact of this kind about this message."""
        shared: dict[str, Any] = {
            name: getattr(self, name) for name in ("queue", "parked_id", "event_id", "event_type", "reason", "sha256")
        }
        return BY_SOURCE[kind][source](**shared)


@dataclass(frozen=True, kw_only=True)
class ParkedCount:
    """The number of parked messages of a queue."""

    queue: str
    parked: int


@dataclass(frozen=True, kw_only=True)
class ParkedList:
    """The number of parked messages of each queue, and the first of them."""

    queues: tuple[ParkedCount, ...]
    items: tuple[ParkedMessage, ...]


@dataclass(frozen=True, kw_only=True)
class ParkedContent(ParkedMessage):
    """A parked message with its body as text; `truncated` says whether there is more of it."""

    body: str
    truncated: bool


@dataclass(frozen=True, kw_only=True)
class ParkedResult:
    """The messages that were replayed or dropped; `left` counts those that were parked before and still are."""

    items: tuple[ParkedMessage, ...]
    left: int


@dataclass(frozen=True, kw_only=True)
class OutboxView:
    """The number of documents with unpublished events, the age of the oldest, and the number of published events."""

    waiting: int
    oldest_seconds: int | None
    published: int


@dataclass(frozen=True, kw_only=True)
class TopologyItem:
    """A queue or an exchange that a service needs, and its fault, if there is one."""

    kind: str
    name: str
    fault: str | None = None
    messages: int | None = None
    consumers: int | None = None


@dataclass(frozen=True, kw_only=True)
class TopologyView:
    """All queues and exchanges that a service needs."""

    items: tuple[TopologyItem, ...]


# --- calls ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ParkedQuery:
    """A selection of parked messages: of one queue or of all; at most `limit` messages of each service."""

    queue: str | None = None
    limit: int = field(
        default=50,
        metadata={"validate": rules.Bounds(1, MOST_LISTED)},
    )


@dataclass(frozen=True, kw_only=True)
class ListParked(ParkedQuery, Call[ParkedList], service=EVERY, rest="GET /ops/parked", roles=(Role.OPERATOR,)):
    """List the parked messages without their bodies, the oldest first."""


@dataclass(frozen=True, kw_only=True)
class ReadParked(
    Call[ParkedContent], service=EVERY, rest="GET /ops/parked/{queue}/{parked_id}", roles=(Role.OPERATOR,)
):
    """Read a parked message with its body; it stays parked, and the reading goes on record."""

    queue: str
    parked_id: Uuid


@dataclass(frozen=True, kw_only=True)
class ReplayParked(
    Call[ParkedResult],
    service=EVERY,
    rest=("POST /ops/parked/{queue}/replay", "POST /ops/parked/{queue}/{parked_id}/replay"),
    roles=(Role.OPERATOR,),
):
    """Replay a parked message, or the oldest hundred of a queue; the same command again changes nothing.

    `left` counts the messages of the queue that are still parked.
    """

    queue: str
    parked_id: Uuid | None = None


@dataclass(frozen=True, kw_only=True)
class DropParked(
    Call[ParkedResult],
    service=EVERY,
    rest=("DELETE /ops/parked/{queue}", "DELETE /ops/parked/{queue}/{parked_id}"),
    roles=(Role.OPERATOR,),
):
    """Drop a parked message, or the oldest hundred of a queue; the same command again changes nothing.

    `left` counts the messages of the queue that are still parked.
    """

    queue: str
    parked_id: Uuid | None = None


@dataclass(frozen=True, kw_only=True)
class GetOutbox(Call[OutboxView], service=EVERY, rest="GET /ops/outbox", roles=(Role.OPERATOR,)):
    """Read the state of the outbox of each service."""


@dataclass(frozen=True, kw_only=True)
class CheckTopology(Call[TopologyView], service=EVERY, rest="GET /ops/topology", roles=(Role.OPERATOR,)):
    """Compare the queues and exchanges that services need with those on the broker; make bindings again."""
