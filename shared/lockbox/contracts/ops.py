"""What an operator asks of every service, and the facts that tell of it.

Each message here is answered by each service about its own queues and outbox. The facts have the same form whoever
publishes them, and so there is one of each kind for each source; they concern the vendor and no tenant.
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
    """What the facts about a parked message have in common; `sha256` is that of its body."""

    tenant: TenantName | None = None
    queue: str
    parked_id: Uuid
    event_id: Uuid | None
    event_type: str | None
    reason: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ParkedMessageRead(ParkedMessageFact, abstract=True):
    """An operator looked into a parked message."""


@dataclass(frozen=True, kw_only=True)
class ParkedMessageReplayed(ParkedMessageFact, abstract=True):
    """An operator had a parked message handled again."""


@dataclass(frozen=True, kw_only=True)
class ParkedMessageDropped(ParkedMessageFact, abstract=True):
    """An operator gave a parked message up."""


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

    `queue` is the one that it could not be handled from, `origin` the exchange that it first came by, `attempt` how
    often it was tried. What the message itself does not tell is null.
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
        """The fact of this kind about this message."""
        told: dict[str, Any] = {
            name: getattr(self, name) for name in ("queue", "parked_id", "event_id", "event_type", "reason", "sha256")
        }
        return BY_SOURCE[kind][source](**told)


@dataclass(frozen=True, kw_only=True)
class ParkedCount:
    """How many messages of a queue are parked."""

    queue: str
    parked: int


@dataclass(frozen=True, kw_only=True)
class ParkedList:
    """How many messages of each queue are parked, and the first of them."""

    queues: tuple[ParkedCount, ...]
    items: tuple[ParkedMessage, ...]


@dataclass(frozen=True, kw_only=True)
class ParkedContent(ParkedMessage):
    """A parked message with its body as text; `truncated` says whether there is more of it."""

    body: str
    truncated: bool


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What was replayed or dropped, and how many messages that were parked when it began are still to do."""

    items: tuple[ParkedMessage, ...]
    left: int


@dataclass(frozen=True, kw_only=True)
class OutboxView:
    """Documents with events that the broker does not have, the age of the oldest, and how many events it has had."""

    waiting: int
    oldest_seconds: int | None
    published: int


@dataclass(frozen=True, kw_only=True)
class TopologyItem:
    """A queue or an exchange that should be there, and what is wrong with it, if anything."""

    kind: str
    name: str
    fault: str | None = None
    messages: int | None = None
    consumers: int | None = None


@dataclass(frozen=True, kw_only=True)
class TopologyView:
    """Everything on the broker that a service needs."""

    items: tuple[TopologyItem, ...]


# --- calls ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ParkedQuery:
    """Of one queue or of all; at most `limit` messages of each service."""

    queue: str | None = None
    limit: int = field(
        default=50,
        metadata={"validate": rules.Bounds(1, MOST_LISTED)},
    )


@dataclass(frozen=True, kw_only=True)
class ListParked(ParkedQuery, Call[ParkedList], service=EVERY, rest="GET /ops/parked", roles=(Role.OPERATOR,)):
    """The messages that are parked, without their bodies, the oldest first."""


@dataclass(frozen=True, kw_only=True)
class ReadParked(
    Call[ParkedContent], service=EVERY, rest="GET /ops/parked/{queue}/{parked_id}", roles=(Role.OPERATOR,)
):
    """Look into a parked message. It stays parked, and that it was read is on record."""

    queue: str
    parked_id: Uuid


@dataclass(frozen=True, kw_only=True)
class ReplayParked(
    Call[Settled],
    service=EVERY,
    rest=("POST /ops/parked/{queue}/replay", "POST /ops/parked/{queue}/{parked_id}/replay"),
    roles=(Role.OPERATOR,),
):
    """Have a parked message handled again, or all of a queue, a part at a time."""

    queue: str
    parked_id: Uuid | None = None


@dataclass(frozen=True, kw_only=True)
class DropParked(
    Call[Settled],
    service=EVERY,
    rest=("DELETE /ops/parked/{queue}", "DELETE /ops/parked/{queue}/{parked_id}"),
    roles=(Role.OPERATOR,),
):
    """Give a parked message up, or all of a queue, a part at a time."""

    queue: str
    parked_id: Uuid | None = None


@dataclass(frozen=True, kw_only=True)
class GetOutbox(Call[OutboxView], service=EVERY, rest="GET /ops/outbox", roles=(Role.OPERATOR,)):
    """What waits to be published."""


@dataclass(frozen=True, kw_only=True)
class CheckTopology(Call[TopologyView], service=EVERY, rest="GET /ops/topology", roles=(Role.OPERATOR,)):
    """Compare what should be on the broker with what is there. Bindings can't be seen, so they are made anew."""
