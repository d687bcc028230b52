"""The operator's commands in every service: read, replay and drop parked messages, see the outbox, check the broker.

Whatever is done is on record first: the event stands in an outbox before a message is shown, replayed or dropped. A
crash in between leaves the message parked; done again by the same operator, it is done, and on record once.
"""

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar, cast

from pymongo.database import Database

from lockbox import clock
from lockbox.contracts import wire
from lockbox.contracts.acts import Act
from lockbox.contracts.calls import Call
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller
from lockbox.contracts.ops import (
    CheckTopology,
    DropParked,
    GetOutbox,
    ListParked,
    OutboxView,
    ParkedContent,
    ParkedCount,
    ParkedList,
    ParkedMessage,
    ParkedMessageDropped,
    ParkedMessageFact,
    ParkedMessageRead,
    ParkedMessageReplayed,
    ParkedResult,
    ReadParked,
    ReplayParked,
    TopologyView,
)
from lockbox.errors import NotFound, Unavailable
from lockbox.ids import new_id
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import Message, PublishError
from lockbox.runtime.broker.redelivery import ORIGIN_HEADER, REPLAYED_HEADER, CopyPublisher
from lockbox.runtime.broker.topology import SubscriptionTopology, redeliver_exchange
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.host.stores import Store
from lockbox.runtime.ops.inspection import inspect
from lockbox.runtime.ops.parked import ParkedDelivery, ParkedQueue, count_parked, open_parked_queue
from lockbox.runtime.rpc.server import command
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import Document

AT_ONCE = 100
BODY_SHOWN = 64 * 1024

R = TypeVar("R")


class OperationStore(Aggregates[ParkedMessage, ParkedMessage]):
    """The acts of operators: a document for each act on a parked message."""

    name = "operations"
    noun = "operation"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, ParkedMessage, ParkedMessage)


class OperatorCommands(Store):
    """The operator's commands on one service: its queues, parked messages and outbox."""

    copies = CopyPublisher()
    queue_consumer = RawQueueConsumer()

    def __init__(self) -> None:
        super().__init__(OperationStore)

    def get_dependency(self, worker_ctx: object) -> "OperatorCommands":
        """Return the commands themselves."""
        return self

    def answer(self, caller: Caller, message: Call[R]) -> R:
        """Run the command of an operator."""
        message.require_role(caller)
        return cast(R, getattr(self, message.method)(caller, message))

    def list_parked(self, _caller: Caller, query: ListParked) -> ParkedList:
        """Return the parked messages of one queue or all, without their bodies."""
        queues = self._read() if query.queue is None else [self._one(query.queue)]
        counts = tuple(ParkedCount(queue=each.name, parked=count_parked(self._uri, each)) for each in queues)
        items: list[ParkedMessage] = []
        for topology, found in zip(queues, counts, strict=True):
            if found.parked and len(items) < query.limit:
                with open_parked_queue(self._uri, topology) as opened:
                    items += [delivery.message for delivery in islice(opened.deliveries(), query.limit - len(items))]
        return ParkedList(queues=counts, items=tuple(items))

    def read_parked(self, caller: Caller, message: ReadParked) -> ParkedContent:
        """Return one parked message with its body; each read is on record."""
        with open_parked_queue(self._uri, self._one(message.queue)) as opened:
            delivery = opened.find(message.parked_id)
            if delivery is None:
                raise _not_parked(message.queue, message.parked_id)
            self._record(ParkedMessageRead, caller, delivery.message, new_id())
        described = wire.named(ParkedMessage, delivery.message)
        shown = delivery.body[:BODY_SHOWN].decode(errors="replace")
        return ParkedContent(**described, body=shown, truncated=len(delivery.body) > BODY_SHOWN)

    def replay_parked(self, caller: Caller, message: ReplayParked) -> ParkedResult:
        """Replay parked messages: a copy is safe in their queue before the parked one is removed."""
        return self._finish(ParkedMessageReplayed, caller, message)

    def drop_parked(self, caller: Caller, message: DropParked) -> ParkedResult:
        """Drop parked messages."""
        return self._finish(ParkedMessageDropped, caller, message)

    def get_outbox(self, _caller: Caller, _message: GetOutbox) -> OutboxView:
        """Return the state of the outbox."""
        outbox = self.relay.outbox()
        oldest = outbox.oldest()
        age = None if oldest is None else max(0, int((clock.now() - oldest).total_seconds()))
        return OutboxView(waiting=outbox.waiting(), oldest_seconds=age, published=outbox.published())

    def check_topology(self, _caller: Caller, _message: CheckTopology) -> TopologyView:
        """Compare the required topology with the one on the broker."""
        return inspect(self._uri, self.container.service_name, self.queue_consumer.providers)

    @property
    def _uri(self) -> str:
        return str(self.container.config["AMQP_URI"])

    def _read(self) -> list[SubscriptionTopology]:
        own = [each.topology for each in self.queue_consumer.providers if each.topology is not None]
        return sorted(own, key=lambda topology: topology.name)

    def _one(self, queue: str) -> SubscriptionTopology:
        for topology in self._read():
            if topology.name == queue:
                return topology
        raise NotFound("queue_not_found", f"{self.container.service_name} reads no queue {queue[:200]!r}")

    def _finish(
        self, kind: type[ParkedMessageFact], caller: Caller, message: ReplayParked | DropParked
    ) -> ParkedResult:
        topology = self._one(message.queue)
        done: list[ParkedMessage] = []
        with open_parked_queue(self._uri, topology) as opened:
            for delivery in _chosen(opened, message.parked_id):
                self._record(kind, caller, delivery.message, caller.email)
                if kind is ParkedMessageReplayed:
                    self._put_back(delivery, topology)
                opened.acknowledge(delivery)
                done.append(delivery.message)
            left = opened.count - len(done)
        if not done and message.parked_id is not None:
            done.append(self._done_before(kind, caller, message.queue, message.parked_id))
        return ParkedResult(items=tuple(done), left=left)

    def _done_before(self, kind: type[ParkedMessageFact], caller: Caller, queue: str, parked_id: str) -> ParkedMessage:
        """Return the message that the same command has handled before; raise `NotFound` if there is none."""
        known = self.store.find(_key(kind, parked_id, caller.email))
        if known is None:
            raise _not_parked(queue, parked_id)
        return cast(ParkedMessage, known)

    def _record(self, kind: type[ParkedMessageFact], caller: Caller, about: ParkedMessage, once_for: str) -> None:
        """Put an act on record, once for each `once_for`: a repeated command of the same operator is the same act."""
        fact = about.fact(kind, self.container.service_name)
        key = _key(kind, about.parked_id, once_for)
        self.store.create(key, Changed(about, (fact,)), Act(caller.cause(), clock.now()))

    def _put_back(self, delivery: ParkedDelivery, topology: SubscriptionTopology) -> None:
        """Publish a copy with a fresh count of attempts and the same origin: a foreign event stays foreign."""
        copy = Message(
            id=delivery.message_id,
            exchange=redeliver_exchange(topology.consumer).name,
            routing_key=topology.name,
            body=delivery.body,
            headers={ORIGIN_HEADER: delivery.message.origin, REPLAYED_HEADER: delivery.message.parked_id},
        )
        try:
            self.copies.publish(copy)
        except PublishError as error:
            raise Unavailable("copy_refused", f"{delivery.message.parked_id} stays parked: {error}") from error


def _chosen(opened: ParkedQueue, parked_id: str | None) -> Iterable[ParkedDelivery]:
    """Return one message or many; of many, each is released before the next is fetched, for one can be large."""
    if parked_id is None:
        return islice(opened.deliveries(), AT_ONCE)
    found = opened.find(parked_id)
    return [] if found is None else [found]


def _not_parked(queue: str, parked_id: str) -> NotFound:
    return NotFound("parked_message_not_found", f"{queue} has no parked message {parked_id}")


def _key(kind: type[ParkedMessageFact], parked_id: str, once_for: str) -> str:
    return f"{kind.type}/{parked_id}/{once_for}"


class OperatedService:
    """A service with the entrypoints for operators.

    A service imports the module and not the class: `nameko run` takes every class with entrypoints in a service's
    module for a service.
    """

    operations = OperatorCommands()

    @command(ListParked)
    def list_parked(self, caller: Caller, message: ListParked) -> ParkedList:
        """List parked messages."""
        return self.operations.answer(caller, message)

    @command(ReadParked)
    def read_parked(self, caller: Caller, message: ReadParked) -> ParkedContent:
        """Read a parked message."""
        return self.operations.answer(caller, message)

    @command(ReplayParked)
    def replay_parked(self, caller: Caller, message: ReplayParked) -> ParkedResult:
        """Replay parked messages."""
        return self.operations.answer(caller, message)

    @command(DropParked)
    def drop_parked(self, caller: Caller, message: DropParked) -> ParkedResult:
        """Drop parked messages."""
        return self.operations.answer(caller, message)

    @command(GetOutbox)
    def get_outbox(self, caller: Caller, message: GetOutbox) -> OutboxView:
        """Read the state of the outbox."""
        return self.operations.answer(caller, message)

    @command(CheckTopology)
    def check_topology(self, caller: Caller, message: CheckTopology) -> TopologyView:
        """Compare the required topology with the one on the broker."""
        return self.operations.answer(caller, message)
