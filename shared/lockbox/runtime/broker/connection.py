"""Connections to the broker that don't wait for ever: a broker that is there and silent is as good as away.

A half-open connection, a stopped broker and one that is out of memory all look alike: bytes go out, or don't, and
nothing comes back. `AMQP_URI` may name several nodes of a cluster, with `;` between them; they are tried in turn.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
HEARTBEAT_SECONDS = 8


class Suspicion:
    """What one connection of a process finds out, others need not wait to find out: the broker was lost since then."""

    def __init__(self) -> None:
        self.raised = 0

    def arise(self) -> None:
        """Connections that were made before now are not to be trusted."""
        self.raised += 1


suspicion = Suspicion()


def connection_to(uri: str, heartbeat: int = 0) -> Connection:
    """A connection, not made yet; with a heartbeat, whoever reads it notices after two that were missed."""
    return Connection(uri, connect_timeout=CONNECT_SECONDS, heartbeat=heartbeat)


def connect_soon(connection: Connection) -> None:
    """Connect to the first node that answers; each is tried once, and one twice."""
    nodes = max(1, len(connection.alt))
    connection.ensure_connection(max_retries=nodes, timeout=CONNECT_SECONDS * nodes)
    bound(connection)


@contextmanager
def visit(uri: str) -> Iterator[Connection]:
    """A connection for one errand."""
    connection = connection_to(uri)
    try:
        connect_soon(connection)
        yield connection
        connection.release()
    finally:
        abandon(connection)


def bound(connection: Connection) -> None:
    """From now on nothing that is sent or awaited on it takes longer than `ANSWER_SECONDS` without a byte."""
    connection.connection.transport.sock.settimeout(ANSWER_SECONDS)


def abandon(connection: Any) -> None:
    """Close it without a farewell, for which a broken one would wait."""
    connection.collect()
