"""What operators ask of services through the portal: of the one that owns a queue, or of all of them.

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
    """The portal's own side of it."""

    def answer(self, caller: Caller, message: Call[R]) -> R: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A service that did not answer, and why."""

    service: str
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class ParkedOverview:
    """How many messages of each queue are parked, and the first of them; `silent` names who did not answer."""

    queues: tuple[ParkedCount, ...]
    items: tuple[ParkedMessage, ...]
    silent: tuple[Silence, ...]


@dataclass(frozen=True, kw_only=True)
class ServiceOutbox(OutboxView):
    """The outbox of a service."""

    service: str


@dataclass(frozen=True, kw_only=True)
class OutboxOverview:
    """The outboxes of all services; `silent` names who did not answer."""

    items: tuple[ServiceOutbox, ...]
    silent: tuple[Silence, ...]


@dataclass(frozen=True, kw_only=True)
class ServiceTopologyItem(TopologyItem):
    """What a service needs on the broker."""

    service: str


@dataclass(frozen=True, kw_only=True)
class TopologyOverview:
    """What all services need on the broker; `silent` names who did not answer."""

    items: tuple[ServiceTopologyItem, ...]
    silent: tuple[Silence, ...]


def ask(services: Services, own: Operations, caller: Caller, message: Call[R], service: str) -> R:
    """Ask one service."""
    message.require_role(caller)
    return own.answer(caller, message) if service == SERVICE else services.call(caller, message, service)


def ask_all(services: Services, own: Operations, caller: Caller, message: Call[R]) -> Answers[R]:
    """Ask every service, also when some of them do not answer."""
    message.require_role(caller)
    answers: dict[str, R | LockboxError] = services.call_each(caller, message, OTHERS)
    try:
        answers[SERVICE] = own.answer(caller, message)
    except LockboxError as error:
        answers[SERVICE] = error
    return answers


def owner_of(queue: str) -> str:
    """The service that a queue is named after; raises `NotFound`."""
    service = queue.partition(".")[0]
    if service not in SOURCES:
        raise NotFound("queue_not_found", f"no service reads a queue {queue[:200]!r}")
    return service


def parked_overview(answers: Answers[ParkedList], limit: int) -> ParkedOverview:
    """The answers of all services as one."""
    told = _told(answers).values()
    items = [item for one in told for item in one.items]
    return ParkedOverview(
        queues=tuple(queue for one in told for queue in one.queues), items=tuple(items[:limit]), silent=_silent(answers)
    )


def outbox_overview(answers: Answers[OutboxView]) -> OutboxOverview:
    """The answers of all services as one."""
    items = tuple(ServiceOutbox(service=service, **vars(one)) for service, one in _told(answers).items())
    return OutboxOverview(items=items, silent=_silent(answers))


def topology_overview(answers: Answers[TopologyView]) -> TopologyOverview:
    """The answers of all services as one."""
    items = tuple(
        ServiceTopologyItem(service=service, **vars(item))
        for service, one in _told(answers).items()
        for item in one.items
    )
    return TopologyOverview(items=items, silent=_silent(answers))


def _told(answers: Answers[R]) -> dict[str, R]:
    return {service: one for service, one in sorted(answers.items()) if not isinstance(one, LockboxError)}


def _silent(answers: Answers[R]) -> tuple[Silence, ...]:
    return tuple(
        Silence(service=service, code=one.code, detail=one.message)
        for service, one in sorted(answers.items())
        if isinstance(one, LockboxError)
    )
