"""The example on Starlette, on Uvicorn in a process of its own; the portal is a stand-in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.products import STARLETTE, product_of
from tests.unit.lockbox.guard.scene import ALICE, ISSUER, ORIGIN, ask, cookies, grant, shown
from tests.unit.lockbox.guard.stand_in import RECORD, StandIn, hang, portal_of
from tests.waiting import eventually

LETTER = b"From: bank@example.org"


@pytest.fixture(scope="module")
def portal() -> Iterator[StandIn]:
    with portal_of(ISSUER.jwk) as portal:
        yield portal


@pytest.fixture(scope="module")
def product(portal: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port."""
    folder = tmp_path_factory.mktemp("product")
    (folder / "token").write_text("lbk_secret")
    with product_of(STARLETTE, folder, portal.url, folder / "token", ORIGIN) as address:
        yield int(address.rpartition(":")[2])


@pytest.fixture(autouse=True)
def as_usual(portal: StandIn) -> Iterator[None]:
    yield
    portal.behaviours.clear()
    portal.released.clear()


def test_document_when_a_grant_allows_it_is_served(product: int) -> None:
    for headers in (shown(grant()), cookies(grant())):
        answer = ask(product, "GET", ALICE, headers)
        assert (answer.status, answer.body.startswith(LETTER)) == (200, True)


def test_document_when_nothing_or_not_enough_is_shown_is_not_served(product: int) -> None:
    token = grant()
    for headers, status, code in (
        ({}, 401, "no_grant"),
        ({"Authorization": f"Bearer {token}"}, 403, "proof_missing"),
        ({"Authorization": f"DPoP {token}"}, 403, "proof_missing"),
    ):
        answer = ask(product, "GET", ALICE, headers)
        assert (answer.status, answer.code) == (status, code)


def test_document_when_a_grant_allows_to_write_is_replaced(product: int) -> None:
    path = "/documents/contoso/mailbox/bob"
    token = grant(resources=["mailbox/bob"], actions=["write"])
    replaced = ask(product, "PUT", path, shown(token, path, "PUT"))
    assert (replaced.status, replaced.body) == (200, b"")
    assert ask(product, "GET", path, shown(token, path)).code == "other_action"


def test_document_when_it_does_not_exist_is_missed_only_by_who_may_know(product: int) -> None:
    path = "/documents/contoso/mailbox/nobody"
    answer = ask(product, "GET", path, shown(grant(resources=["mailbox/nobody"]), path))
    assert (answer.status, answer.code) == (404, "no_such_document")
    assert ask(product, "GET", path, shown(grant(), path)).code == "other_resource"


def test_product_when_the_portal_hangs_goes_on_with_what_needs_no_record(product: int, portal: StandIn) -> None:
    portal.behaviours[RECORD] = hang
    before = len(portal.asked(RECORD))
    with ThreadPoolExecutor() as threads:
        waits = [threads.submit(ask, product, "GET", ALICE, shown(grant())) for _ in range(4)]
        eventually(lambda: len(portal.asked(RECORD)) == before + 4)
        assert ask(product, "GET", "/").status == 200
        assert ask(product, "GET", "/elsewhere").code == "no_route"
        assert not any(one.done() for one in waits)
        portal.released.set()
        answers = [one.result() for one in waits]
    assert {(answer.status, answer.code) for answer in answers} == {(503, "not_recorded")}
