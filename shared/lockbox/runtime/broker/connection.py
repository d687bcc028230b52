"""Connections to the broker with deadlines: a broker that does not answer counts as absent.

A half-open connection, a stopped broker and one that is out of memory all look alike: bytes go out, or don't, and
nothing comes back. The nodes of a cluster are tried in turn.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection

from lockbox.runtime.broker.address import BrokerAddress

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
HEARTBEAT_SECONDS = 8
GOODBYE_SECONDS = 0.05


class Suspicion:
    """A signal between the connections of a process: the broker was lost, so older connections are checked."""

    def __init__(self) -> None:
        self.raised = 0

    def arise(self) -> None:
        """Mark connections that were made before now as suspect."""
        self.raised += 1


suspicion = Suspicion()


def connection_to(uri: str, heartbeat: int = 0, **options: Any) -> Connection:
    """Return a connection, not made yet; with a heartbeat, its reader notices a loss after two missed ones."""
    return BrokerAddress.of(uri).connection(connect_timeout=CONNECT_SECONDS, heartbeat=heartbeat, **options)


def connect_soon(connection: Connection) -> None:
    """Connect to the first node that answers; each is tried once, and one twice."""
    nodes = max(1, len(connection.alt))
    connection.ensure_connection(max_retries=nodes, timeout=CONNECT_SECONDS * nodes)
    bound(connection)


@contextmanager
def visit(uri: str) -> Iterator[Connection]:
    """Open a connection for one piece of work, and close it."""
    connection = connection_to(uri)
    try:
        connect_soon(connection)
        yield connection
        connection.release()
    finally:
        abandon(connection)


def bound(connection: Connection) -> None:
    """Limit every send and every wait on the connection to `ANSWER_SECONDS` without a byte."""
    connection.connection.transport.sock.settimeout(ANSWER_SECONDS)


def abandon(connection: Any) -> None:
    """Close the connection without the closing handshakes of AMQP and TLS, which a broken one would wait for."""
    made = connection._connection
    if made is not None and made.transport is not None and made.transport.sock is not None:
        made.transport.sock.settimeout(GOODBYE_SECONDS)
    connection.collect()
