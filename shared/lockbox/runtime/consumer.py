"""The one AMQP consumer of a process: messages reach their provider as they came, undecoded.

Nameko's own consumer decodes first, and acknowledges and drops what does not decode; it shares one prefetch among all
queues; and it closes the connection under handlers that still run when the process stops. This one does none of that.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from amqp.exceptions import ConnectionError as ConnectionLost
from kombu import Connection, Consumer
from nameko.extensions import ProviderCollector
from nameko.messaging import QueueConsumer

from lockbox.runtime.connection import HEARTBEAT_SECONDS, abandon, bound, connection_to
from lockbox.runtime.publisher import LOST

NAP = 0.25


class RawQueueConsumer(QueueConsumer):
    """Gives each provider a channel of its own, its own prefetch, and its messages raw.

    A provider has `declare(connection)`, `queue`, the names of all its `queues`, `prefetch` and
    `handle_message(message)`; the latter must not raise, and must settle each message once through `ack` or `requeue`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._unsettled = 0

    @property
    def providers(self) -> tuple[Any, ...]:
        """Whose queues are read."""
        return tuple(self._providers)

    @property
    def attached(self) -> bool:
        """Whether every provider's queue is being read."""
        return bool(self._consumers) and self._consumers_ready.ready()

    @property
    def connection(self) -> Connection:
        """A hook of kombu: what every new connection is a copy of."""
        return connection_to(self.amqp_uri, HEARTBEAT_SECONDS)

    def get_consumers(self, _consumer_cls: Any, channel: Any) -> Any:
        """Kombu's hook: called after each (re)connection."""
        connection = channel.connection.client
        for provider in self._providers:
            provider.declare(connection)
            consumer = Consumer(
                connection.channel(),
                queues=[provider.queue],
                auto_declare=False,
                on_message=partial(self._hand_over, provider),
            )
            consumer.qos(prefetch_count=provider.prefetch)
            self._consumers[provider] = consumer
        return self._consumers.values()

    @contextmanager
    def establish_connection(self) -> Iterator[Any]:
        """A hook of kombu: try until the broker is there, often enough to be back soon after it is."""
        with self.connection as connection:
            connection.ensure_connection(
                self.on_connection_error,
                interval_start=0.5,
                interval_step=0.5,
                interval_max=3,
                reraise_as_library_errors=False,
            )
            bound(connection)
            try:
                yield connection
            except (ConnectionLost, OSError):
                abandon(connection)
                raise

    def on_connection_error(self, exc: Exception, interval: float) -> None:
        """A hook of kombu: while the broker is away nothing is in hand, so whoever wants to leave may."""
        super().on_connection_error(exc, interval)
        leaving = self._pending_remove_providers.copy()
        self._pending_remove_providers.clear()
        for provider, left in leaving.items():
            self._consumers.pop(provider, None)
            left.send()
        if leaving and not self._consumers:
            self.should_stop = True
            raise exc

    def unregister_provider(self, provider: Any) -> None:
        """Stop reading a provider's queue; before the first connection there is nothing to stop."""
        if self._consumers_ready.ready():
            super().unregister_provider(provider)
        else:
            ProviderCollector.unregister_provider(self, provider)

    def consume(self, limit: Any = None, timeout: Any = None, safety_interval: float = NAP, **options: Any) -> Any:
        """Kombu's loop; it notices a wish to stop after a nap at the latest."""
        return super().consume(limit, timeout, safety_interval, **options)

    def on_iteration(self) -> None:
        """Kombu's hook: stay connected until every message that was handed over is settled."""
        self._cancel_consumers_if_requested()
        if not self._consumers and not self._unsettled:
            self.should_stop = True

    def ack(self, message: Any) -> None:
        """The message is done with."""
        self._unsettled -= 1
        with suppress(*LOST):  # then the broker gives it to somebody else
            self.ack_message(message)

    def requeue(self, message: Any) -> None:
        """Somebody else shall have it."""
        self._unsettled -= 1
        with suppress(*LOST):  # then the broker does so by itself
            self.requeue_message(message)

    def _hand_over(self, provider: Any, message: Any) -> None:
        self._unsettled += 1
        self.container.spawn_managed_thread(
            partial(provider.handle_message, message), identifier=f"{type(provider).__name__}.handle_message"
        )
