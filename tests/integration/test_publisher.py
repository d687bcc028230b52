"""Publishing that is sure, on the real broker."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from uuid import uuid4

import psutil
import pytest
from kombu import Connection
from tests.chaos.network import alarm as raise_alarm
from tests.chaos.network import all_clear
from tests.waiting import eventually

from lockbox.embedded.stack import Stack
from lockbox.runtime.broker.alarm import alarm
from lockbox.runtime.broker.connection import suspicion
from lockbox.runtime.broker.publisher import Blocked, ConfirmedPublisher, Message, PublishError
from lockbox.runtime.broker.publisher_pool import Publishers

VISITS = 5
"""Connections that services make to look at their queues, and close again."""


@pytest.fixture
def queue(admin_amqp_uri: str) -> Iterator[str]:
    name = f"tests.{uuid4()}"
    with Connection(admin_amqp_uri) as connection:
        connection.default_channel.queue_declare(name, durable=True, auto_delete=False)
        yield name
        connection.default_channel.queue_delete(name)


def message(routing_key: str) -> Message:
    return Message(id=str(uuid4()), exchange="", routing_key=routing_key, body=b"{}")


def test_publish_when_some_have_no_queue_says_which_are_safe(admin_amqp_uri: str, queue: str) -> None:
    publisher = ConfirmedPublisher(admin_amqp_uri)
    batch = [message(queue), message("nowhere"), message(queue), message("nowhere")]
    assert publisher.publish(batch) == {batch[0].id, batch[2].id}
    again = [message(queue) for _ in range(500)]
    assert publisher.publish(again) == {one.id for one in again}
    publisher.close()


def test_publish_when_preparing_fails_once_works_afterwards(admin_amqp_uri: str, queue: str) -> None:
    obstacles = [PublishError("the audit's queue does not exist yet")]

    def prepare(_connection: Connection) -> None:
        if obstacles:
            raise obstacles.pop()

    publisher = ConfirmedPublisher(admin_amqp_uri, prepare)
    with pytest.raises(PublishError):
        publisher.publish([message(queue)])
    one = message(queue)
    assert publisher.publish([one]) == {one.id}
    publisher.close()


def test_publish_when_the_connection_broke_fails_and_then_works_again(admin_amqp_uri: str, queue: str) -> None:
    publisher = ConfirmedPublisher(admin_amqp_uri)
    publisher.publish([message(queue)])
    publisher._connection.connection.sock.close()  # type: ignore[union-attr]
    with pytest.raises(PublishError):
        publisher.publish([message(queue)])
    one = message(queue)
    assert publisher.publish([one]) == {one.id}
    publisher.close()


def test_publish_when_nobody_listens_there_fails_soon(admin_amqp_uri: str) -> None:
    publisher = ConfirmedPublisher("amqp://nobody:nothing@127.0.0.1:1//")
    with pytest.raises(PublishError):
        publisher.publish([message("anywhere")])


def test_publish_when_the_first_node_is_away_uses_the_next(admin_amqp_uri: str, queue: str) -> None:
    publisher = ConfirmedPublisher(f"amqp://nobody:nothing@127.0.0.1:1//;{admin_amqp_uri}")
    one = message(queue)
    assert publisher.publish([one]) == {one.id}
    publisher.close()


def test_publish_when_a_connection_broke_while_idle_sends_on_a_new_one(admin_amqp_uri: str, queue: str) -> None:
    publishers = Publishers(admin_amqp_uri)
    assert publishers.publish(message(queue))
    publishers._idle[0]._connection.connection.sock.close()  # type: ignore[union-attr]
    assert publishers.publish(message(queue))
    assert not publishers.publish(message("nowhere"))
    publishers.close()


def test_publish_when_another_connection_found_the_broker_lost_makes_a_new_one(admin_amqp_uri: str, queue: str) -> None:
    publisher = ConfirmedPublisher(admin_amqp_uri)
    publisher.publish([message(queue)])
    before = publisher._connection
    suspicion.arise()
    publisher.publish([message(queue)])
    assert publisher._connection is not before
    publisher.close()


def test_publish_when_the_broker_is_in_an_alarm_is_refused_at_once_on_the_connections_that_there_are(
    stack: Stack, admin_amqp_uri: str, queue: str
) -> None:
    publishers = [ConfirmedPublisher(admin_amqp_uri) for _ in range(3)]
    publishers[0].publish([message(queue)])
    kept = publishers[0]._connection
    raise_alarm(stack, "memory")
    try:
        eventually(lambda: refused(lambda: publishers[0].publish([message(queue)])))
        before = connections(stack)
        began = time.monotonic()
        for publisher in publishers * 20:
            assert refused(partial(publisher.publish, [message(queue)]))
        assert time.monotonic() - began < 1
        publishers[0].tend()
        assert alarm
        assert connections(stack) <= before + VISITS
    finally:
        all_clear(stack, "memory")
    eventually(lambda: publishers[0].tend() or not alarm)
    one = message(queue)
    assert publishers[0].publish([one]) == {one.id}
    assert publishers[0]._connection is kept
    for publisher in publishers:
        publisher.close()


def test_alarm_when_the_connection_that_knows_of_it_is_closed_is_forgotten(admin_amqp_uri: str) -> None:
    publisher = ConfirmedPublisher(admin_amqp_uri)
    publisher.connect()
    alarm.begin(publisher)
    with pytest.raises(Blocked):
        publisher.connect()
    publisher.close()
    assert not alarm


def refused(publish: Callable[[], object]) -> bool:
    try:
        publish()
    except Blocked:
        return True
    return False


def connections(stack: Stack) -> int:
    """The connections that the broker holds, those of all services included."""
    held = (psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT)
    found = psutil.net_connections("tcp")
    return sum(one.laddr[1:] == (stack.ports["amqp"],) and one.status in held for one in found)
