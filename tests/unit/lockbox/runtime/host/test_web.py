"""The web server in a Nameko container, with real sockets and no broker."""

from collections.abc import Iterator
from typing import Any, ClassVar

import eventlet
import pytest
from eventlet.event import Event
from eventlet.green import socket as green
from nameko.containers import ServiceContainer
from nameko.exceptions import ConfigurationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from lockbox.runtime.host.web import EdgeRules, WebEdge, respond, web_request
from lockbox.runtime.web.bodies import LARGEST_BODY
from lockbox.runtime.web.lanes import Lane

SLOW, QUICK = Lane("slow", 2, whole=True), Lane("quick", 2, whole=True)
CONFIG = {"WEB_SERVER_ADDRESS": "127.0.0.1:0", "max_workers": 5}


def application(environ: Any, start_response: Any) -> Any:
    """Answer with the length of the body, as a WSGI application reads it."""
    request = Request(environ)
    request.max_content_length = LARGEST_BODY
    try:
        answer: Any = Response(str(len(request.get_data())))
    except HTTPException as error:
        answer = error
    return answer(environ, start_response)


def rules(_config: Any) -> EdgeRules:
    lanes = (SLOW, QUICK)
    return EdgeRules(lanes, lambda request: "slow" if request.path == "/slow" else "quick", application=application)


class Service:
    """A service with a slow and a quick address."""

    name = "web_service"
    web = WebEdge(rules)
    released: ClassVar[Event]

    @web_request("/<path:path>")
    def serve(self, request: Request, path: str) -> Response:
        if path == "slow":
            self.released.wait()
            return Response("slow", status=503)
        if path == "effect":
            self.web.worked("slow")
        return respond(self.web.rules.application, request)


class Undivided:
    """A service without lanes of its own."""

    name = "undivided_service"

    @web_request("/<path:path>")
    def serve(self, request: Request, path: str) -> str:
        return path


class Served:
    """A running service."""

    def __init__(self, service: type, **config: Any) -> None:
        Service.released = Event()
        self.container = ServiceContainer(service, CONFIG | config)
        self.container.start()
        [self.server] = [one for one in self.container.subextensions if hasattr(one, "listener")]

    def send(self, line: str, *headers: str, body: bytes = b"") -> Any:
        client = green.create_connection(self.server.listener.socket.getsockname())
        client.settimeout(5)
        head = "\r\n".join([f"{line} HTTP/1.1", "Host: a", "Connection: close", *headers, "", ""])
        client.sendall(head.encode() + body)
        return client

    def ask(self, line: str, *headers: str, body: bytes = b"") -> bytes:
        client, received = self.send(line, *headers, body=body), b""
        while piece := client.recv(65_536):
            received += piece
        client.close()
        return received


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served(Service)
    yield served
    if not Service.released.ready():
        Service.released.send(None)
    served.container.stop()


def at_work(served: Served, number: int) -> None:
    with eventlet.Timeout(5):
        while served.server.lanes._busy[SLOW].total() != number:
            eventlet.sleep(0.005)


def test_request_when_its_lane_is_full_is_refused_at_once_and_other_lanes_answer(served: Served) -> None:
    waiting = [served.send("GET /slow") for _ in range(2)]
    at_work(served, 2)
    refused = served.ask("GET /slow")
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 2" in refused
    assert served.ask("GET /quick").startswith(b"HTTP/1.1 200")
    Service.released.send(None)
    assert [client.recv(12) for client in waiting] == [b"HTTP/1.1 503"] * 2
    at_work(served, 0)


def test_requests_when_slow_to_arrive_hold_no_worker(served: Served) -> None:
    for _ in range(10):
        served.send("POST /quick", "Content-Length: 5", body=b"he")
    assert served.ask("POST /quick", "Content-Length: 5", body=b"hello").endswith(b"5")


def test_lane_when_a_request_waits_is_blocked_until_one_has_its_effect(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.send("GET /slow")
    at_work(served, 1)
    assert not served.server.blocked("slow")
    trouble = served.server.lanes._troubles["slow"]
    monkeypatch.setattr(trouble, "_bound", 0.0)
    assert served.server.blocked("slow")
    Service.released.send(None)
    at_work(served, 0)
    assert served.server.blocked("slow")
    served.ask("GET /effect")
    assert not served.server.blocked("slow")


@pytest.mark.parametrize("size", [0, 5, LARGEST_BODY])
def test_body_in_chunks_when_read_by_an_application_has_a_length(served: Served, size: int) -> None:
    chunks = b"%x\r\n%s\r\n" % (size, bytes(size)) if size else b""
    answer = served.ask("POST /quick", "Transfer-Encoding: chunked", body=chunks + b"0\r\n\r\n")
    assert answer.endswith(b"\r\n%d" % size)


@pytest.mark.parametrize("framing", ["Content-Length: 300000", "Transfer-Encoding: chunked"])
def test_body_when_too_large_is_refused_by_the_application(served: Served, framing: str) -> None:
    body = bytes(300_000)
    sent = body if "Length" in framing else b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert served.ask("POST /quick", framing, body=sent).startswith(b"HTTP/1.1 413")


def test_service_when_it_has_no_lanes_answers_with_all_its_workers() -> None:
    served = Served(Undivided, max_workers=20)
    assert served.server.lanes.workers == 10
    assert served.ask("GET /path").endswith(b"path")
    served.container.stop()


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"max_workers": 4}, "max_workers: expected more than 4, got 4"),
        ({"MAX_CONNECTIONS": 15}, "MAX_CONNECTIONS: expected a number from 16 to 20000, got 15"),
        ({"MAX_CONNECTIONS": "many"}, "MAX_CONNECTIONS: expected a number from 16 to 20000, got 'many'"),
        ({"REQUEST_SECONDS": 0}, "REQUEST_SECONDS: expected a number from 1 to 300, got 0"),
        ({"REQUEST_SECONDS": True}, "REQUEST_SECONDS: expected a number from 1 to 300, got True"),
    ],
)
def test_service_when_a_setting_is_out_of_its_bounds_does_not_start(config: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Served(Service, **config)
