"""`lockbox proxy`: who gets through, what the vendor's product is asked, and what comes back."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from threading import Thread
from typing import Any

import httpx
import pytest
from tests.unit.builders import granted
from tests.unit.lockbox.cli.commands import fails
from tests.unit.lockbox.fake_portal import URL, FakePortal

from lockbox import clock
from lockbox.cli.key import own_key
from lockbox.cli.proxy import RENEWED, Passage, ProxyServer
from lockbox.crypto import possession
from lockbox.crypto.possession import Target
from lockbox.guard.refusals import Refusal

GRANT = granted().granted()
TOKEN, SIGNED = f"GET /api/v1/grants/{GRANT.id}/token", "a.b.c"
PATH = "/documents/alice"
LETTER = "From: bank@example.org\n"

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture
def server(portal: FakePortal) -> Iterator[ProxyServer]:
    portal.says(TOKEN, {"grant_id": GRANT.id, "token": SIGNED})
    with ProxyServer(Passage(GRANT.id, URL)) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def answers(portal: FakePortal, method: str, status: int, headers: Any = None, content: bytes = b"") -> None:
    """The product's answer, which comes in bit by bit."""
    portal.on(
        f"{method} {PATH}",
        lambda _: httpx.Response(status, headers=headers, stream=httpx.ByteStream(content)),
    )


def ask(
    server: ProxyServer, target: str = PATH, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[HTTPResponse, str]:
    """By its own name, unless `Host` says another one."""
    fields = {"Host": server.host} | {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(HTTPConnection("127.0.0.1", server.server_port, timeout=10)) as connection:
        connection.request(method, target, body, fields)
        with connection.getresponse() as answer:
            return answer, answer.read().decode()


def test_request_when_asked_for_by_the_secret_name_goes_with_grant_and_proof(
    server: ProxyServer, portal: FakePortal
) -> None:
    answers(portal, "GET", 200, content=LETTER.encode())
    answer, said = ask(server, f"{PATH}?page=2", Authorization="Bearer x", DPoP="y", Accept="text/plain")
    assert (answer.status, said) == (200, LETTER)
    [request] = portal.asked(f"GET {PATH}")
    assert request.url == f"{URL}{PATH}?page=2"
    assert request.headers["Host"] == "lockbox.example"
    assert request.headers["Accept"] == "text/plain"
    assert request.headers.get_list("Authorization") == [f"DPoP {SIGNED}"]
    [shown] = request.headers.get_list("DPoP")
    proof = possession.read(shown)
    possession.check(proof, own_key().kid, Target("GET", f"{URL}{PATH}"), clock.now().timestamp())
    possession.check_token(proof, SIGNED)


def test_requests_when_several_have_each_a_proof_and_one_grant(server: ProxyServer, portal: FakePortal) -> None:
    answers(portal, "GET", 200, content=LETTER.encode())
    for _ in range(3):
        ask(server)
    assert len({possession.read(request.headers["DPoP"]).id for request in portal.asked(f"GET {PATH}")}) == 3
    assert len(portal.asked(TOKEN)) == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:{port}",
        "localhost:{port}",
        "evil.example:{port}",
        "{name}",
        "x{name}:{port}",
        "{name}:{port}.evil",
        "",
    ],
)
def test_request_when_asked_for_by_another_name_goes_nowhere(
    server: ProxyServer, portal: FakePortal, host: str
) -> None:
    name = server.host.partition(":")[0]
    answer, said = ask(server, Host=host.format(name=name, port=server.server_port))
    assert answer.status == 421
    assert server.host not in said
    assert portal.requests == []


def test_name_when_made_is_another_one_each_time() -> None:
    names = set()
    for _ in range(3):
        with ProxyServer(Passage(SIGNED, URL)) as server:
            assert server.server_address[0] == "127.0.0.1"
            names.add(server.host.partition(".")[0])
    assert (len(names), {len(name) for name in names}) == (3, {32})


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_request_when_another_site_asks_goes_nowhere(
    server: ProxyServer, portal: FakePortal, site: str, status: int
) -> None:
    answers(portal, "GET", 200, content=LETTER.encode())
    assert ask(server, Sec_Fetch_Site=site)[0].status == status
    assert len(portal.asked(f"GET {PATH}")) == (status == 200)


def test_request_when_it_changes_something_is_as_if_asked_at_the_product(
    server: ProxyServer, portal: FakePortal
) -> None:
    answers(portal, "PUT", 204)
    answer, _ = ask(server, PATH, "PUT", b"\xff\x00", Origin=server.address, Referer=f"{server.address}/edit")
    assert answer.status == 204
    [request] = portal.asked(f"PUT {PATH}")
    assert request.content == b"\xff\x00"
    assert (request.headers["Origin"], request.headers["Referer"]) == (URL, f"{URL}/edit")


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("http://elsewhere.example/", {}, 400),
        ("*", {}, 400),
        (PATH, {"Upgrade": "websocket"}, 501),
        (PATH, {"Transfer_Encoding": "chunked"}, 411),
        (PATH, {"Content_Length": "-1"}, 411),
    ],
)
def test_request_when_it_can_not_be_passed_on_goes_nowhere(
    server: ProxyServer, portal: FakePortal, target: str, headers: dict[str, str], status: int
) -> None:
    answer, said = ask(server, target, **headers)
    assert (answer.status, answer.headers["Connection"]) == (status, "close")
    assert said.startswith("lockbox: ")
    assert portal.requests == []


def test_answer_when_it_leads_on_stays_here(server: ProxyServer, portal: FakePortal) -> None:
    cookie = "id=1; Domain=lockbox.example; Path=/; HttpOnly"
    answers(portal, "GET", 302, headers={"Location": f"{URL}/next", "Set-Cookie": cookie})
    answer, _ = ask(server)
    assert answer.status == 302
    assert answer.headers["Location"] == f"{server.address}/next"
    assert answer.headers["Set-Cookie"] == "id=1; Path=/; HttpOnly"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    answers(portal, "GET", 302, headers={"Location": f"{URL}.evil.example/"})
    assert ask(server)[0].headers["Location"] == f"{URL}.evil.example/"


@pytest.mark.parametrize("reason", RENEWED)
def test_grant_when_refused_as_of_no_use_any_more_is_fetched_anew_for_the_next_request(
    server: ProxyServer, portal: FakePortal, reason: str
) -> None:
    made = Refusal(reason)
    answers(portal, "GET", made.status, headers=made.headers, content=made.body)
    answer, said = ask(server)
    assert (answer.status, answer.headers["Lockbox-Reason"]) == (403, reason)
    assert reason in said
    ask(server)
    assert len(portal.asked(TOKEN)) == 2


def test_request_when_the_product_does_not_answer_says_so(server: ProxyServer, portal: FakePortal) -> None:
    portal.on(f"GET {PATH}", httpx.ConnectError("refused"))
    answer, said = ask(server)
    assert (answer.status, said) == (502, f"lockbox: {URL} does not answer: refused\n")


def test_request_when_the_grant_has_ended_says_so(server: ProxyServer, portal: FakePortal) -> None:
    portal.says(TOKEN, {"detail": "it has ended", "code": "grant_ended"}, status=409)
    answer, said = ask(server)
    assert (answer.status, said) == (502, "lockbox: it has ended [grant_ended]\n")


@pytest.mark.parametrize(
    "origin",
    [
        "files.vendor.example",
        "ftp://files.vendor.example",
        f"{URL}/documents",
        "https://erin@lockbox.example",
        "http://[::1",
    ],
)
def test_proxy_when_the_product_is_no_origin_does_not_begin(portal: FakePortal, origin: str) -> None:
    assert origin in fails("proxy", SIGNED, origin)
    assert portal.requests == []


def test_proxy_when_the_port_is_taken_says_so(server: ProxyServer) -> None:
    assert fails("proxy", SIGNED, URL, "--port", str(server.server_port)).startswith("can't listen on 127.0.0.1:")
