"""The listener and its protocol over real sockets, in this process."""

import errno
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import eventlet
import pytest
from eventlet.green import socket as green

from lockbox.runtime.web import listener as listener_module
from lockbox.runtime.web import protocol
from lockbox.runtime.web.connections import Phase
from lockbox.runtime.web.listener import WebListener
from lockbox.runtime.web.protocol import HttpServer, Reception

MOST = 20


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with what arrived."""
    body = environ["wsgi.input"].read()
    eventlet.sleep(0.3 if environ["PATH_INFO"] == "/slow" else 0)
    start_response("200 OK", [("Content-Type", "application/json")])
    told = {"path": environ["PATH_INFO"], "length": environ["CONTENT_LENGTH"], "body": body.decode()}
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [json.dumps(told).encode()]


class Portal:
    """A listener with its server, and clients of it."""

    def __init__(self, seconds: float = 5.0, client: Any = None, peer_of: Any = lambda _: None) -> None:
        self.listener = WebListener("test", ("127.0.0.1", 0), lambda: MOST, peer_of)
        self.server = HttpServer(Reception(self.listener, seconds, client), application)
        self.thread = eventlet.spawn(self.listener.run, self.server.serve)
        self.clients: list[Any] = []

    def connect(self, sent: bytes = b"") -> Any:
        client = green.create_connection(self.listener.socket.getsockname())
        client.settimeout(5)
        self.clients.append(client)
        client.sendall(sent)
        return client

    def ask(self, sent: bytes) -> bytes:
        return everything(self.connect(sent))

    def waits_for(self, phase: Phase, count: int) -> None:
        with eventlet.Timeout(5):
            while self.listener.connections.count(phase) != count:
                eventlet.sleep(0.005)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.thread.kill()
        self.listener.close()


@pytest.fixture
def portals() -> Iterator[Callable[..., Portal]]:
    opened: list[Portal] = []

    def portal(**options: Any) -> Portal:
        opened.append(Portal(**options))
        return opened[-1]

    yield portal
    for one in opened:
        one.close()


@pytest.fixture
def portal(portals: Callable[..., Portal]) -> Portal:
    return portals()


def everything(client: Any) -> bytes:
    """What comes until the end."""
    received = b""
    while piece := client.recv(65_536):
        received += piece
    return received


def closed(client: Any) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


CLOSE = b"Connection: close\r\n"
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EXPECT = b"Expect: 100-continue\r\n"


def post(body: bytes, *headers: bytes, close: bool = True) -> bytes:
    return b"POST /x HTTP/1.1\r\nHost: a\r\n" + b"".join(headers) + (CLOSE if close else b"") + b"\r\n" + body


def length(number: int) -> bytes:
    return b"Content-Length: %d\r\n" % number


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (GET, ""),
        (post(b"hello", length(5)), "hello"),
        (post(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", CHUNKED), "hello"),
    ],
)
def test_request_when_whole_reaches_the_application(portal: Portal, sent: bytes, told: str) -> None:
    answer = portal.ask(sent)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"path": "/x", "length": str(len(told)), "body": told}


def test_connection_when_requests_follow_each_other_is_kept(portal: Portal) -> None:
    client = portal.connect(post(b"one", length(3), close=False) + post(b"two", length(3)))
    received = everything(client)
    assert [b'"one"' in received, b'"two"' in received, received.count(b"200 OK")] == [True, True, 2]


def test_request_of_head_when_answered_has_no_body(portal: Portal) -> None:
    answer = portal.ask(GET.replace(b"GET", b"HEAD"))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n")


def test_client_when_it_waits_for_a_hundred_gets_it_before_its_body(portal: Portal) -> None:
    client = portal.connect(post(b"", length(5), EXPECT))
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"hello")
    assert b'"hello"' in everything(client)


def test_client_when_it_waits_for_a_hundred_with_too_much_is_answered_without_its_body(portal: Portal) -> None:
    answer = portal.ask(post(b"", length(10_000_000), EXPECT, close=False))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"length": "10000000", "body": ""' in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (post(b"", length(5), CHUNKED), b"400"),
        (post(b"x\r\n", CHUNKED), b"400"),
        (post(b"", b"Transfer-Encoding: gzip\r\n"), b"501"),
        (post(b"", length(5), length(6)), b"400"),
    ],
)
def test_request_when_its_framing_is_not_clear_is_refused_and_the_connection_closed(
    portal: Portal, sent: bytes, status: bytes
) -> None:
    answer = portal.ask(sent)
    assert answer.split()[1] == status
    assert b"Connection: close" in answer


@pytest.mark.parametrize(
    "beginning",
    [b"P", b"POST /x HTTP/1.1\r\nHost: a\r\n", post(b"he", length(5)), post(b"5\r\nhe", CHUNKED)],
)
def test_request_when_it_does_not_arrive_in_time_is_refused(portals: Callable[..., Portal], beginning: bytes) -> None:
    began = time.monotonic()
    answer = portals(seconds=0.15).ask(beginning)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    assert time.monotonic() - began < 2


def test_request_when_it_drips_is_refused_although_each_read_is_quick(portals: Callable[..., Portal]) -> None:
    client = portals(seconds=0.2).connect(post(b"", length(1_000)))

    def drip() -> None:
        while True:
            client.send(b"x")
            eventlet.sleep(0.02)

    dripping = eventlet.spawn(drip)
    began = time.monotonic()
    assert everything(client).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 2
    dripping.kill()


def test_request_when_it_arrived_in_time_is_answered_however_long_that_takes(portals: Callable[..., Portal]) -> None:
    assert portals(seconds=0.1).ask(GET.replace(b"/x", b"/slow")).startswith(b"HTTP/1.1 200")


def test_connection_when_silent_for_too_long_is_closed(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SILENT_SECONDS", 0.05)
    assert closed(portal.connect())


def test_connections_when_too_many_make_room_for_a_new_one_which_is_answered(portal: Portal) -> None:
    silent = [portal.connect() for _ in range(MOST)]
    portal.waits_for(Phase.SILENT, MOST)
    assert portal.ask(GET).startswith(b"HTTP/1.1 200")
    assert closed(silent[0])
    silent[-1].sendall(GET)
    assert everything(silent[-1]).startswith(b"HTTP/1.1 200")


def test_request_that_is_slow_when_room_is_needed_is_answered_and_closed(portal: Portal) -> None:
    slow = [portal.connect(post(b"he", length(5))) for _ in range(MOST)]
    portal.waits_for(Phase.READING, MOST)
    assert portal.ask(GET).startswith(b"HTTP/1.1 200")
    assert everything(slow[0]).startswith(b"HTTP/1.1 408")


def test_connections_of_one_address_when_many_leave_half_to_others(portals: Callable[..., Portal]) -> None:
    crowded = portals(peer_of=lambda peer: peer)
    for _ in range(MOST + 5):
        crowded.connect()
    crowded.waits_for(Phase.SILENT, MOST // 2)


def test_connection_of_a_proxy_when_it_waits_counts_for_no_client(portals: Callable[..., Portal]) -> None:
    behind = portals(client=lambda environ: environ.get("HTTP_X_FORWARDED_FOR"))
    ask = b"GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    kept = [behind.connect(ask) for _ in range(MOST)]
    for client in kept:
        assert client.recv(10_000).startswith(b"HTTP/1.1 200")
    behind.waits_for(Phase.WAITING, MOST)
    kept[0].sendall(ask)
    assert kept[0].recv(10_000).startswith(b"HTTP/1.1 200")


class Failing:
    """A listening socket whose `accept` fails so many times."""

    def __init__(self, sock: Any, number: int, error: int) -> None:
        self._sock = sock
        self._number = number
        self._error = error
        self.failed = 0
        self.settimeout, self.getsockname, self.close = sock.settimeout, sock.getsockname, sock.close

    def accept(self) -> Any:
        if self.failed < self._number:
            self.failed += 1
            raise OSError(self._error, "no file")
        return self._sock.accept()


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED])
def test_listener_when_no_connection_can_be_accepted_goes_on(portals: Callable[..., Portal], error: int) -> None:
    made: list[Failing] = []
    with pytest.MonkeyPatch.context() as patched:
        listen = eventlet.listen

        def failing(*arguments: Any, **options: Any) -> Failing:
            made.append(Failing(listen(*arguments, **options), 3, error))
            return made[0]

        patched.setattr(listener_module.eventlet, "listen", failing)
        patched.setattr(listener_module, "PAUSE_SECONDS", 0.01)
        assert portals().ask(GET).startswith(b"HTTP/1.1 200")
    assert made[0].failed == 3


def test_listener_when_files_are_short_closes_connections_that_do_not_work(portal: Portal) -> None:
    silent = portal.connect()
    portal.waits_for(Phase.SILENT, 1)
    portal.listener._pause(OSError(errno.EMFILE, "no file"))
    assert closed(silent)
    assert portal.ask(GET).startswith(b"HTTP/1.1 200")


def test_client_when_it_resets_its_connection_harms_no_other(portal: Portal) -> None:
    client = portal.connect(post(b"he", length(5)))
    portal.waits_for(Phase.READING, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.close()
    portal.waits_for(Phase.READING, 0)
    assert portal.ask(GET).startswith(b"HTTP/1.1 200")
    assert len(portal.listener.connections) <= 1
