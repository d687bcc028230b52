"""Confirmed publishing: mandatory, persistent, confirmed, with a deadline."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import amqp
from eventlet.semaphore import Semaphore
from kombu import Connection
from kombu.exceptions import OperationalError

from lockbox.runtime.broker.alarm import alarm
from lockbox.runtime.broker.connection import (
    ANSWER_SECONDS,
    HEARTBEAT_SECONDS,
    abandon,
    connect_soon,
    connection_to,
    suspicion,
)
from lockbox.runtime.broker.gathered_writes import GatheredWrites
from lockbox.runtime.broker.keeper import keeper
from lockbox.runtime.broker.topology import events_exchange_name
from lockbox.runtime.process import crash_points

CONFIRM_SECONDS = ANSWER_SECONDS
BLOCKED_SECONDS = 1.0
"""The wait for a confirm on a blocked connection: the message by which the broker noticed it may still be taken."""

READ_SECONDS = 0.001
LOST = (amqp.exceptions.AMQPError, OperationalError, OSError)


class PublishError(Exception):
    """The broker did not confirm in time, or the connection was lost."""


class Unconfirmed(PublishError):
    """The broker has not said in time whether it took the messages."""


class Blocked(Unconfirmed):
    """The broker is in an alarm and takes nothing; the connection is kept."""


@dataclass(frozen=True)
class Message:
    """One message; `id` tells it from the others of its batch."""

    id: str
    exchange: str
    routing_key: str
    body: bytes
    headers: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)


def event_message(source: str, event_id: str, event_type: str, payload: str) -> Message:
    """Return the message of an event, as its service publishes it."""
    return Message(
        id=event_id,
        exchange=events_exchange_name(source),
        routing_key=event_type,
        body=payload.encode(),
        properties={"type": event_type, "app_id": source},
    )


class ConfirmedPublisher:
    """A publisher of batches, on a connection of its own, that returns the ids of the messages that the broker took.

    A message that no queue is bound for, or that the broker refuses, is not taken. Safe for many green threads.
    """

    def __init__(self, uri: str, prepare: Callable[[Connection], None] = lambda connection: None) -> None:
        self._uri = uri
        self._prepare = prepare
        self._lock = Semaphore()
        self._connection: Connection | None = None
        self._channel: Any = None
        self._trusted_at = 0

    def publish(self, messages: Iterable[Message]) -> set[str]:
        """Return the ids of the messages that the broker took; raise `PublishError` when that can't be known."""
        batch = list(messages)
        with self._connected():
            return self._attempt(batch)

    def connect(self) -> None:
        """Connect; raise `PublishError` when the broker is away or `prepare` fails."""
        with self._connected():
            pass

    def tend(self) -> None:
        """Read the broker's heartbeats and alarms, and send a heartbeat if one is due; not while it is in use."""
        if self._connection is None or self._lock.locked():
            return
        with self._lock:
            try:
                _read_waiting(self._connection)
                self._connection.heartbeat_check()
            except LOST:
                self._abandon()

    def close(self) -> None:
        """Drop the connection; the next publish makes a new one."""
        with self._lock:  # `tend` may read from it
            self._release()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        with self._lock:
            try:
                _require_no_alarm()
                if not self._usable():
                    self._open()
                yield
            except Blocked:
                raise
            except TimeoutError as error:
                self._abandon()
                suspicion.arise()
                raise Unconfirmed(f"the broker does not answer: {error}") from error
            except (*LOST, PublishError) as error:
                self._abandon()
                raise PublishError(f"{type(error).__name__}: {error}") from error
            except BaseException:  # a deadline of the caller's, say: half a message may have been sent
                self._abandon()
                raise

    def _usable(self) -> bool:
        if self._trusted_at < suspicion.raised:
            self._abandon()
        return self._connection is not None and self._connection.connected

    def _release(self) -> None:
        connection = self._forget()
        if connection is not None:
            with suppress(*LOST):
                connection.release()

    def _abandon(self) -> None:
        connection = self._forget()
        if connection is not None:
            with suppress(*LOST):
                abandon(connection)

    def _forget(self) -> Connection | None:
        connection, self._connection, self._channel = self._connection, None, None
        alarm.end(self)
        return connection

    def _attempt(self, batch: list[Message]) -> set[str]:
        waiting: dict[int, str] = {}
        refused: set[str] = set()
        self._listen(waiting, refused)
        first = self._published + 1
        for number, message in enumerate(batch, start=first):
            waiting[number] = message.id
        crash_points.passing("before_publish")
        with self._writes.together():
            for message in batch:
                self._send(message)
        crash_points.passing("after_publish")
        self._await_confirms(waiting)
        crash_points.passing("after_confirm")
        return {message.id for message in batch} - refused

    def _open(self) -> None:
        self._release()
        trusted_at = suspicion.raised
        heed = {"on_blocked": lambda _reason: alarm.begin(self), "on_unblocked": lambda: alarm.end(self)}
        self._connection = connection_to(self._uri, HEARTBEAT_SECONDS, transport_options=heed)
        connect_soon(self._connection)
        keeper.keep(self)
        self._prepare(self._connection)
        self._channel = self._connection.channel()
        self._channel.confirm_select()
        self._writes = GatheredWrites(self._connection.connection)
        self._published = 0
        self._user = self._connection.userid
        self._trusted_at = trusted_at

    def _listen(self, waiting: dict[int, str], refused: set[str]) -> None:
        def confirmed(tag: int, multiple: bool) -> list[str]:
            tags = [number for number in waiting if number <= tag] if multiple else [tag]
            return [waiting.pop(number) for number in tags if number in waiting]

        def returned(_error: object, _exchange: str, _key: str, message: Any) -> None:
            refused.add(message.properties["message_id"])

        self._channel.events["basic_ack"] = {confirmed}
        self._channel.events["basic_nack"] = {lambda tag, multiple: refused.update(confirmed(tag, multiple))}
        self._channel.events["basic_return"] = {returned}

    def _send(self, message: Message) -> None:
        content = amqp.Message(
            message.body,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
            message_id=message.id,
            user_id=self._user,
            application_headers=message.headers,
            **message.properties,
        )
        self._channel.basic_publish(content, exchange=message.exchange, routing_key=message.routing_key, mandatory=True)
        self._published += 1

    def _await_confirms(self, waiting: dict[int, str]) -> None:
        deadline = time.monotonic() + CONFIRM_SECONDS
        while waiting:
            if alarm:
                deadline = min(deadline, time.monotonic() + BLOCKED_SECONDS)
            left = deadline - time.monotonic()
            if left <= 0:
                _require_no_alarm()
                raise TimeoutError(f"{len(waiting)} publishes unconfirmed after {CONFIRM_SECONDS} s")
            with suppress(TimeoutError):
                self._channel.connection.drain_events(timeout=left)


def _read_waiting(connection: Connection) -> None:
    with suppress(TimeoutError):
        while True:
            connection.connection.drain_events(timeout=READ_SECONDS)


def _require_no_alarm() -> None:
    if alarm:
        raise Blocked("the broker is short of memory or disk, and takes no message")
