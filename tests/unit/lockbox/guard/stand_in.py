"""A portal on a real port, served by threads of this process; a test can make it tell, take and break what it wants."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from lockbox import clock
from lockbox.crypto.canonical import canonical, digest
from lockbox.values.timestamps import format_timestamp

STREAM, KEYS = "GET /api/v1/revocations", "GET /.well-known/jwks.json"
RECORD, RECORD_SOME = "POST /api/v1/access-events", "POST /api/v1/access-events/batch"
EVERY_SECONDS, STOPS_WITHIN_SECONDS = 0.01, 0.005

Behaviour = Callable[["Handler"], None]


class StandIn:
    """What it knows is public, and can be changed at any time."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.revoked: list[str] = []
        self.revoked_keys: list[str] = []
        self.able = True
        self.clock_is_off_by = timedelta()
        self.told_keys: str | None = None
        self.refuses: dict[str, str] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.records: list[dict[str, Any]] = []
        self.behaviours: dict[str, Behaviour] = {}
        self.released = threading.Event()
        self._server: Server | None = None
        self._port = 0

    def up(self) -> None:
        self._server = Server(("127.0.0.1", self._port), Handler, self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(STOPS_WITHIN_SECONDS,), daemon=True).start()

    def down(self) -> None:
        """Gone, with every connection; `up` brings it back where it was."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self.cut()
        self._server = None

    def cut(self) -> None:
        """End every connection."""
        for connection in list(self._server.connections) if self._server else []:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def asked(self, route: str) -> list[dict[str, str]]:
        """The headers of each request so far."""
        return [headers for asked, headers in self.requests if asked == route]

    def recorded(self, access_id: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["access_id"] == access_id]

    @property
    def ids(self) -> set[str]:
        """Of every attempt on record."""
        return {record["access_id"] for record in self.records}

    def told(self, grant_ids: list[str]) -> dict[str, Any]:
        return {
            "as_of": format_timestamp(clock.now() + self.clock_is_off_by),
            "grant_ids": grant_ids,
            "revoked_keys": self.revoked_keys,
            "keys": self.told_keys or digest(canonical([key["kid"] for key in self.keys])),
        }


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 100  # a connection that finds no room comes again a second later

    def __init__(self, address: tuple[str, int], handler: type["Handler"], portal: StandIn) -> None:
        self.portal = portal
        self.connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body of an answer waits for the acknowledgement of its head
    server: Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what was asked is in `requests`."""

    def _answer(self) -> None:
        route = f"{self.command} {urlsplit(self.path).path}"
        self.portal.requests.append((route, dict(self.headers)))
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.portal.behaviours.get(route, USUAL[route])(self)

    @property
    def portal(self) -> StandIn:
        return self.server.portal

    def say(self, document: Any, status: int = 200) -> None:
        self.write(json.dumps(document).encode(), status, "application/json")

    def write(self, data: bytes, status: int = 200, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def event(self, kind: str, told: dict[str, Any]) -> None:
        self.wfile.write(f"id: {told['as_of']}\nevent: {kind}\ndata: {json.dumps(told)}\n\n".encode())

    def pause(self, seconds: float = EVERY_SECONDS) -> bool:
        """Whether to go on after a while: not when the test lets everybody go."""
        return not self.portal.released.wait(seconds)


def stream(handler: Handler) -> None:
    """All that is revoked, or what is new since the last event; then what is new, every moment."""
    handler.begin_stream()
    told = 0
    if handler.headers["Last-Event-ID"] is None:
        told = len(handler.portal.revoked)
        handler.event("snapshot", handler.portal.told(handler.portal.revoked[:told]))
    while handler.pause():
        if not handler.portal.able:
            handler.event("unable", handler.portal.told([]))
            continue
        new = handler.portal.revoked[told:]
        told += len(new)
        handler.event("changes", handler.portal.told(new))


def keys(handler: Handler) -> None:
    handler.say({"keys": handler.portal.keys})


def record(handler: Handler) -> None:
    attempt = json.loads(handler.body)
    handler.portal.records.append(attempt)
    handler.say({"access_id": attempt["access_id"]}, 201)


def record_some(handler: Handler) -> None:
    attempts, refuses = json.loads(handler.body)["attempts"], handler.portal.refuses
    handler.portal.records.extend(one for one in attempts if one["tenant"] not in refuses)
    refused = [
        {"access_id": one["access_id"], "code": refuses[one["tenant"]], "message": "never"}
        for one in attempts
        if one["tenant"] in refuses
    ]
    handler.say({"refused": refused})


USUAL: dict[str, Behaviour] = {STREAM: stream, KEYS: keys, RECORD: record, RECORD_SOME: record_some}


def hang(handler: Handler) -> None:
    """Take the request, and say nothing until everybody is let go."""
    handler.close_connection = True
    handler.portal.released.wait()


def answers(status: int = 200, data: bytes = b"", **headers: str) -> Behaviour:
    """Say this, whatever it is."""

    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return behave


@contextmanager
def portal_of(*keys: dict[str, Any]) -> Iterator[StandIn]:
    """One that is up, and is gone afterwards."""
    portal = StandIn(*keys)
    portal.up()
    try:
        yield portal
    finally:
        portal.released.set()
        portal.down()
