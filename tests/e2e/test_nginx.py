"""`examples/nginx` as it is: a real nginx, a guard that it asks, and a product that knows nothing of either."""

import re
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.e2e.nginx import ALICE, Certified, Headers, Site, running
from tests.people import People
from tests.unit.lockbox.guard.scene import Answer
from tests.waiting import eventually

from lockbox.embedded.stack import Stack

PAGE = Path(__file__).parents[2] / "docs" / "guard.md"
SECRET = b"Dear Alice"
BOUND_SECONDS = 5.0
"""What a guard promises at worst."""


@pytest.fixture(scope="module")
def site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(Site(tmp_path_factory.mktemp("nginx"), stack, {})) as site:
        yield site


@pytest.fixture
def granted(people: People) -> dict[str, Any]:
    """A grant to read all of contoso's mailboxes, with its request."""
    decided = people.granted(resources=["mailbox/*"])
    return {"request": decided["request_id"], **decided["grant"]}


@pytest.fixture
def token(people: People, granted: dict[str, Any]) -> str:
    return people.engineer.grant_token(granted["id"])


def reason(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.headers.get("lockbox-reason")


# --- with and without a grant --------------------------------------------------------------------------------------


def test_content_when_no_grant_is_shown_is_refused_and_on_record(site: Site, people: People) -> None:
    served = site.served()
    path = f"/documents/contoso/mailbox/{uuid4()}"
    answer = site.ask(path)
    assert reason(answer) == (401, "no_grant")
    assert answer.headers["www-authenticate"] == 'DPoP algs="EdDSA Ed25519 ES256"'
    assert site.served() == served

    def on_record() -> list[Any]:
        records = people.contoso_auditor.trail("contoso", type="access_denied")
        return [one["data"] for one in records if path.endswith(one["data"]["resource"])]

    [record] = eventually(on_record)
    assert (record["reason"], record["action"], record["grant_id"]) == ("no_grant", "read", None)


def test_content_when_a_grant_and_its_proof_are_shown_is_served_and_on_record(
    site: Site, people: People, granted: dict[str, Any], token: str
) -> None:
    answer = site.ask(headers=site.shown(people.engineer, token))
    assert answer.status == 200
    assert SECRET in answer.body
    path, headers = site.product.asked[-1]
    assert path == ALICE
    assert (headers["lockbox-grant"], headers["lockbox-engineer"]) == (granted["id"], people.engineer.email)
    assert {"authorization", "dpop"}.isdisjoint(headers)
    records = people.recorded(granted["request"], "access_allowed")
    [used] = [record["data"] for record in records if record["type"] == "access_allowed"]
    assert (used["engineer"], used["resource"], used["action"]) == (people.engineer.email, "mailbox/alice", "read")


def test_content_when_a_browser_shows_its_cookies_is_served(site: Site, people: People, token: str) -> None:
    headers = site.cookies(people.engineer, token)
    assert SECRET in site.ask(headers=headers).body
    assert SECRET in site.ask(f"{ALICE}?page=2", headers).body


def test_content_when_it_is_another_than_granted_is_refused_and_on_record(
    site: Site, people: People, granted: dict[str, Any], token: str
) -> None:
    served, headers = site.served(), site.cookies(people.engineer, token)
    assert reason(site.ask("/documents/contoso/plans/q3", headers)) == (403, "other_resource")
    assert reason(site.ask("/documents/fabrikam/mailbox/alice", headers)) == (403, "other_tenant")
    own = headers | {"Origin": site.origin}
    assert reason(site.ask(ALICE, own, "PUT")) == (403, "other_action")
    assert reason(site.ask(ALICE, headers, "PUT")) == (403, "cross_site")
    assert reason(site.ask(ALICE, headers, "DELETE")) == (403, "no_route")
    assert site.served() == served
    records = people.recorded(granted["request"], "access_denied")
    denied = {(one["data"]["reason"], one["data"]["resource"]) for one in records if one["type"] == "access_denied"}
    assert denied >= {("other_resource", "plans/q3"), ("other_action", "mailbox/alice")}


def test_content_when_the_proof_is_somebody_elses_or_used_before_is_refused(
    site: Site, people: People, token: str
) -> None:
    assert reason(site.ask(headers=site.shown(people.other_engineer, token))) == (403, "proof_of_another_key")
    assert reason(site.ask(headers={"Authorization": f"DPoP {token}"})) == (403, "proof_missing")
    headers = site.shown(people.engineer, token)
    assert site.ask(headers=headers).status == 200
    assert reason(site.ask(headers=headers)) == (403, "proof_replayed")


def test_content_when_it_is_open_needs_no_grant(site: Site) -> None:
    answer = site.ask("/healthz")
    assert (answer.status, answer.body) == (200, b"fine")
    assert "lockbox-reason" not in answer.headers


# --- tricks --------------------------------------------------------------------------------------------------------

TRICKS = [
    "//documents/contoso/mailbox/alice",
    "/documents//contoso/mailbox/alice",
    "/documents/contoso/mailbox/alice/",
    "/documents/contoso/mailbox/x/../alice",
    "/documents/contoso/mailbox/%2e%2e/mailbox/alice",
    "/documents/contoso/mailbox/%2e%2e/plans/q3",
    "/documents/contoso/mailbox/..%2fplans%2fq3",
    "/documents/contoso/mailbox%2Falice",
    "/documents/contoso/mailbox%252Falice",
    "/documents/contoso/mailbox\\alice",
    "/documents/contoso/mailbox/alice;x",
    "/documents/contoso/mailbox/alice%00",
    "/documents/contoso/mailbox/alice#x",
    "/documents/contoso/mailbox/%c0%aelice",
    "/healthz/../documents/contoso/mailbox/alice",
    "/healthz/%2e%2e/documents/contoso/mailbox/alice",
    "/healthz;/../documents/contoso/mailbox/alice",
    "/_lockbox",
    "/_lockbox/../documents/contoso/mailbox/alice",
    "http://files.vendor.example/documents//contoso/mailbox/alice",
]


@pytest.mark.parametrize("path", TRICKS)
def test_path_when_it_can_be_read_in_two_ways_reaches_nothing(
    site: Site, people: People, token: str, path: str
) -> None:
    served = site.served()
    assert site.ask(path, site.cookies(people.engineer, token)).status in (400, 403, 404)
    assert site.served() == served


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Original-URI": "/healthz", "X-Original-Method": "GET"},
        {"X_Original_URI": "/healthz", "X_Original_Method": "GET"},
        {"X-Forwarded-Uri": "/healthz", "X-Forwarded-Method": "GET"},
        {"Lockbox-Engineer": "erin@vendor.example", "Lockbox-Grant": str(uuid4())},
        {"Connection": "X-Original-URI, X-Original-Method"},
    ],
)
def test_client_when_it_sends_what_only_nginx_says_gains_nothing(site: Site, headers: Headers) -> None:
    served = site.served()
    assert reason(site.ask(headers=headers)) == (401, "no_grant")
    assert site.served() == served


def test_client_when_it_calls_itself_an_engineer_is_not_believed_by_the_product(
    site: Site, people: People, token: str
) -> None:
    lies = {"Lockbox-Engineer": "mallory@evil.example", "Lockbox-Grant": "another"}
    assert site.ask(headers=lies | site.shown(people.engineer, token)).status == 200
    assert site.product.asked[-1][1]["lockbox-engineer"] == people.engineer.email
    assert site.ask("/healthz", lies).status == 200
    assert {"lockbox-engineer", "lockbox-grant"}.isdisjoint(site.product.asked[-1][1])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Original-URL": "/healthz"}, "path_ambiguous"),
        ({"X-HTTP-Method-Override": "DELETE"}, "method_ambiguous"),
        ({"Connection": "Upgrade", "Upgrade": "websocket"}, "no_route"),
    ],
)
def test_client_when_it_means_another_request_than_it_sends_is_refused(
    site: Site, people: People, token: str, headers: Headers, expected: str
) -> None:
    assert reason(site.ask(headers=headers | site.cookies(people.engineer, token))) == (403, expected)


# --- in time -------------------------------------------------------------------------------------------------------


def test_content_when_the_grant_is_revoked_is_refused_within_seconds_and_stays_refused(
    site: Site, people: People, granted: dict[str, Any], token: str
) -> None:
    headers = site.cookies(people.engineer, token)
    assert site.ask(headers=headers).status == 200
    answer = people.contoso_approver.post(f"/grants/{granted['id']}/revoke", {"comment": "enough"})
    assert answer.status_code == 200, answer.text
    eventually(lambda: site.ask(headers=headers).status == 403, within=BOUND_SECONDS)
    served = site.served()
    assert {site.ask(headers=headers).status for _ in range(20)} == {403}
    eventually(lambda: reason(site.ask(headers=headers)) == (403, "grant_revoked"))
    assert site.served() == served


def test_content_when_the_guard_is_killed_is_not_served_until_it_is_back(
    site: Site, people: People, token: str
) -> None:
    headers = site.cookies(people.engineer, token)
    assert site.ask(headers=headers).status == 200
    site.guard.send_signal(signal.SIGKILL)
    site.guard.wait(timeout=20)
    served = site.served()
    for path in (ALICE, "/healthz"):
        for shown in (headers, {}):
            assert site.ask(path, shown).status == 500
    assert site.served() == served
    site.start_guard()
    assert site.ask(headers=headers).status == 200


def test_content_when_the_guard_hangs_is_not_served_until_it_goes_on(site: Site, people: People, token: str) -> None:
    headers = site.cookies(people.engineer, token)
    served = site.served()
    site.guard.send_signal(signal.SIGSTOP)
    try:
        assert site.ask(headers=headers).status == 500
    finally:
        site.guard.send_signal(signal.SIGCONT)
    assert site.served() == served
    eventually(lambda: site.ask(headers=headers).status == 200)


# --- over mutual TLS -----------------------------------------------------------------------------------------------

PLAIN = "    listen 127.0.0.1:8493;\n"


def on_the_page(*words: str) -> str:
    """The one block of docs/guard.md with these words."""
    blocks = re.findall(r"^ *```\w+\n(.*?)^ *```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    [block] = [block for block in blocks if all(word in block for word in words)]
    return str(block)


def over_tls(site: Site, grant: str, certified: Certified | None, **headers: str) -> httpx.Response:
    trusting = ssl.create_default_context(cafile=site.folder / "files.pem")
    trusting.check_hostname = False
    if certified:
        trusting.load_cert_chain(certified.file)
    authorization = {"Authorization": f"Bearer {grant}"}
    return httpx.get(f"https://127.0.0.1:{site.port}{ALICE}", headers=authorization | headers, verify=trusting)


def test_grant_when_bound_to_a_certificate_is_of_use_with_that_certificate_alone(
    stack: Stack, people: People, granted: dict[str, Any], tmp_path: Path
) -> None:
    Certified.of("files", tmp_path / "files.pem")
    hers, his = (Certified.of(name, tmp_path / f"{name}.pem") for name in ("hers", "his"))
    answer = people.engineer.http.get(f"/grants/{granted['id']}/token", params={"x5t_s256": hers.thumbprint})
    token = answer.json()["token"]
    changes = {
        PLAIN: on_the_page("ssl_verify_client"),
        'origin = "http://127.0.0.1:8493"': 'certificate_header = "X-Client-Cert"\norigin = "https://127.0.0.1:8493"',
    }
    with running(Site(tmp_path, stack, changes)) as site:
        answer = over_tls(site, token, hers)
        assert (answer.status_code, SECRET in answer.content) == (200, True), answer.text
        told = {"X-Client-Cert": hers.thumbprint}
        for certified, headers, expected in (
            (his, {}, "proof_of_another_key"),
            (his, told, "proof_of_another_key"),
            (None, {}, "proof_missing"),
            (None, told, "proof_missing"),
        ):
            answer = over_tls(site, token, certified, **headers)
            assert (answer.status_code, answer.headers["lockbox-reason"]) == (403, expected)
