"""The one AMQP consumer of a process: messages reach their provider as they came, undecoded.

Nameko's own consumer decodes first, and acknowledges and drops what does not decode; it shares one prefetch among all
queues; and it closes the connection under handlers that still run when the process stops. This one does none of that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import structlog
from amqp.exceptions import ConnectionError as ConnectionLost
from kombu import Connection, Consumer
from nameko.exceptions import ConfigurationError
from nameko.extensions import ProviderCollector
from nameko.messaging import QueueConsumer

from lockbox.runtime.broker.address import BrokerAddress
from lockbox.runtime.broker.connection import HEARTBEAT_SECONDS, abandon, bound, connection_to, suspicion
from lockbox.runtime.broker.deliveries import ChannelDeliveries
from lockbox.runtime.broker.publisher import LOST
from lockbox.runtime.broker.read_ahead import ReadAhead

NAP = 0.25
log = structlog.get_logger(__name__)


class RawConsumer(Consumer):
    """A consumer that passes on py-amqp's own messages; kombu's form costs as much as reading an event."""

    def _receive_callback(self, message: Any) -> None:
        self.on_message(message)


class RawQueueConsumer(QueueConsumer):
    """A queue consumer that gives each provider its own channel and prefetch, and its messages undecoded.

    A provider has `declare(connection)`, `queue`, the names of all its `queues`, the bindings that must be there
    (`bound`), its `topology` if it parks messages, `prefetch`, the number of `workers` that it may take at once, and
    `handle_message(message)`; the latter must not raise, and must finish each message once through `ack` or `requeue`.
    If the provider says `never_waits`, it is called where messages are read, else in a green thread for each message.
    """

    def __init__(self) -> None:
        super().__init__()
        self._unacknowledged = 0
        self._deliveries: dict[Any, ChannelDeliveries] = {}
        self._reconnecting = False
        self.before_declaring: list[Callable[[Connection], object]] = []
        self.after_declaring: list[Callable[[], object]] = []

    def setup(self) -> None:
        """Check the address of the broker; a fault in it stops the start."""
        self._address = BrokerAddress.of(self.amqp_uri)
        self._address.check()

    @property
    def providers(self) -> tuple[Any, ...]:
        """The providers that have their queues read."""
        return tuple(self._providers)

    @property
    def attached(self) -> bool:
        """Whether the queue of every provider is being read."""
        return bool(self._consumers) and self._consumers_ready.ready()

    @property
    def connection(self) -> Connection:
        """The template of every new connection (a hook of kombu)."""
        return connection_to(self.amqp_uri, HEARTBEAT_SECONDS)

    def get_consumers(self, _consumer_cls: Any, channel: Any) -> Any:
        """Return the consumers of a new connection (a hook of kombu)."""
        connection = channel.connection.client
        self._deliveries.clear()  # what came before the connection was lost, the broker redelivers
        for prepare in self.before_declaring:
            prepare(connection)
        for provider in self._providers:
            provider.declare(connection)
            self._consumers[provider] = self._consumer(provider, connection.channel())
        for go_on in self.after_declaring:
            go_on()
        return self._consumers.values()

    def _consumer(self, provider: Any, channel: Any) -> Consumer:
        self._deliveries[channel] = ChannelDeliveries(channel)
        hand_over = partial(self._hand_over, provider, self._deliveries[channel])
        consumer = RawConsumer(channel, queues=[provider.queue], auto_declare=False, on_message=hand_over)
        consumer.qos(prefetch_count=provider.prefetch)
        return consumer

    @contextmanager
    def establish_connection(self) -> Iterator[Any]:
        """Connect, and try again until the broker is there (a hook of kombu)."""
        with self.connection as connection:
            connection.ensure_connection(
                self.on_connection_error,
                interval_start=0.5,
                interval_step=0.5,
                interval_max=3,
                reraise_as_library_errors=False,
            )
            bound(connection)
            self._read_ahead = ReadAhead(connection.connection)
            try:
                yield connection
            except (ConnectionLost, OSError):
                abandon(connection)
                suspicion.arise()
                raise

    def on_connection_error(self, exc: Exception, interval: float) -> None:
        """Let providers unregister while the broker is away, as no message is in hand (a hook of kombu)."""
        log.warning("broker_unavailable", error=str(exc)[:300], retry_in_seconds=interval)
        leaving = self._pending_remove_providers.copy()
        self._pending_remove_providers.clear()
        for provider, left in leaving.items():
            self._consumers.pop(provider, None)
            left.send()
        if leaving and not self._consumers:
            self.should_stop = True
            raise exc

    def start(self) -> None:
        """Start, unless the messages in hand at once could take all workers from the other entrypoints."""
        wanted = sum(provider.workers for provider in self._providers)
        if wanted >= self.container.max_workers:
            raise ConfigurationError(
                f"config.yml: max_workers: expected more than {wanted}, got {self.container.max_workers}"
            )
        self._address.warn()
        super().start()

    def unregister_provider(self, provider: Any) -> None:
        """Stop reading a provider's queue."""
        if self._consumers_ready.ready():
            super().unregister_provider(provider)
        else:
            ProviderCollector.unregister_provider(self, provider)

    def consume(
        self, limit: Any = None, timeout: Any = None, safety_interval: float = NAP, **options: Any
    ) -> Iterator[None]:
        """Run kombu's loop; it notices a request to stop after `NAP` seconds at the latest."""
        for _ in super().consume(limit, timeout, safety_interval, **options):
            self._read_ahead.handle_frames()
            yield

    def reconnect(self) -> None:
        """Connect anew: RabbitMQ delivers nothing to a consumer of a queue that was deleted and made again at once."""
        self._reconnecting = True

    def on_iteration(self) -> None:
        """Stay connected until every message that was handed over is acknowledged (a hook of kombu)."""
        if self._reconnecting:
            self._reconnecting = False
            raise ConnectionLost("a queue was deleted and made again")
        self._cancel_consumers_if_requested()
        if not self._consumers and not self._unacknowledged:
            self.should_stop = True

    def in_hand(self, message: Any) -> bool:
        """Return whether the message can still be acknowledged: the broker redelivers those of a lost connection."""
        return message.channel in self._deliveries

    def ack(self, *messages: Any) -> None:
        """Acknowledge messages of one queue."""
        self._unacknowledged -= len(messages)
        for channel in {message.channel for message in messages}:
            if channel in self._deliveries:
                with suppress(*LOST):  # then the broker redelivers them
                    self._deliveries[channel].ack(
                        message.delivery_tag for message in messages if message.channel is channel
                    )

    def requeue(self, message: Any) -> None:
        """Return a message to its queue."""
        self._unacknowledged -= 1
        if message.channel in self._deliveries:
            with suppress(*LOST):  # then the broker does so by itself
                self._deliveries[message.channel].requeue(message.delivery_tag)

    def _hand_over(self, provider: Any, deliveries: ChannelDeliveries, message: Any) -> None:
        self._unacknowledged += 1
        deliveries.add(message.delivery_tag)
        if provider.never_waits:
            provider.handle_message(message)
        else:
            self.container.spawn_managed_thread(
                partial(provider.handle_message, message), identifier=f"{type(provider).__name__}.handle_message"
            )
