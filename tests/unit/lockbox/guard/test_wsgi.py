"""The guard of WSGI applications: in Flask, and on Waitress itself, where request lines come as they are."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from tests.unit.lockbox.guard.scene import (
    ALICE,
    GRANT_ID,
    HIS,
    ORIGIN,
    Scene,
    ask,
    cookies,
    grant,
    on_waitress,
    proof,
    require_refused_tricks,
    require_served_plain,
    shown,
)
from tests.unit.lockbox.guard.stand_in import RECORD, answers
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import TestResponse

from lockbox.guard.middleware import DECISION
from lockbox.guard.wsgi import GuardedWsgi, request_of

SECRET = b"Dear Alice, ..."


def mailboxes() -> Flask:
    """A product with content; says what it was asked for."""
    product = Flask(__name__, static_folder=None)

    @product.route("/documents/<tenant>/<path:resource>", methods=["GET", "PUT"])
    def document(tenant: str, resource: str) -> bytes:
        return b"%s of %s/%s" % (SECRET, tenant.encode(), resource.encode())

    @product.route("/healthz")
    def health() -> dict[str, Any]:
        return {"decision": request.environ[DECISION]}

    @product.route("/who/<path:resource>")
    def who(resource: str) -> dict[str, Any]:
        return {"engineer": request.environ[DECISION].engineer}

    return product


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    product = mailboxes()
    product.wsgi_app = GuardedWsgi(product.wsgi_app, scene.request_guard)  # type: ignore[method-assign]
    return product.test_client(use_cookies=False)


def code(answer: TestResponse) -> str:
    """Of a problem document."""
    return str(answer.get_json()["code"])


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Says which path it got, in the letters of a server."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(environ["SCRIPT_NAME"] + environ["PATH_INFO"]).encode("latin-1")]


@pytest.fixture
def port(scene: Scene) -> Iterator[int]:
    with on_waitress(GuardedWsgi(echo, scene.request_guard)) as port:
        yield port


def test_product_when_a_grant_and_its_proof_are_shown_serves_what_was_named(client: FlaskClient, scene: Scene) -> None:
    answer = client.get(ALICE, headers=shown(grant()))
    assert (answer.status_code, answer.data) == (200, SECRET + b" of contoso/mailbox/alice")
    assert scene.records_of(resource="mailbox/alice", tenant="contoso") == [(True, "granted", "read")]


def test_product_when_no_grant_is_shown_asks_for_one(client: FlaskClient, scene: Scene) -> None:
    answer = client.get(ALICE)
    assert (answer.status_code, code(answer)) == (401, "no_grant")
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'DPoP algs="EdDSA Ed25519 ES256"'
    assert scene.records_of(resource="mailbox/alice") == [(False, "no_grant", "read")]


@pytest.mark.parametrize(
    ("headers", "path", "method", "reason"),
    [
        (lambda t: {"Authorization": f"DPoP {t}"}, ALICE, "GET", "proof_missing"),
        (lambda t: {"Authorization": f"Bearer {t}"}, ALICE, "GET", "proof_missing"),
        (lambda t: {"Authorization": f"DPoP {t}", "DPoP": proof(t, key=HIS)}, ALICE, "GET", "proof_of_another_key"),
        (lambda t: shown(t, "/documents/contoso/mailbox/bob"), ALICE, "GET", "proof_of_another_request"),
        (lambda t: shown(t), ALICE, "PUT", "proof_of_another_request"),
        (lambda t: shown(t, method="PUT"), ALICE, "PUT", "other_action"),
        (lambda t: shown(t, f"{ALICE}/x"), f"{ALICE}/x", "GET", "other_resource"),
        (lambda t: shown(t, "/documents/fabrikam/a/b"), "/documents/fabrikam/a/b", "GET", "other_tenant"),
        (lambda t: shown(t) | cookies(t), ALICE, "GET", "credentials_ambiguous"),
        (lambda t: shown(t[:-4] + "AAAA"), ALICE, "GET", "token_forged"),
        (lambda t: cookies(t), ALICE, "PUT", "cross_site"),
        (lambda t: shown(t) | {"X-HTTP-Method-Override": "PUT"}, ALICE, "GET", "method_ambiguous"),
        (lambda t: shown(t) | {"X-Original-URL": "/admin"}, ALICE, "GET", "path_ambiguous"),
        (lambda t: shown(t) | {"Upgrade": "websocket"}, ALICE, "GET", "other_action"),
    ],
)
def test_product_when_what_is_shown_does_not_fit_is_never_reached(
    client: FlaskClient, headers: Any, path: str, method: str, reason: str
) -> None:
    answer = client.open(path, method=method, headers=headers(grant()))
    assert (answer.status_code, code(answer)) == (403, reason)
    assert SECRET not in answer.data


def test_product_when_a_proof_comes_again_is_never_reached(client: FlaskClient) -> None:
    headers = shown(grant())
    assert client.get(ALICE, headers=headers).status_code == 200
    assert code(client.get(ALICE, headers=headers)) == "proof_replayed"


def test_product_when_the_credentials_are_ambiguous_has_it_on_record(client: FlaskClient, scene: Scene) -> None:
    token = grant()
    client.get(ALICE, headers=shown(token) | cookies(token))
    assert scene.records_of(resource="mailbox/alice") == [(False, "no_grant", "read")]


def test_product_when_a_browser_shows_its_cookies_serves(client: FlaskClient) -> None:
    headers = cookies(grant(actions=["read", "write"]))
    assert client.get(ALICE, headers=headers).status_code == 200
    assert client.get(ALICE, headers=headers).status_code == 200, "for some minutes, not for one request"
    assert client.put(ALICE, headers=headers | {"Origin": ORIGIN}).status_code == 200
    assert client.put(ALICE, headers=headers | {"Origin": "https://evil.example"}).status_code == 403


def test_product_when_the_certificate_is_told_serves(client: FlaskClient) -> None:
    token = grant(cnf={"x5t#S256": "A" * 43})
    assert client.get(ALICE, headers={"Authorization": f"Bearer {token}", "X-Client-Cert": "A" * 43}).status_code == 200
    other = client.get(ALICE, headers={"Authorization": f"Bearer {token}", "X-Client-Cert": "B" * 43})
    assert code(other) == "proof_of_another_key"


def test_product_when_the_grant_is_revoked_is_never_reached(client: FlaskClient, scene: Scene) -> None:
    scene.revoke()
    assert code(client.get(ALICE, headers=shown(grant()))) == "grant_revoked"


def test_product_when_all_is_open_is_asked_for_no_grant_and_knows_it(client: FlaskClient, scene: Scene) -> None:
    assert client.get("/healthz").json == {"decision": None}
    assert scene.portal.asked(RECORD) == []


def test_product_when_somebody_is_let_in_knows_who(scene: Scene) -> None:
    seen: list[Any] = []

    def product(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.append(environ[DECISION])
        return echo(environ, start_response)

    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": ALICE}
    fields = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in shown(grant()).items()}
    list(GuardedWsgi(product, scene.request_guard)({**environ, **fields, DECISION: "forged"}, lambda *_: None))
    [decision] = seen
    assert (decision.allowed, decision.engineer, decision.grant_id) == (True, "erin@vendor.example", GRANT_ID)


def test_product_when_no_route_names_the_path_is_never_reached(client: FlaskClient, scene: Scene) -> None:
    assert code(client.get("/who/mailbox/alice", headers=shown(grant()))) == "no_route"
    assert code(client.delete(ALICE, headers=shown(grant(), method="DELETE"))) == "no_route"
    assert scene.portal.asked(RECORD) == []


def test_refusal_when_asked_by_head_has_no_body(client: FlaskClient, port: int) -> None:
    answer = client.head(ALICE)
    assert (answer.status_code, answer.data, answer.headers["Lockbox-Reason"]) == (401, b"", "no_grant")
    bare = ask(port, "HEAD", ALICE)
    assert (bare.status, bare.body, bare.headers["lockbox-reason"]) == (401, b"", "no_grant")


def test_product_when_the_record_can_not_be_made_is_never_reached(client: FlaskClient, scene: Scene) -> None:
    scene.portal.behaviours[RECORD] = answers(503)
    answer = client.get(ALICE, headers=shown(grant()))
    assert (answer.status_code, code(answer)) == (503, "not_recorded")


def test_product_when_the_guard_has_heard_nothing_is_never_reached(tmp_path: Path, scene: Scene) -> None:
    deaf = Scene(scene.portal, tmp_path)
    product = mailboxes()
    product.wsgi_app = GuardedWsgi(product.wsgi_app, deaf.request_guard)  # type: ignore[method-assign]
    answer = product.test_client().get(ALICE, headers=shown(grant()))
    deaf.guard.stop()
    assert (answer.status_code, code(answer)) == (503, "revocations_stale")


# --- which path the product gets -----------------------------------------------------------------------------------


def test_product_when_the_path_is_a_trick_is_never_reached(port: int) -> None:
    require_refused_tricks(port)


def test_product_when_the_path_is_plain_gets_what_was_judged(port: int) -> None:
    require_served_plain(port)


def test_product_when_mounted_below_a_prefix_is_judged_by_the_whole_path(scene: Scene) -> None:
    inner = GuardedWsgi(echo, scene.request_guard)
    seen: list[Any] = []
    outer = DispatcherMiddleware(echo, {"/documents": inner})
    fields = {f"HTTP_{name.upper()}": value for name, value in shown(grant()).items()}
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": ALICE, "REQUEST_URI": ALICE, **fields}
    assert list(outer(environ, lambda *told: seen.append(told))) == [ALICE.encode()]


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({"PATH_INFO": "/alice"}, "/alice"),
        ({"PATH_INFO": "/alice@x", "RAW_URI": "/alice%40x?a=b"}, "/alice%40x"),
        ({"PATH_INFO": "/alice@x", "RAW_PATH_INFO": "/alice%40x"}, "/alice%40x"),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": "/alice", "REQUEST_URI": "/app/alice"}, "/app/alice"),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": "/alice", "REQUEST_URI": "/alice"}, "/app/alice"),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": ""}, "/app"),
        ({"PATH_INFO": ""}, "/"),
        ({"PATH_INFO": "/\xc3\xa9"}, "/%C3%A9"),
    ],
)
def test_request_when_servers_tell_its_path_differently_is_the_same(environ: dict[str, str], address: str) -> None:
    asked = request_of({"REQUEST_METHOD": "GET", **environ})
    assert asked.address == address
    mounted = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]
    assert asked.path == (mounted.encode("latin-1").decode() or "/")


def test_problem_when_read_by_a_person_says_what_is_wrong(client: FlaskClient) -> None:
    document = json.loads(client.get(ALICE).data)
    assert document["detail"] == "No grant was shown."
