"""A server of forward authentication with too many connections, or without a file for one more."""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from tests.waiting import eventually

from lockbox.guard import listening
from lockbox.guard.listening import SteadyServer

MOST = 10
GET = b"GET /check HTTP/1.1\r\nHost: guard\r\nConnection: close\r\n\r\n"
KEEP = b"GET /check HTTP/1.1\r\nHost: guard\r\n\r\n"


def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


class Clients:
    """Clients of a server, each with a connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.open: list[socket.socket] = []

    def connect(self, sent: bytes = b"") -> socket.socket:
        client = socket.create_connection(self._address, timeout=5)
        client.sendall(sent)
        self.open.append(client)
        return client

    def ask(self) -> bytes:
        return self.connect(GET).recv(1_000)


def answer_to(client: socket.socket) -> bytes:
    """The answer, as soon as it is whole."""
    received = b""
    while not received.endswith(b"ok"):
        received += client.recv(1_000)
    return received


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SteadyServer]:
    monkeypatch.setattr(listening, "MOST_CONNECTIONS", MOST + 2)  # it counts its own socket and a trigger
    monkeypatch.setattr(listening, "CLOSED_AT_ONCE", 1)
    server = SteadyServer.on(socket.create_server(("127.0.0.1", 0)), application, 2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.accepting = False
    server.pull_trigger()
    server.task_dispatcher.shutdown()
    for channel in [*server.active_channels.values()]:
        channel.will_close = True
    eventually(lambda: not server.active_channels)
    server.close()
    thread.join(timeout=5)


@pytest.fixture
def clients(server: SteadyServer) -> Iterator[Clients]:
    clients = Clients((server.effective_host, int(server.effective_port)))
    yield clients
    for client in clients.open:
        client.close()


def test_server_when_idle_connections_are_too_many_closes_the_oldest_and_answers(
    server: SteadyServer, clients: Clients
) -> None:
    idle = [clients.connect() for _ in range(MOST)]
    eventually(lambda: len(server.active_channels) >= MOST - 1)
    assert clients.ask().startswith(b"HTTP/1.1 200")
    assert idle[0].recv(1) == b""
    idle[-1].sendall(GET)
    assert idle[-1].recv(1_000).startswith(b"HTTP/1.1 200")


def test_server_when_it_makes_room_closes_silent_connections_before_those_of_the_proxy(
    server: SteadyServer, clients: Clients
) -> None:
    proxy = clients.connect(KEEP)
    assert answer_to(proxy).startswith(b"HTTP/1.1 200")
    for _ in range(2 * MOST):
        clients.connect()
    proxy.sendall(KEEP)
    assert answer_to(proxy).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS])
def test_server_when_no_file_can_be_opened_waits_and_goes_on(
    server: SteadyServer, clients: Clients, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    silent = clients.connect()
    eventually(lambda: server.active_channels)
    real, failures = server.socket, iter([error] * 3)

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def accept(self) -> Any:
            for number in failures:
                raise OSError(number, "no file")
            return real.accept()

    server.socket = Failing()
    began = time.monotonic()
    assert clients.ask().startswith(b"HTTP/1.1 200")
    assert time.monotonic() - began > 2 * listening.PAUSE_SECONDS
    assert silent.recv(1) == b""
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == [listening.__name__]
    server.socket = real
