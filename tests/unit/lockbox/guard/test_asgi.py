"""The guard of ASGI applications: Starlette on Uvicorn, where request lines come as they are."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from tests.unit.lockbox.guard.scene import (
    ALICE,
    GRANT_ID,
    HIS,
    ORIGIN,
    Scene,
    ask,
    cookies,
    grant,
    proof,
    require_refused_tricks,
    require_served_plain,
    shown,
)
from tests.unit.lockbox.guard.stand_in import RECORD, answers, hang
from tests.waiting import eventually

from lockbox.guard.asgi import GuardedAsgi, request_of
from lockbox.guard.middleware import DECISION

SECRET = "Dear Alice, ..."


async def document(request: Request) -> Response:
    return PlainTextResponse(f"{SECRET} of {request.path_params['tenant']}/{request.path_params['resource']}")


async def who(request: Request) -> Response:
    decision = request.scope[DECISION]
    return JSONResponse(decision and [decision.engineer, decision.grant_id])


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Says which path it got; accepts every WebSocket, and tells it by which action it came in."""
    if scope["type"] == "http":
        await PlainTextResponse(scope["path"])(scope, receive, send)
    else:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": scope[DECISION].attempt.action})


def mailboxes(scene: Scene, events: list[str]) -> Starlette:
    """A product with content; says what it was asked for."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        events.append("up")
        yield
        events.append("down")

    return Starlette(
        routes=[
            Route("/documents/contoso/mailbox/me", who),
            Route("/documents/{tenant}/{resource:path}", document, methods=["GET", "PUT"]),
            Route("/healthz", who),
        ],
        middleware=[Middleware(GuardedAsgi, guard=scene.request_guard)],
        lifespan=lifespan,
    )


class Switch:
    """An application that passes all on to another one, which each test chooses; a server takes a while to stop."""

    application: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.application(scope, receive, send)


@pytest.fixture(scope="module")
def switch() -> Switch:
    return Switch()


@pytest.fixture(scope="module")
def running(switch: Switch) -> Iterator[int]:
    with on_uvicorn(switch, lifespan="off") as port:
        yield port


@contextmanager
def on_uvicorn(application: Any, **options: Any) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="critical", ws="none", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def port(scene: Scene, switch: Switch, running: int) -> int:
    """A product that serves whatever gets to it."""
    switch.application = GuardedAsgi(echo, scene.request_guard)
    return running


@pytest.fixture
def product(scene: Scene, switch: Switch, running: int) -> int:
    """One of Starlette's."""
    switch.application = mailboxes(scene, [])
    return running


def test_product_when_a_grant_and_its_proof_are_shown_serves_what_was_named(product: int, scene: Scene) -> None:
    answer = ask(product, "GET", ALICE, shown(grant()))
    assert (answer.status, answer.body) == (200, f"{SECRET} of contoso/mailbox/alice".encode())
    assert scene.records_of(resource="mailbox/alice", tenant="contoso") == [(True, "granted", "read")]


def test_product_when_no_grant_is_shown_asks_for_one(product: int, scene: Scene) -> None:
    answer = ask(product, "GET", ALICE)
    assert (answer.status, answer.code) == (401, "no_grant")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'DPoP algs="EdDSA Ed25519 ES256"'
    assert scene.records_of(resource="mailbox/alice") == [(False, "no_grant", "read")]


@pytest.mark.parametrize(
    ("headers", "path", "method", "reason"),
    [
        (lambda t: {"Authorization": f"DPoP {t}"}, ALICE, "GET", "proof_missing"),
        (lambda t: {"Authorization": f"DPoP {t}", "DPoP": proof(t, key=HIS)}, ALICE, "GET", "proof_of_another_key"),
        (lambda t: shown(t), ALICE, "PUT", "proof_of_another_request"),
        (lambda t: shown(t, f"{ALICE}/x"), f"{ALICE}/x", "GET", "other_resource"),
        (lambda t: shown(t) | cookies(t), ALICE, "GET", "credentials_ambiguous"),
        (lambda t: [*shown(t).items(), ("Authorization", f"DPoP {t}")], ALICE, "GET", "credentials_ambiguous"),
        (lambda t: [*shown(t).items(), ("DPoP", proof(t))], ALICE, "GET", "credentials_ambiguous"),
        (lambda t: [*cookies(t).items(), *cookies(t).items()], ALICE, "GET", "credentials_ambiguous"),
        (lambda t: cookies(t), ALICE, "PUT", "cross_site"),
        (lambda t: shown(t) | {"X-Method-Override": "PUT"}, ALICE, "GET", "method_ambiguous"),
        (lambda t: shown(t), "/elsewhere", "GET", "no_route"),
    ],
)
def test_product_when_what_is_shown_does_not_fit_is_never_reached(
    product: int, headers: Any, path: str, method: str, reason: str
) -> None:
    answer = ask(product, method, path, headers(grant()))
    assert (answer.status, answer.code) == (403, reason)
    assert SECRET.encode() not in answer.body


def test_product_when_somebody_is_let_in_knows_who(product: int) -> None:
    path = "/documents/contoso/mailbox/me"
    answer = ask(product, "GET", path, shown(grant(resources=["mailbox/me"]), path))
    assert json.loads(answer.body) == ["erin@vendor.example", GRANT_ID]


def test_product_when_all_is_open_is_asked_for_no_grant_and_knows_it(product: int, scene: Scene) -> None:
    assert json.loads(ask(product, "GET", "/healthz").body) is None
    assert scene.portal.asked(RECORD) == []


def test_product_when_the_grant_is_revoked_is_never_reached(product: int, scene: Scene) -> None:
    scene.revoke()
    assert ask(product, "GET", ALICE, shown(grant())).code == "grant_revoked"


def test_product_when_the_record_can_not_be_made_is_never_reached(product: int, scene: Scene) -> None:
    scene.portal.behaviours[RECORD] = answers(503)
    answer = ask(product, "GET", ALICE, shown(grant()))
    assert (answer.status, answer.code) == (503, "not_recorded")


def test_product_when_the_guard_has_heard_nothing_is_never_reached(
    tmp_path: Path, scene: Scene, switch: Switch, running: int
) -> None:
    deaf = Scene(scene.portal, tmp_path)
    switch.application = mailboxes(deaf, [])
    answer = ask(running, "GET", ALICE, shown(grant()))
    deaf.guard.stop()
    assert (answer.status, answer.code) == (503, "revocations_stale")


def test_refusal_when_asked_by_head_has_no_body(port: int) -> None:
    answer = ask(port, "HEAD", ALICE)
    assert (answer.status, answer.body, answer.headers["lockbox-reason"]) == (401, b"", "no_grant")


def test_lifespan_when_the_server_starts_and_stops_passes_through(scene: Scene) -> None:
    events: list[str] = []
    with on_uvicorn(mailboxes(scene, events), lifespan="on"):
        assert events == ["up"]
    assert events == ["up", "down"]


# --- while the record is made --------------------------------------------------------------------------------------


def test_event_loop_when_the_portal_hangs_goes_on(scene: Scene, port: int) -> None:
    scene.portal.behaviours[RECORD] = hang
    with ThreadPoolExecutor() as threads:
        waits = threads.submit(ask, port, "GET", ALICE, shown(grant()))
        eventually(lambda: scene.portal.asked(RECORD))
        assert ask(port, "GET", "/healthz").status == 200
        assert ask(port, "GET", "/elsewhere").status == 403
        assert not waits.done()
        scene.portal.released.set()
        answer = waits.result()
    assert (answer.status, answer.code) == (503, "not_recorded")


# --- WebSockets, in the messages of ASGI ---------------------------------------------------------------------------


def opened(scene: Scene, headers: dict[str, str], *extensions: str) -> list[dict[str, Any]]:
    """What a server is told when somebody opens a WebSocket."""
    scope = {
        "type": "websocket",
        "path": ALICE,
        "raw_path": ALICE.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "extensions": {extension: {} for extension in extensions},
    }
    told: list[dict[str, Any]] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(GuardedAsgi(echo, scene.request_guard)(scope, receive, send))
    return told


def test_websocket_when_the_grant_has_its_action_is_opened(scene: Scene) -> None:
    accepted, said = opened(scene, shown(grant(actions=["follow"])))
    assert (accepted["type"], said["text"]) == ("websocket.accept", "follow")
    assert scene.records_of(resource="mailbox/alice") == [(True, "granted", "follow")]


def test_websocket_when_the_grant_is_to_read_is_not_opened(scene: Scene) -> None:
    [closed] = opened(scene, shown(grant()))
    assert closed == {"type": "websocket.close", "code": 1008, "reason": "other_action"}
    assert scene.records_of(resource="mailbox/alice") == [(False, "other_action", "follow")]


def test_websocket_when_the_server_can_answer_is_refused_with_the_problem(scene: Scene) -> None:
    start, body = opened(scene, {}, "websocket.http.response")
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert json.loads(body["body"])["code"] == "no_grant"


@pytest.mark.parametrize("origin", [{}, {"Origin": "null"}, {"Origin": "https://evil.example"}])
def test_websocket_when_another_site_opens_it_with_cookies_is_not_opened(scene: Scene, origin: dict[str, str]) -> None:
    [closed] = opened(scene, cookies(grant(actions=["follow"])) | origin)
    assert closed["reason"] == "cross_site"


def test_websocket_when_the_product_itself_opens_it_with_cookies_is_opened(scene: Scene) -> None:
    accepted, _ = opened(scene, cookies(grant(actions=["follow"])) | {"Origin": ORIGIN})
    assert accepted["type"] == "websocket.accept"


def test_scope_when_it_is_of_an_unknown_type_is_not_let_in(scene: Scene) -> None:
    async def reached(*_: Any) -> None:
        pytest.fail("the application was reached")

    with pytest.raises(KeyError, match="another"):
        asyncio.run(
            GuardedAsgi(reached, scene.request_guard)({"type": "another", "path": "/healthz"}, reached, reached)
        )


# --- which path the product gets -----------------------------------------------------------------------------------


def test_product_when_the_path_is_a_trick_is_never_reached(port: int) -> None:
    require_refused_tricks(port)


def test_product_when_the_path_is_plain_gets_what_was_judged(port: int) -> None:
    require_served_plain(port)


def test_product_when_a_proxy_took_a_prefix_off_is_judged_by_the_whole_path(scene: Scene) -> None:
    with on_uvicorn(GuardedAsgi(echo, scene.request_guard), lifespan="off", root_path="/documents") as port:
        answer = ask(port, "GET", "/contoso/mailbox/alice", shown(grant()))
        assert (answer.status, answer.body.decode()) == (200, ALICE)


@pytest.mark.parametrize(
    ("scope", "address"),
    [
        ({"path": "/alice@x"}, "/alice@x"),
        ({"path": "/alice@x", "raw_path": None}, "/alice@x"),
        ({"path": "/alice@x", "raw_path": b"/alice%40x"}, "/alice%40x"),
        ({"path": "/alice@x", "raw_path": b"/alice%40x?a=b"}, "/alice%40x"),
        ({"path": "/app/alice", "raw_path": b"/alice", "root_path": "/app"}, "/app/alice"),
    ],
)
def test_request_when_servers_tell_its_path_differently_is_the_same(scope: dict[str, Any], address: str) -> None:
    asked = request_of({"type": "http", "method": "GET", "headers": [], **scope})
    assert (asked.path, asked.address) == (scope["path"], address)
