"""Before an event is published, everybody who must not miss it has a queue for it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from amqp.exceptions import NotFound
from kombu import Connection, Queue

from lockbox.embedded.stack import Stack
from lockbox.runtime.broker import topology
from lockbox.runtime.broker.topology import ensure_listeners, events_exchange, listener_topologies

SOURCE = f"tests_{uuid4().hex[:8]}_service"
QUEUES = (f"{SOURCE}.on_one.v1", f"{SOURCE}.on_other.v1")


@pytest.fixture
def broker(admin_amqp_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(topology, "bindings", lambda _source: ((QUEUES[0], "#"), (QUEUES[1], "news")))
    with Connection(admin_amqp_uri) as connection:
        yield connection
        for queue in QUEUES:
            connection.default_channel.queue_delete(queue)
        connection.default_channel.exchange_delete(events_exchange(SOURCE).name)


def test_listeners_when_one_has_never_run_are_waited_for_by_name(broker: Connection) -> None:
    for queue in QUEUES:
        with pytest.raises(NotFound, match=queue):
            ensure_listeners(broker, SOURCE)
        Queue(queue, durable=True)(broker.default_channel).queue_declare()
    ensure_listeners(broker, SOURCE)


def test_listeners_when_a_service_publishes_are_bound_by_their_definitions(stack: Stack, admin_amqp_uri: str) -> None:
    with Connection(admin_amqp_uri) as connection:
        for listener in listener_topologies():
            listener.declare(connection)
