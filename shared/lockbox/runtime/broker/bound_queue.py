"""A queue with its bindings, as a service declares it."""

from dataclasses import dataclass

from kombu import Connection, Exchange, Queue

from lockbox.runtime.broker.topology import Binding, ensure_exchange


@dataclass(frozen=True)
class BoundQueue:
    """A queue and its bindings, each an exchange and a routing key."""

    queue: Queue
    bindings: tuple[tuple[Exchange, str], ...]

    @property
    def bound(self) -> frozenset[Binding]:
        """The bindings by name."""
        return frozenset((self.queue.name, exchange.name, key) for exchange, key in self.bindings)

    def declare(self, connection: Connection) -> None:
        """Declare the queue and bind it."""
        for exchange, _ in self.bindings:
            ensure_exchange(connection, exchange)
        with connection.channel() as channel:
            self.queue(channel).queue_declare()
            for binding in self.bound:
                channel.queue_bind(*binding)
