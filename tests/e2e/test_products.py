"""The example products on Flask and Starlette, with all of Lockbox: what gets in, what does not, what is on record."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Error
from tests.people import People, Person
from tests.products import STARLETTE, product_of
from tests.waiting import eventually

from lockbox.crypto.possession import prove_session
from lockbox.embedded.stack import Stack

USES = ("access_allowed", "access_denied")
LETTER = "From: bank@example.org"
ALICE = "contoso/mailbox/alice"
BOUND_SECONDS = 5.0
"""What a guard promises at worst."""


@pytest.fixture(scope="module")
def on_starlette(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("starlette")
    token_file = stack.home / "content_service.token"
    with product_of(STARLETTE, folder, stack.portal_url, token_file) as address:
        yield address


@pytest.fixture(params=["flask", "starlette"])
def product(request: pytest.FixtureRequest, people: People) -> str:
    """The address of each."""
    return people.content if request.param == "flask" else str(request.getfixturevalue("on_starlette"))


@pytest.fixture(scope="module")
def writable(people: People) -> dict[str, Any]:
    """A grant to read and write alice's mailbox."""
    return dict(people.granted(actions=["read", "write"])["grant"])


@pytest.fixture
def own(people: People) -> tuple[str, str]:
    """A grant of the test's own: its id and its token."""
    grant_id = people.granted()["grant"]["id"]
    return grant_id, people.engineer.grant_token(grant_id)


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert LETTER not in answer.text
    assert answer.json()["code"] == answer.headers["Lockbox-Reason"]
    return answer.status_code, answer.json()["code"]


def cookies_of(person: Person, product: str, token: str) -> dict[str, str]:
    proof = prove_session(person.key, product, time.time(), str(uuid4()), token)
    return {"lockbox_grant": token, "lockbox_proof": proof}


def ask(product: str, path: str = ALICE, method: str = "GET", **headers: str) -> httpx.Response:
    content = LETTER if method == "PUT" else None
    return httpx.request(method, f"{product}/documents/{path}", headers=headers, content=content, timeout=30)


def uses(people: People, count: int, wanted: Callable[[dict[str, Any]], bool], **where: str) -> list[tuple[str, str]]:
    """The reason and the action of each use on record, oldest first, as soon as there are so many."""

    def look() -> list[dict[str, Any]] | None:
        trail = people.contoso_auditor.trail("contoso", **where)
        found = [record["data"] for record in trail if record["type"] in USES and wanted(record["data"])]
        return found if len(found) >= count else None

    found = eventually(look)
    assert len({use["access_id"] for use in found}) == len(found)
    return [(use["reason"], use["action"]) for use in sorted(found, key=lambda use: str(use["at"]))]


# --- what is shown -------------------------------------------------------------------------------------------------


def test_document_when_the_engineer_shows_grant_and_proof_is_served(
    people: People, product: str, own: tuple[str, str]
) -> None:
    answer = people.use(own[1], ALICE, content=product)
    assert (answer.status_code, answer.text[: len(LETTER)]) == (200, LETTER)


def test_document_when_nothing_is_shown_is_refused_and_that_is_on_record_once(people: People, product: str) -> None:
    nobody = f"mailbox/{uuid4().hex}"
    assert refused(ask(product, f"contoso/{nobody}")) == (401, "no_grant")
    assert refused(ask(product, f"contoso/{nobody}", Authorization="Basic YTpi")) == (401, "no_grant")
    found = uses(people, 2, lambda use: use["resource"] == nobody, type="access_denied")
    assert found == [("no_grant", "read")] * 2


def test_grant_when_stolen_without_the_key_opens_nothing(people: People, product: str, own: tuple[str, str]) -> None:
    grant_id, token = own
    assert refused(ask(product, Authorization=f"DPoP {token}")) == (403, "proof_missing")
    assert refused(ask(product, Authorization=f"Bearer {token}")) == (403, "proof_missing")
    assert refused(ask(product, Cookie=f"lockbox_grant={token}")) == (403, "proof_missing")
    thief = people.use(token, ALICE, content=product, by=people.other_engineer)
    assert refused(thief) == (403, "proof_of_another_key")
    cookies = cookies_of(people.other_engineer, product, token)
    assert refused(httpx.get(f"{product}/documents/{ALICE}", cookies=cookies)) == (403, "proof_of_another_key")
    found = uses(people, 5, lambda _: True, subject=grant_id)
    assert found == [*[("proof_missing", "read")] * 3, *[("proof_of_another_key", "read")] * 2]


def test_proof_when_overheard_opens_nothing_else_and_nothing_again(
    people: People, product: str, own: tuple[str, str]
) -> None:
    grant_id, token = own
    url = f"{product}/documents/{ALICE}"
    heard = {"Authorization": f"DPoP {token}", "DPoP": people.engineer.proof("GET", url, token)}
    assert refused(ask(product, method="PUT", **heard)) == (403, "proof_of_another_request")
    assert refused(ask(product, "contoso/mailbox/bob", **heard)) == (403, "proof_of_another_request")
    assert ask(product, **heard).status_code == 200
    assert refused(ask(product, **heard)) == (403, "proof_replayed")
    elsewhere = people.engineer.proof("GET", f"https://evil.example/documents/{ALICE}", token)
    other = {"Authorization": f"DPoP {token}", "DPoP": elsewhere, "Host": "evil.example"}
    assert refused(ask(product, **other)) == (403, "proof_of_another_request")
    assert uses(people, 5, lambda _: True, subject=grant_id) == [
        ("proof_of_another_request", "write"),
        ("proof_of_another_request", "read"),
        ("granted", "read"),
        ("proof_replayed", "read"),
        ("proof_of_another_request", "read"),
    ]


def test_grant_when_it_names_something_else_opens_nothing(people: People, product: str, own: tuple[str, str]) -> None:
    grant_id, token = own
    tried = [
        ("contoso/mailbox/bob", "GET", "other_resource"),
        ("fabrikam/mailbox/fiona", "GET", "other_tenant"),
        (ALICE, "PUT", "other_action"),
        (f"{ALICE}/", "GET", "no_route"),
        ("contoso/mailbox%2Falice", "GET", "path_ambiguous"),
        (ALICE, "DELETE", "no_route"),
    ]
    for path, method, reason in tried:
        assert refused(people.use(token, path, method, content=product)) == (403, reason), path
    on_record = uses(people, 2, lambda _: True, subject=grant_id)
    assert on_record == [("other_resource", "read"), ("other_action", "write")], "fabrikam's are no affair of contoso's"


# --- in a browser --------------------------------------------------------------------------------------------------


def test_browser_when_it_has_the_cookies_reads_and_writes(
    people: People, product: str, writable: dict[str, Any], context: BrowserContext
) -> None:
    url = f"{product}/documents/{ALICE}"
    page = context.new_page()
    answer = page.goto(url)
    assert answer
    assert (answer.status, answer.headers["lockbox-reason"]) == (401, "no_grant")
    token = people.engineer.grant_token(writable["id"])
    own = cookies_of(people.engineer, product, token)
    context.add_cookies([{"name": name, "value": value, "url": product} for name, value in own.items()])
    for _ in range(2):
        page.goto(url)
        assert page.get_by_text(LETTER).is_visible()
    text = f"{LETTER}\nThe same letter."
    script = "async ([url, body]) => (await fetch(url, {method: 'PUT', body, credentials: 'include'})).status"
    assert page.evaluate(script, [url, text]) == 200
    assert httpx.get(url, cookies=own).text == text
    page.goto(product.replace("127.0.0.1", "localhost"))
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate(script, [url, "From another site."])
    assert httpx.get(url, cookies=own).text == text


def test_browser_when_another_site_makes_it_ask_is_refused(
    people: People, product: str, writable: dict[str, Any]
) -> None:
    token = people.engineer.grant_token(writable["id"])
    cookie = "; ".join(f"{name}={value}" for name, value in cookies_of(people.engineer, product, token).items())
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {},
    ):
        assert refused(ask(product, method="PUT", Cookie=cookie, **headers)) == (403, "cross_site")
    assert ask(product, method="PUT", Cookie=cookie, Origin=product).status_code == 200


# --- until it ends -------------------------------------------------------------------------------------------------


def test_grant_when_revoked_opens_nothing_any_more_and_every_use_is_on_record_once(
    people: People, product: str, own: tuple[str, str]
) -> None:
    grant_id, token = own
    cookies = cookies_of(people.engineer, product, token)
    reasons = [reason_of(people.use(token, ALICE, content=product)) for _ in range(3)]
    reasons.append(reason_of(httpx.get(f"{product}/documents/{ALICE}", cookies=cookies)))
    assert reasons == ["granted"] * 4
    assert people.contoso_approver.post(f"/grants/{grant_id}/revoke", {"comment": "Enough."}).status_code == 200
    revoked_at = time.monotonic()

    def is_refused() -> bool:
        reasons.append(reason_of(people.use(token, ALICE, content=product)))
        return reasons[-1] == "grant_revoked"

    eventually(is_refused, within=BOUND_SECONDS)
    assert time.monotonic() - revoked_at < BOUND_SECONDS
    reasons.append(reason_of(httpx.get(f"{product}/documents/{ALICE}", cookies=cookies)))
    assert reasons[-1] == "grant_revoked", "whatever it is shown with"
    assert [reason for reason, _ in uses(people, len(reasons), lambda _: True, subject=grant_id)] == reasons


def reason_of(answer: httpx.Response) -> str:
    return "granted" if answer.status_code == 200 else refused(answer)[1]
