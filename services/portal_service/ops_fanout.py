"""The fan-out of operators' messages: to the service that owns a queue, or to all services.

The portal answers for itself without a call: a service that calls itself can wait for its own workers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from lockbox.contracts.calls import Call
from lockbox.contracts.identity import Caller
from lockbox.contracts.listeners import SOURCES
from lockbox.contracts.ops import OutboxView, ParkedCount, ParkedList, ParkedMessage, TopologyItem, TopologyView
from lockbox.errors import LockboxError, NotFound
from portal_service.usecases import SERVICE, Services

OTHERS = tuple(source for source in SOURCES if source != SERVICE)

R = TypeVar("R")
Answers = Mapping[str, R | LockboxError]


class Operations(Protocol):
    """The operations of the portal for its own queues and outbox."""

    def answer(self, caller: Caller, message: Call[R]) -> R: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A service that did not answer, with the reason."""

    service: str
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class ParkedOverview:
    """The parked messages of all services; `silent` lists the services that did not answer."""

    queues: tuple[ParkedCount, ...]
    items: tuple[ParkedMessage, ...]
    silent: tuple[Silence, ...]


@dataclass(frozen=True, kw_only=True)
class ServiceOutbox(OutboxView):
    """The outbox of a service."""

    service: str


@dataclass(frozen=True, kw_only=True)
class OutboxOverview:
    """The outboxes of all services; `silent` lists the services that did not answer."""

    items: tuple[ServiceOutbox, ...]
    silent: tuple[Silence, ...]


@dataclass(frozen=True, kw_only=True)
class ServiceTopologyItem(TopologyItem):
    """A queue or an exchange, and the service that needs it."""

    service: str


@dataclass(frozen=True, kw_only=True)
class TopologyOverview:
    """The queues and exchanges of all services; `silent` lists the services that did not answer."""

    items: tuple[ServiceTopologyItem, ...]
    silent: tuple[Silence, ...]


def ask(services: Services, own: Operations, caller: Caller, message: Call[R], service: str) -> R:
    """Send a message to one service."""
    message.require_role(caller)
    return own.answer(caller, message) if service == SERVICE else services.call(caller, message, service)


def ask_all(services: Services, own: Operations, caller: Caller, message: Call[R]) -> Answers[R]:
    """Send a message to every service; a service that does not answer does not stop the others."""
    message.require_role(caller)
    answers: dict[str, R | LockboxError] = services.call_each(caller, message, OTHERS)
    try:
        answers[SERVICE] = own.answer(caller, message)
    except LockboxError as error:
        answers[SERVICE] = error
    return answers


def owner_of(queue: str) -> str:
    """Return the service that a queue is named after; raise `NotFound` for any other name."""
    service = queue.partition(".")[0]
    if service not in SOURCES:
        raise NotFound("queue_not_found", f"no service reads a queue {queue[:200]!r}")
    return service


def parked_overview(answers: Answers[ParkedList], limit: int) -> ParkedOverview:
    """Merge the lists of parked messages."""
    lists = _answered(answers).values()
    items = [item for one in lists for item in one.items]
    return ParkedOverview(
        queues=tuple(queue for one in lists for queue in one.queues),
        items=tuple(items[:limit]),
        silent=_silent(answers),
    )


def outbox_overview(answers: Answers[OutboxView]) -> OutboxOverview:
    """Merge the states of the outboxes."""
    items = tuple(ServiceOutbox(service=service, **vars(one)) for service, one in _answered(answers).items())
    return OutboxOverview(items=items, silent=_silent(answers))


def topology_overview(answers: Answers[TopologyView]) -> TopologyOverview:
    """Merge the states of the broker."""
    items = tuple(
        ServiceTopologyItem(service=service, **vars(item))
        for service, one in _answered(answers).items()
        for item in one.items
    )
    return TopologyOverview(items=items, silent=_silent(answers))


def _answered(answers: Answers[R]) -> dict[str, R]:
    return {service: one for service, one in sorted(answers.items()) if not isinstance(one, LockboxError)}


def _silent(answers: Answers[R]) -> tuple[Silence, ...]:
    return tuple(
        Silence(service=service, code=one.code, detail=one.message)
        for service, one in sorted(answers.items())
        if isinstance(one, LockboxError)
    )
