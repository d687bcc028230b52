"""Requests as bytes on a socket: the head is read in one way, or answered with 400 and closed."""

from collections.abc import Callable, Iterator
from typing import Any

import eventlet
import pytest
from eventlet.green import socket as green

from lockbox.runtime.web.listener import WebListener
from lockbox.runtime.web.protocol import HttpServer, Reception

GET, POST, HOST, END = "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\n", "Host: a.example\r\n", "\r\n"
NEXT = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"


class Server:
    """A server that notes the requests that its application saw."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.listener = WebListener("test", ("127.0.0.1", 0), lambda: 50)
        server = HttpServer(Reception(self.listener, 5.0), self.application)
        self.thread = eventlet.spawn(self.listener.run, server.serve)

    def application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        environ["wsgi.input"].read()
        start_response("204 No Content", [])
        return []

    def answers(self, sent: str) -> list[str]:
        """The status lines that come until the server closes; the client sends no more."""
        with green.create_connection(self.listener.socket.getsockname()) as client:
            client.settimeout(5)
            client.sendall(sent.encode("latin-1"))
            client.shutdown(green.SHUT_WR)
            got = b""
            while piece := client.recv(65_536):
                got += piece
        return [line for line in got.decode("latin-1").split("\r\n") if line.startswith("HTTP/")]


@pytest.fixture(scope="module")
def module_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.thread.kill()
    server.listener.close()


@pytest.fixture
def server(module_server: Server) -> Server:
    module_server.seen.clear()
    return module_server


CLEAR = {
    "plain": GET + HOST + END,
    "port": GET + "Host: a.example:8080\r\n" + END,
    "ipv6": GET + "Host: [::1]:8080\r\n" + END,
    "1.0 without host": "GET / HTTP/1.0\r\n" + END,
    "length": POST + HOST + "Content-Length: 2\r\n" + END + "ab",
    "chunks": POST + HOST + "Transfer-Encoding: chunked\r\n" + END + "2\r\nab\r\n0\r\n\r\n",
    "method of others": "PROPFIND / HTTP/1.1\r\n" + HOST + END,
    "all": "OPTIONS * HTTP/1.1\r\n" + HOST + END,
    "value in latin-1": GET + HOST + "X-Name: \xe4\r\n" + END,
}
HOSTILE = {
    "two lengths": POST + HOST + "Content-Length: 2\r\nContent-Length: 40\r\n" + END + "ab" + NEXT,
    "one length twice": POST + HOST + "Content-Length: 2\r\nContent-Length: 2\r\n" + END + "ab" + NEXT,
    "list of lengths": POST + HOST + "Content-Length: 2, 2\r\n" + END + "ab" + NEXT,
    "length with a sign": POST + HOST + "Content-Length: +2\r\n" + END + "ab" + NEXT,
    "length with an underscore": POST + HOST + "Content-Length: 0_2\r\n" + END + "ab" + NEXT,
    "length in hexadecimal": POST + HOST + "Content-Length: 0x2\r\n" + END + "ab" + NEXT,
    "length and chunks": POST + HOST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + END + "0\r\n\r\n" + NEXT,
    "space before the colon": POST + HOST + "Transfer-Encoding : chunked\r\n" + END + "0\r\n\r\n" + NEXT,
    "tab before the colon": POST + HOST + "Transfer-Encoding\t: chunked\r\n" + END + "0\r\n\r\n" + NEXT,
    "folded line": GET + HOST + "X-A: b\r\n c\r\n" + END,
    "folded length": POST + HOST + "Content-Length:\r\n 2\r\n" + END + "ab",
    "line without a colon": GET + HOST + "nonsense\r\n" + END,
    "empty name": GET + HOST + ": x\r\n" + END,
    "bare line feed": GET + "Host: a.example\n" + END,
    "bare carriage return": GET + HOST + "X-A: b\rX-B: c\r\n" + END,
    "nul": GET + HOST + "X-A: b\x00c\r\n" + END,
    "chunk size in hexadecimal": POST + HOST + "Transfer-Encoding: chunked\r\n" + END + "0x2\r\nab\r\n0\r\n\r\n" + NEXT,
    "chunk size with a sign": POST + HOST + "Transfer-Encoding: chunked\r\n" + END + "+2\r\nab\r\n0\r\n\r\n" + NEXT,
    "no host": GET + END,
    "two hosts": GET + HOST + "Host: b.example\r\n" + END,
    "one host twice": GET + HOST + HOST + END,
    "empty host": GET + "Host:\r\n" + END,
    "host with a path": GET + "Host: a.example/x\r\n" + END,
    "host with a user": GET + "Host: me@a.example\r\n" + END,
    "list of hosts": GET + "Host: a.example, b.example\r\n" + END,
    "http/0.9": "GET /\r\n",
    "http/0.9 by name": "GET / HTTP/0.9\r\n" + HOST + END,
    "two spaces": "GET  / HTTP/1.1\r\n" + HOST + END,
    "tab": "GET\t/ HTTP/1.1\r\n" + HOST + END,
    "space in the path": "GET /a b HTTP/1.1\r\n" + HOST + END,
    "other letters in the path": "GET /\xe4 HTTP/1.1\r\n" + HOST + END,
    "address with a host": "GET http://b.example/ HTTP/1.1\r\n" + HOST + END,
    "method in small letters": "get / HTTP/1.1\r\n" + HOST + END,
    "line feed alone": "GET / HTTP/1.1\nHost: a.example\n\n",
    "version of many digits": "GET / HTTP/1.10\r\n" + HOST + END,
}


@pytest.mark.parametrize("sent", CLEAR.values(), ids=CLEAR)
def test_request_when_it_is_clear_reaches_the_application(server: Server, sent: str) -> None:
    assert server.answers(sent) == [f"HTTP/1.1 {204} No Content"]
    assert len(server.seen) == 1


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_request_when_it_can_be_read_in_two_ways_is_refused_and_closed(server: Server, sent: str) -> None:
    [answer] = server.answers(sent)
    assert answer.split()[1] == "400"
    assert server.seen == []


def test_request_when_its_head_is_cut_off_is_no_request(server: Server) -> None:
    assert server.answers(GET + HOST) == []
    assert server.seen == []


def test_version_when_it_is_not_spoken_is_refused(server: Server) -> None:
    [answer] = server.answers("GET / HTTP/2.0\r\n" + HOST + END)
    assert answer.split()[1] == "505"
    assert server.seen == []
