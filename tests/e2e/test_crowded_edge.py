"""The portal's edge when many come at once: connections that send nothing or too slowly, and no file to open."""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import psutil
import pytest
from pymongo import MongoClient
from tests.crowd import crowd, heads, nothing, sign_in_flood
from tests.e2e.pages import COOKIE
from tests.people import TERMS, People
from tests.programs import running
from tests.waiting import eventually

from lockbox.embedded.stack import Stack
from lockbox.guard import Guard, Options

GUARDS, STRANGERS = 8, 100
FLOOD_SECONDS = float(os.environ.get("FLOOD_SECONDS", "3"))
HIDDEN = r'<input[^>]*type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"'
FILES, NO_FILES = 1_024, 4
PATTERNS = 2_000
SUBJECT = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read"}
ANSWERED_WITHIN, FELT_WITHIN, DECIDED_WITHIN, SIGNED_IN_WITHIN = 1.0, 2.0, 2.0, 5.0


@pytest.fixture
def guards(stack: Stack, tmp_path: Path) -> Iterator[list[Guard]]:
    """Guards in this process, each with a stream of its own; they allow nothing, for no proof is shown to them."""
    token = tmp_path / "token"
    token.write_text(stack.secrets.enforcement_point_token)
    made = [Guard(stack.portal_url, token, Options()) for _ in range(GUARDS)]
    for guard in made:
        guard.start()
    eventually(lambda: all(guard.ready for guard in made))
    yield made
    with ThreadPoolExecutor(GUARDS) as pool:
        list(pool.map(Guard.stop, made))


@pytest.fixture
def portal(stack: Stack) -> Iterator[psutil.Process]:
    """The process of the portal; the same one afterwards."""
    process = running(stack.home)["portal_service"]
    yield process
    assert running(stack.home)["portal_service"] == process


def reason(guard: Guard, token: str) -> str:
    """Why the guard refuses: `proof_missing` under a live grant."""
    return guard.check(token, **SUBJECT).reason


@contextmanager
def files(process: psutil.Process, number: int) -> Iterator[None]:
    """The process may have so many files open."""
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (number, before[1]))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, before)


@contextmanager
def again_and_again(*work: Callable[[], object]) -> Iterator[None]:
    """Each work is done over and over meanwhile, whatever becomes of it."""
    over = Event()

    def repeat(one: Callable[[], object]) -> None:
        while not over.is_set():
            with suppress(httpx.HTTPError):
                one()

    with ThreadPoolExecutor(len(work)) as pool:
        for one in work:
            pool.submit(repeat, one)
        try:
            yield
        finally:
            over.set()


def crafted_form(client: httpx.Client) -> Callable[[], httpx.Response]:
    """A form whose duration is hard to read."""
    page = client.get("/requests/new").text
    hidden = dict(re.findall(HIDDEN, page))
    typed = hidden | {"tenant": "contoso", "duration": "1d" + " " * 200_000 + "!"}
    return lambda: client.post("/requests/new", data=typed)


def dry_run(people: People) -> Callable[[], httpx.Response]:
    """A dry run of a policy as large as a body may be."""
    named = [f"mailbox/*/{number}/{'x' * 80}" for number in range(PATTERNS)]
    rules = [
        {
            "name": f"rule {first}",
            "then": "auto_deny",
            "comment": "No.",
            "when": {"resources": named[first : first + 100]},
        }
        for first in range(0, PATTERNS, 100)
    ]
    policy = people.contoso_admin.get("/tenants/contoso/policy") | {"rules": rules}
    body = {"request": TERMS | {"resources": [f"mailbox/{n}/x/y" for n in range(100)]}, "policy": policy}
    text = json.dumps(body).ljust(250_000)
    headers = {"Content-Type": "application/json"}
    http = people.contoso_admin.http
    return lambda: http.post("/tenants/contoso/policy/evaluate", content=text, headers=headers)


def test_revocation_when_slow_requests_and_heavy_ones_crowd_the_portal_is_taken_and_felt_in_time(
    people: People, guards: list[Guard], portal: psutil.Process, browse: Callable[[str], httpx.Client]
) -> None:
    granted = people.granted()["grant"]
    token = people.engineer.grant_token(granted["id"])
    form, trial = crafted_form(browse("engineer")), dry_run(people)
    assert (form().status_code, trial().status_code) == (422, 200)
    with crowd(people.portal, 200, heads), again_and_again(form, trial):
        assert {reason(guard, token) for guard in guards} == {"proof_missing"}
        began = time.monotonic()
        answer = people.contoso_approver.post(f"/grants/{granted['id']}/revoke")
        took = time.monotonic() - began
        assert answer.status_code == 200, answer.text
        eventually(lambda: {reason(guard, token) for guard in guards} == {"grant_revoked"}, within=FELT_WITHIN)
        felt = time.monotonic() - began
    print(f"answered after {took:.3f} s, felt by {GUARDS} guards after {felt:.3f} s")  # noqa: T201
    assert took < ANSWERED_WITHIN
    assert felt < FELT_WITHIN


def test_approver_when_strangers_flood_the_sign_in_comes_in_where_it_was_before_and_guards_go_on(
    people: People, guards: list[Guard], portal: psutil.Process
) -> None:
    token = people.engineer.grant_token(people.granted()["grant"]["id"])
    with httpx.Client(base_url=people.portal, timeout=30) as browser:
        come_in(browser, people.accounts["contoso_approver"])
        until, took = time.monotonic() + FLOOD_SECONDS, []
        with sign_in_flood(people.portal, STRANGERS) as answers:
            eventually(lambda: len(answers) >= STRANGERS, within=30)
            while time.monotonic() < until or len(took) < 3:
                took.append(come_in(browser, people.accounts["contoso_approver"]))
                assert {reason(guard, token) for guard in guards} == {"proof_missing"}
    print(f"signed in {len(took)} times, after {max(took):.3f} s at most; strangers: {Counter(answers)}")  # noqa: T201
    assert max(took) < SIGNED_IN_WITHIN
    assert set(answers) <= {401, 429, 503}


def come_in(browser: httpx.Client, account: dict[str, str]) -> float:
    """Sign in on the page, in a browser without a session; return the seconds that it took."""
    if COOKIE in browser.cookies:
        browser.cookies.delete(COOKIE)
    began = time.monotonic()
    hidden = dict(re.findall(HIDDEN, browser.get("/sign-in").text))
    answer = browser.post("/sign-in", data=hidden | {name: account[name] for name in ("email", "password")})
    assert answer.status_code == 303, answer.text
    return time.monotonic() - began


def test_portal_when_idle_connections_want_more_files_than_it_has_goes_on(
    people: People, portal: psutil.Process
) -> None:
    request_id = people.engineer.ask()
    people.vendor_approver.decide(request_id)
    account = people.accounts["contoso_approver"]
    with files(portal, FILES), crowd(people.portal, 3_000, nothing):
        began = time.monotonic()
        with httpx.Client(base_url=f"{people.portal}/api/v1") as approver:
            token = approver.post("/session", json=account).json()["token"]
            approver.headers["Authorization"] = f"Bearer {token}"
            digest = approver.get(f"/requests/{request_id}").json()["request_digest"]
            body = {"decision": "approve", "request_digest": digest}
            answer = approver.post(f"/requests/{request_id}/decisions", json=body)
        took = time.monotonic() - began
        assert answer.status_code == 201, answer.text
        assert portal.num_fds() < FILES
    print(f"signed in and decided after {took:.3f} s")  # noqa: T201
    assert took < DECIDED_WITHIN


@pytest.mark.parametrize("name", ["portal_service", "request_service"])
def test_health_port_when_no_file_could_be_opened_comes_back(stack: Stack, name: str) -> None:
    process, url = running(stack.home)[name], f"http://127.0.0.1:{stack.ports[name]}/healthz"
    with files(process, NO_FILES), pytest.raises(httpx.TransportError):
        httpx.get(url, timeout=0.3)
    assert httpx.get(url, timeout=2).status_code == 200
    assert running(stack.home)[name] == process


def test_guards_when_a_revocation_waits_deny_until_it_is_taken(
    people: People, guards: list[Guard], mongo: MongoClient[dict[str, Any]]
) -> None:
    granted = people.granted()["grant"]
    other = people.granted()["grant"]
    token = people.engineer.grant_token(other["id"])
    with ThreadPoolExecutor(1) as pool:
        mongo.admin.command("fsync", lock=True)
        try:
            began = time.monotonic()
            revoking = pool.submit(people.contoso_approver.post, f"/grants/{granted['id']}/revoke", None, "a-key-1")
            denied = eventually(
                lambda: {reason(guard, token) for guard in guards} == {"revocations_stale"} and time.monotonic(),
                within=Options().stale_after,
            )
        finally:
            mongo.admin.command("fsyncUnlock")
        print(f"all guards denied after {denied - began:.3f} s")  # noqa: T201
        assert revoking.result().status_code in (200, 503)
    eventually(
        lambda: people.contoso_approver.post(f"/grants/{granted['id']}/revoke", None, "a-key-1").status_code == 200
    )
    eventually(lambda: {reason(guard, token) for guard in guards} == {"proof_missing"})
