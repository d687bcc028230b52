"""`lockbox fetch`: what the vendor's product is sent, what is done with its answer, and what is said of a refusal."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.unit.builders import granted
from tests.unit.lockbox.cli.commands import fails, run, works
from tests.unit.lockbox.fake_portal import URL, FakePortal

from lockbox import clock
from lockbox.cli.fetch import REFUSED
from lockbox.cli.key import own_key
from lockbox.crypto import possession
from lockbox.crypto.possession import Target
from lockbox.guard.refusals import REASONS, Refusal

GRANT = granted().granted()
SIGNED = "a.b.c"
PATH = "/documents/alice"
ADDRESS = URL + PATH
LETTER = "From: bank@example.org\n"

pytestmark = pytest.mark.usefixtures("signed_in")


def refusal(reason: str) -> httpx.Response:
    """As the guard makes it."""
    made = Refusal(reason)
    return httpx.Response(made.status, headers=made.headers, content=made.body)


def test_fetch_when_served_shows_grant_and_proof_and_prints_the_answer(portal: FakePortal) -> None:
    portal.says(f"GET /api/v1/grants/{GRANT.id}/token", {"grant_id": GRANT.id, "token": SIGNED})
    portal.on(f"GET {PATH}", httpx.Response(200, text=LETTER))
    assert works("fetch", GRANT.id, f"{ADDRESS}?page=2") == LETTER
    [request] = portal.asked(f"GET {PATH}")
    assert request.url == f"{ADDRESS}?page=2"
    assert request.headers["Authorization"] == f"DPoP {SIGNED}"
    proof = possession.read(request.headers["DPoP"])
    possession.check(proof, own_key().kid, Target("GET", ADDRESS), clock.now().timestamp())
    possession.check_token(proof, SIGNED)


def test_fetch_when_given_a_signed_grant_asks_only_the_product(portal: FakePortal) -> None:
    portal.on(f"GET {PATH}", httpx.Response(200, text=LETTER))
    works("fetch", SIGNED, ADDRESS)
    assert len(portal.requests) == 1


@pytest.mark.parametrize(
    ("options", "method", "sent"),
    [
        (("-d", "text"), "POST", b"text"),
        (("-X", "put", "-d", "text"), "PUT", b"text"),
        (("-X", "DELETE"), "DELETE", b""),
        (("-d", "@{file}"), "POST", b"\xff\x00"),
        (("-d", "@-"), "POST", b"typed"),
    ],
)
def test_fetch_when_given_data_sends_it(
    portal: FakePortal, tmp_path: Path, options: tuple[str, ...], method: str, sent: bytes
) -> None:
    file = tmp_path / "data"
    file.write_bytes(b"\xff\x00")
    portal.on(f"{method} {PATH}", httpx.Response(204))
    given = [option.format(file=file) for option in options]
    assert run("fetch", SIGNED, ADDRESS, *given, text="typed").exit_code == 0
    [request] = portal.requests
    assert request.content == sent
    possession.check(possession.read(request.headers["DPoP"]), None, Target(method, ADDRESS), clock.now().timestamp())


def test_fetch_when_given_headers_sends_them_and_never_another_grant(portal: FakePortal) -> None:
    portal.on(f"GET {PATH}", httpx.Response(200))
    works("fetch", SIGNED, ADDRESS, "-H", "Accept: text/csv", "-H", "authorization: Bearer x", "-H", "dpop: y")
    [request] = portal.requests
    assert request.headers["Accept"] == "text/csv"
    assert request.headers.get_list("Authorization") == [f"DPoP {SIGNED}"]
    assert len(request.headers.get_list("DPoP")) == 1


def test_fetch_when_there_is_a_place_for_the_answer_puts_it_there_as_it_is(portal: FakePortal, tmp_path: Path) -> None:
    portal.on(f"GET {PATH}", httpx.Response(200, content=b"\x89PNG\r\n\x00"))
    assert works("fetch", SIGNED, ADDRESS, "-o", str(tmp_path / "kept")) == ""
    assert (tmp_path / "kept").read_bytes() == b"\x89PNG\r\n\x00"
    assert run("fetch", SIGNED, ADDRESS).stdout_bytes == b"\x89PNG\r\n\x00"
    assert fails("fetch", SIGNED, ADDRESS, "-o", str(tmp_path)).startswith(f"--output: {tmp_path}: ")


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_fetch_when_the_guard_refuses_says_why_and_prints_nothing(
    portal: FakePortal, tmp_path: Path, reason: str
) -> None:
    portal.on(f"GET {PATH}", refusal(reason))
    done = run("fetch", SIGNED, ADDRESS, "-o", str(tmp_path / "kept"))
    assert (done.exit_code, done.stdout) == (REFUSED, "")
    assert done.stderr.startswith(f"lockbox: {REASONS[reason]}")
    assert done.stderr.endswith(f" [{reason}]\n")
    assert not (tmp_path / "kept").exists()


def test_fetch_when_it_is_led_elsewhere_does_not_go_there(portal: FakePortal) -> None:
    portal.on(f"GET {PATH}", httpx.Response(302, headers={"Location": "https://elsewhere.example/"}))
    said = fails("fetch", SIGNED, ADDRESS)
    assert said == f"{ADDRESS} answered 302 Found: it leads to https://elsewhere.example/"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(404, text="no such document\n"), "404 Not Found: no such document"),
        (httpx.Response(400, json={"code": "x"}), '400 Bad Request: {"code":"x"}'),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), "502 Bad Gateway"),
    ],
)
def test_fetch_when_the_product_objects_says_so(portal: FakePortal, answer: httpx.Response, said: str) -> None:
    portal.on(f"GET {PATH}", answer)
    assert fails("fetch", SIGNED, ADDRESS) == f"{ADDRESS} answered {said}"


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_fetch_when_the_product_does_not_answer_says_so(portal: FakePortal, error: httpx.HTTPError) -> None:
    portal.on(f"GET {PATH}", error)
    assert fails("fetch", SIGNED, ADDRESS) == f"{ADDRESS} does not answer: {error}"


def test_fetch_when_the_answer_breaks_off_says_so(portal: FakePortal) -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"From: "
            raise httpx.RemoteProtocolError("peer closed connection")

    portal.on(f"GET {PATH}", lambda _request: httpx.Response(200, stream=Broken()))
    assert "peer closed connection" in fails("fetch", SIGNED, ADDRESS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("files.vendor.example/a",),
        ("http://[::1",),
        ("https://erin@vendor.example/",),
        (ADDRESS, "-H", "Accept"),
        (ADDRESS, "-H", "X: a\nY: b"),
        (ADDRESS, "-d", "@/nowhere"),
    ],
    ids=["no scheme", "no address", "a user", "no value", "two headers", "no file"],
)
def test_fetch_when_it_can_not_be_sent_asks_nobody(portal: FakePortal, arguments: tuple[str, ...]) -> None:
    assert fails("fetch", SIGNED, *arguments)
    assert portal.requests == []
