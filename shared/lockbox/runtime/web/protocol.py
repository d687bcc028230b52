"""HTTP/1.1 of a listener: a request arrives in full, within its deadline, before the application sees it.

The deadline counts from the first byte of a request to the last of its body, however many reads that takes. Until then
a connection has a green thread and no worker.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from socket import SHUT_WR
from typing import Any

import eventlet
from eventlet import wsgi
from nameko.web.server import HttpOnlyProtocol

from lockbox.runtime.process.metrics import CONNECTIONS_CLOSED
from lockbox.runtime.web.bodies import BadBody, Body, Cut, Framing, read_body
from lockbox.runtime.web.connections import Connection, NoRoom, Phase
from lockbox.runtime.web.heads import BadHead, HeadLines, Truncated, require_host, require_request_line
from lockbox.runtime.web.listener import WebListener

LONGEST_URL = 8_192
SILENT_SECONDS, WAITING_SECONDS = 30.0, 75.0
"""The time until the first byte of a first request, and of a further one on the same connection."""

REQUEST_SECONDS = 30.0
SEND_SECONDS = 20.0
"""The time until a client takes more of its answer."""

LINGER_SECONDS, LINGER_BYTES = 2.0, 256 * 1024
WAIT = {HTTPStatus.SERVICE_UNAVAILABLE: b"Retry-After: 2\r\n"}
NO_BODY = Body(b"", 0, complete=True)


class TooSlow(Exception):
    """A request that did not arrive within its deadline."""


@dataclass(frozen=True)
class Reception:
    """Where and how requests are received; `client` names the address that a request counts for."""

    listener: WebListener
    request_seconds: float = REQUEST_SECONDS
    client: Callable[[dict[str, Any]], str | None] | None = None


class WholeRequests(HttpOnlyProtocol):
    """Hands over whole requests alone; a connection that breaks its rules gets an answer and is closed."""

    rfile: Any

    def handle_one_request(self) -> None:
        """Receive one request and answer it (a hook of eventlet)."""
        if not self._arrives():
            self.close_connection = True
            return
        self._held.enter(self._connection, Phase.READING)
        self._deadline = eventlet.Timeout(self.server.reception.request_seconds, TooSlow())
        try:
            super().handle_one_request()
        except TooSlow:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        except (BadHead, BadBody) as error:
            self._refuse(error.status)
        except NoRoom:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        except (Truncated, Cut):
            self.close_connection = True
        finally:
            self._deadline.cancel()
            self.connection.settimeout(SEND_SECONDS)
        self._wait()

    def parse_request(self) -> bool:
        """Read the head strictly (a hook of the standard library)."""
        require_request_line(self.raw_requestline)
        self.rfile = HeadLines(self.rfile)
        if not super().parse_request():
            return False
        require_host(self.request_version, self.headers)
        return True

    def handle_one_response(self) -> None:
        """Read the body, then have the application answer (a hook of eventlet)."""
        body = self._body()
        self._assign()
        self._deadline.cancel()
        if self._connection.closed_for is not None:
            raise Cut
        self._held.enter(self._connection, Phase.WORKING)
        self.connection.settimeout(SEND_SECONDS)
        super().handle_one_response()
        if not body.complete:
            self._linger()

    def _read_request_line(self) -> bytes:
        return bytes(self.rfile.readline(self.server.url_length_limit))

    @property
    def _connection(self) -> Connection:
        return self.conn_state[3]

    @property
    def _held(self) -> Any:
        return self.server.reception.listener.connections

    def _arrives(self) -> bool:
        """Wait for the first byte of a request; return false if none comes."""
        silent = self._connection.phase is Phase.SILENT
        self.connection.settimeout(SILENT_SECONDS if silent else WAITING_SECONDS)
        try:
            first = self.rfile.peek(1)
        except OSError:  # nothing came in time, or the client has gone
            return False
        self.connection.settimeout(None)  # from here on the deadline of the request counts
        return bool(first) and self._connection.closed_for is None

    def _body(self) -> Body:
        """Read the body and give it to the application; one that is too large stays away."""
        body = self._read(Framing.of(self.headers))
        given = BytesIO(body.content or b"")
        kept = wsgi.Input(given, len(body.content or b""), self.connection)
        self.environ.pop("HTTP_TRANSFER_ENCODING", None)
        self.environ |= {"wsgi.input": kept, "eventlet.input": kept, "CONTENT_LENGTH": str(body.size)}
        if not body.complete:
            self.close_connection = True
        return body

    def _read(self, framing: Framing) -> Body:
        if framing.length == 0:
            return NO_BODY
        if self.headers.get("expect", "").lower() == "100-continue":
            if framing.too_large:
                return Body(None, framing.length or 0, complete=False)
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        return read_body(framing, self.rfile, self._hold)

    def _hold(self, number: int) -> None:
        self._held.hold(self._connection, number)
        if self._connection.closed_for is not None:
            raise Cut

    def _assign(self) -> None:
        client = self.server.reception.client
        if client is not None:
            self._held.assign(self._connection, client(self.environ))

    def _wait(self) -> None:
        self._held.enter(self._connection, Phase.WAITING)
        if self.server.reception.client is not None:
            self._held.assign(self._connection, None)  # a proxy's connection: the next request is another client's

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer that a request can't be received, and close the connection."""
        CONNECTIONS_CLOSED.labels(self.server.reception.listener.name, status.name.lower()).inc()
        self.close_connection = True
        self.connection.settimeout(LINGER_SECONDS)
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Length: 0\r\n"
        with suppress(OSError, ValueError):
            self.wfile.write(head.encode() + WAIT.get(status, b"") + b"\r\n")
            self.wfile.flush()
            self._linger()

    def _linger(self) -> None:
        """Let the client read the answer: its further bytes are dropped, as closing now would reset the connection."""
        with suppress(OSError, ValueError), eventlet.Timeout(LINGER_SECONDS, False):
            self.wfile.flush()
            self.connection.shutdown(SHUT_WR)
            for _ in range(LINGER_BYTES // wsgi.MINIMUM_CHUNK_SIZE):
                if not self.connection.recv(wsgi.MINIMUM_CHUNK_SIZE):
                    return


class HttpServer(wsgi.Server):
    """The part of eventlet's server that its protocol needs; the listener accepts the connections."""

    def __init__(self, reception: Reception, application: Any) -> None:
        sock = reception.listener.socket
        super().__init__(
            sock,
            sock.getsockname(),
            application,
            protocol=WholeRequests,
            debug=False,
            log_output=False,
            url_length_limit=LONGEST_URL,
            minimum_chunk_size=1,  # what an application gives out bit by bit is sent so, and not gathered
        )
        self.reception = reception

    def serve(self, connection: Connection, peer: Any) -> None:
        """Serve one connection (for `WebListener.run`)."""
        self.process_request([peer, connection.sock, wsgi.STATE_IDLE, connection])
