"""The accept loop of a listener: it goes on whatever happens to a connection, and when no file can be opened.

`accept` fails while the process, or the machine, has no more room for a connection (EMFILE, ENFILE, ENOBUFS). The loop
then closes connections that are not at work, waits a moment and goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import eventlet
import structlog
from eventlet import greenio

from lockbox import open_files
from lockbox.runtime.process.metrics import ACCEPT_PAUSES, CONNECTIONS, CONNECTIONS_CLOSED
from lockbox.runtime.web.connections import Connection, Connections, NoRoom, Phase
from lockbox.runtime.web.trouble import Trouble

BACKLOG = 1_024
PAUSE_SECONDS = 0.05
SHED_AT_ONCE = 32
BOUND_SECONDS = 3.0
NO_ROOM = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

Serve = Callable[[Connection, Any], None]
AddressOf = Callable[[str], str | None]

log = structlog.get_logger(__name__)


class WebListener:
    """A listening socket with its connections; `serve` handles one of them, in a green thread of its own."""

    def __init__(
        self, name: str, address: tuple[str, int], most: Callable[[], int], address_of: AddressOf = lambda _: None
    ) -> None:
        """`name` is for logs and metrics. `address_of`: the address that a peer counts for; None: it is not counted."""
        self.name = name
        self.connections = Connections(most, self._end)
        for phase in Phase:
            CONNECTIONS.labels(name, phase.value).set_function(partial(self.connections.count, phase))
        self.socket: Any = eventlet.listen(address, backlog=BACKLOG)
        self.socket.settimeout(None)
        self._address_of = address_of
        self._refusing = Trouble(BOUND_SECONDS)
        self._open = True
        self._pausing = False

    def run(self, serve: Serve, spawn: Callable[..., object] = eventlet.spawn_n) -> None:
        """Accept connections until the listener is closed."""
        while self._open:
            try:
                sock, peer = self.socket.accept()
            except OSError as error:
                self._pause(error)
            else:
                self._pausing = False
                self._admit(sock, peer, serve, spawn)
                eventlet.sleep(0)  # others run too, however many clients come

    def close(self) -> None:
        """Stop to listen."""
        self._open = False
        with suppress(OSError):
            self.socket.close()

    @property
    def refuses(self) -> bool:
        """Whether all new clients have been refused for some seconds."""
        return self._refusing.lasts

    def _admit(self, sock: Any, peer: Any, serve: Serve, spawn: Callable[..., object]) -> None:
        connection = Connection(sock, self._address_of(peer[0]))
        try:
            self.connections.add(connection)
        except NoRoom:
            self._refuse(connection)
        else:
            self._refusing.worked()
            spawn(self._serve, connection, peer, serve)

    def _serve(self, connection: Connection, peer: Any, serve: Serve) -> None:
        with self._ended(connection):
            serve(connection, peer)

    @contextmanager
    def _ended(self, connection: Connection) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever a client does to its connection, others go on
            log.info("connection_broke", listener=self.name, error=repr(error)[:200])
        finally:
            self.connections.remove(connection)
            with suppress(OSError):
                connection.sock.close()

    def _refuse(self, connection: Connection) -> None:
        if len(self.connections) >= self.connections.most:
            self._refusing.failed()
        CONNECTIONS_CLOSED.labels(self.name, "refused").inc()
        _say(connection, NO_ROOM)
        connection.sock.close()

    def _end(self, connection: Connection) -> None:
        """Close a connection that has to make room; its own thread notices, and frees the file."""
        CONNECTIONS_CLOSED.labels(self.name, str(connection.closed_for)).inc()
        if connection.phase is Phase.READING:
            _say(connection, TOO_SLOW)
        greenio.shutdown_safe(connection.sock)

    def _pause(self, error: OSError) -> None:
        if not self._open:
            return
        if error.errno in open_files.EXHAUSTED:
            ACCEPT_PAUSES.labels(self.name).inc()
            self._refusing.failed()
            self.connections.shed(SHED_AT_ONCE)
            if not self._pausing:
                log.error("accept_paused", listener=self.name, error=str(error), limit=open_files.limit())
            self._pausing = True
        eventlet.sleep(PAUSE_SECONDS)


def _say(connection: Connection, answer: bytes) -> None:
    """Send an answer if it can be sent at once; the client may not read it."""
    with suppress(OSError, AttributeError):
        connection.sock.fd.send(answer)
