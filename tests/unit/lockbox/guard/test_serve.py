"""`lockbox guard serve`: a proxy asks over HTTP, in the way of nginx, of Traefik or of Envoy."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.lockbox.guard.scene import (
    ALICE,
    GRANT_ID,
    TRICKS,
    Answer,
    Pairs,
    Scene,
    ask,
    cookies,
    grant,
    on_waitress,
    shown,
)
from tests.unit.lockbox.guard.stand_in import RECORD, RECORD_SOME, answers
from tests.waiting import eventually

from lockbox.guard.serve import ForwardAuth

Asks = Callable[..., Answer]


def by_nginx(port: int, method: str, target: str, headers: Pairs) -> Answer:
    told = [("X-Original-Method", method), ("X-Original-URI", target)]
    return ask(port, "GET", "/check", [*told, *headers])


def by_traefik(port: int, method: str, target: str, headers: Pairs) -> Answer:
    told = [("X-Forwarded-Method", method), ("X-Forwarded-Uri", target), ("X-Forwarded-Host", "evil.example")]
    return ask(port, "GET", "/check", [*told, *headers])


def by_envoy(port: int, method: str, target: str, headers: Pairs) -> Answer:
    return ask(port, method, f"/check{target}", headers)


FRONTENDS: dict[str, Asks] = {"nginx": by_nginx, "traefik": by_traefik, "envoy": by_envoy}


@pytest.fixture(params=FRONTENDS)
def frontend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def check(scene: Scene, frontend: str) -> Iterator[Asks]:
    """Asks as the proxy does, about a request that came to it."""
    with on_waitress(ForwardAuth(scene.request_guard, frontend)) as port:

        def asks(target: str = ALICE, headers: Any = None, method: str = "GET") -> Answer:
            pairs = headers.items() if isinstance(headers, dict) else headers or []
            return FRONTENDS[frontend](port, method, target, pairs)

        yield asks


def test_check_when_a_grant_and_its_proof_were_shown_lets_in_and_names_who(check: Asks, scene: Scene) -> None:
    answer = check(headers=shown(grant()))
    assert (answer.status, answer.body) == (200, b"")
    assert (answer.headers["lockbox-grant"], answer.headers["lockbox-engineer"]) == (GRANT_ID, "erin@vendor.example")
    assert scene.records_of(resource="mailbox/alice", tenant="contoso") == [(True, "granted", "read")]


def test_check_when_cookies_were_shown_lets_in(check: Asks) -> None:
    assert check(f"{ALICE}?page=2", cookies(grant())).status == 200


def test_check_when_no_grant_was_shown_says_so(check: Asks) -> None:
    answer = check()
    assert (answer.status, answer.code, answer.headers["lockbox-reason"]) == (401, "no_grant", "no_grant")
    assert answer.headers["www-authenticate"] == 'DPoP algs="EdDSA Ed25519 ES256"'
    assert "lockbox-grant" not in answer.headers


@pytest.mark.parametrize(
    ("target", "method", "headers", "reason"),
    [
        (ALICE, "PUT", lambda t: shown(t, method="PUT"), "other_action"),
        (ALICE, "PUT", lambda t: shown(t), "proof_of_another_request"),
        ("/documents/contoso/mailbox/bob", "GET", lambda t: shown(t), "proof_of_another_request"),
        ("/elsewhere", "GET", lambda t: shown(t), "no_route"),
        (ALICE, "GET", lambda t: shown(t) | cookies(t), "credentials_ambiguous"),
        (ALICE, "GET", lambda t: [*shown(t).items(), ("DPoP", "d.e.f")], "credentials_ambiguous"),
        (ALICE, "PUT", lambda t: cookies(t) | {"Origin": "https://evil.example"}, "cross_site"),
        (ALICE, "GET", lambda t: shown(t) | {"X-HTTP-Method-Override": "DELETE"}, "method_ambiguous"),
        (ALICE, "GET", lambda t: shown(t) | {"X-Rewrite-URL": "/x"}, "path_ambiguous"),
    ],
)
def test_check_when_what_was_shown_does_not_fit_says_why(
    check: Asks, target: str, method: str, headers: Any, reason: str
) -> None:
    answer = check(target, headers(grant()), method)
    assert (answer.status, answer.code, answer.headers["lockbox-reason"]) == (403, reason, reason)


def test_check_when_the_path_is_a_trick_does_not_let_in(check: Asks) -> None:
    headers = cookies(grant(resources=["mailbox/**", "documents/**"]))
    for target in TRICKS:
        answer = check(target, headers)
        assert answer.status in (403, 404), target
        assert answer.status == 404 or answer.code in ("path_ambiguous", "no_route"), target


def test_check_when_all_is_open_names_nobody(check: Asks, scene: Scene) -> None:
    answer = check("/static/logo.png")
    assert (answer.status, answer.headers["lockbox-grant"], answer.headers["lockbox-engineer"]) == (200, "", "")
    assert scene.portal.asked(RECORD) == []


def test_check_when_the_record_can_not_be_made_does_not_let_in(check: Asks, scene: Scene, frontend: str) -> None:
    scene.portal.behaviours[RECORD] = answers(503)
    answer = check(headers=shown(grant()))
    assert (answer.status, answer.code) == (403 if frontend == "nginx" else 503, "not_recorded")


def test_check_when_the_grant_is_revoked_does_not_let_in(check: Asks, scene: Scene) -> None:
    scene.revoke()
    assert check(headers=shown(grant())).code == "grant_revoked"


def test_check_when_another_proxys_headers_come_along_does_not_believe_them(scene: Scene, frontend: str) -> None:
    foreign = [
        *([("X-Original-URI", "/healthz"), ("X-Original-Method", "GET")] if frontend != "nginx" else []),
        *([("X-Forwarded-Uri", "/healthz"), ("X-Forwarded-Method", "GET")] if frontend != "traefik" else []),
    ]
    with on_waitress(ForwardAuth(scene.request_guard, frontend)) as port:
        assert FRONTENDS[frontend](port, "GET", ALICE, foreign).code == "no_grant"
        alone = ask(port, "GET", "/check", foreign)
    assert (alone.status, alone.code) == (403, "path_ambiguous" if frontend == "envoy" else "request_untold")


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (("X-Original-URI", "/healthz"), "path_ambiguous"),
        (("X-Original-URI", ALICE), "path_ambiguous"),
        (("X-Original-Method", "GET"), "no_route"),
    ],
)
def test_check_when_the_request_is_told_twice_does_not_let_in(
    scene: Scene, again: tuple[str, str], expected: str
) -> None:
    told = [("X-Original-URI", ALICE), ("X-Original-Method", "GET"), *cookies(grant()).items()]
    with on_waitress(ForwardAuth(scene.request_guard, "nginx")) as port:
        assert ask(port, "GET", "/check", told).status == 200
        twice = ask(port, "GET", "/check", [*told, again])
    assert (twice.status, twice.code) == (403, expected)


def test_health_when_the_guard_is_ready_says_so(scene: Scene, tmp_path: Path) -> None:
    deaf = Scene(scene.portal, tmp_path)
    for guard, status in ((scene.request_guard, 200), (deaf.request_guard, 503)):
        with on_waitress(ForwardAuth(guard, "nginx")) as port:
            assert ask(port, "GET", "/healthz").status == status
            assert ask(port, "GET", "/").status == 404
            assert ask(port, "GET", "/checks").status == 404
    deaf.guard.stop()


# --- as a process --------------------------------------------------------------------------------------------------

CONFIGURATION = """
portal = "{portal}"
token_file = "token"
origin = "https://files.vendor.example"
frontend = "nginx"
spool = "spool"

[[routes]]
path = "/documents/{{tenant}}/{{resource...}}"
actions = {{GET = "read"}}
"""


@contextmanager
def served(scene: Scene, folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """The process, which has said that it listens, and its port."""
    (folder / "guard.toml").write_text(CONFIGURATION.format(portal=scene.portal.url))
    command = [Path(sys.executable).with_name("lockbox"), "guard", "serve", "--config", folder / "guard.toml"]
    process = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "80"}
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("Answering nginx at http://127.0.0.1:"), said
        yield process, int(said.split(":")[2].split("/")[0])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_process_when_it_is_told_to_end_sends_what_waits_and_ends_at_once(scene: Scene, tmp_path: Path) -> None:
    with served(scene, tmp_path) as (process, port):
        eventually(lambda: ask(port, "GET", "/healthz").status == 200)
        scene.portal.behaviours[RECORD_SOME] = answers(503)
        assert by_nginx(port, "GET", ALICE, shown(grant()).items()).status == 200, "the record waits in the spool"
        assert list((tmp_path / "spool").iterdir()) != []
        del scene.portal.behaviours[RECORD_SOME]
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - began < 8
    assert scene.records_of(resource="mailbox/alice") == [(True, "granted", "read")]
    assert list((tmp_path / "spool").iterdir()) == []


def test_process_when_killed_leaves_what_waits_to_the_next(scene: Scene, tmp_path: Path) -> None:
    scene.portal.behaviours[RECORD_SOME] = answers(503)
    with served(scene, tmp_path) as (process, port):
        eventually(lambda: ask(port, "GET", "/healthz").status == 200)
        assert by_nginx(port, "GET", ALICE, shown(grant()).items()).status == 200
        process.kill()
    assert scene.records_of(resource="mailbox/alice") == []
    del scene.portal.behaviours[RECORD_SOME]
    with served(scene, tmp_path):
        eventually(lambda: scene.records_of(resource="mailbox/alice") == [(True, "granted", "read")])


def test_problem_when_answered_is_one_for_a_program_too(check: Asks) -> None:
    document = json.loads(check("/elsewhere").body)
    assert (document["status"], document["title"]) == (403, "Forbidden")
