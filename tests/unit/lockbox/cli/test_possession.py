"""`lockbox token`, `proof`: what the portal is shown, and what is printed for the vendor's product."""

import json

import pytest
from tests.unit.builders import granted
from tests.unit.lockbox.cli.commands import fails, works
from tests.unit.lockbox.fake_portal import URL, FakePortal

from lockbox import clock
from lockbox.cli.key import own_key
from lockbox.crypto import possession
from lockbox.crypto.possession import DPOP, Proof, Target

GRANT = granted().granted()
TOKEN, SIGNED = f"GET /api/v1/grants/{GRANT.id}/token", "a.b.c"
PAGE = "https://files.vendor.example/documents/alice?page=2"

pytestmark = pytest.mark.usefixtures("signed_in")


def checked(shown: str, method: str, url: str) -> Proof:
    """A proof by the own key for this request, made just now."""
    proof = possession.read(shown.strip())
    possession.check(proof, own_key().kid, Target(method, url), clock.now().timestamp())
    assert proof.typ == DPOP
    return proof


def test_token_when_fetched_is_bound_by_a_proof_and_printed_alone(portal: FakePortal) -> None:
    portal.says(TOKEN, {"grant_id": GRANT.id, "token": SIGNED})
    assert works("token", GRANT.id) == f"{SIGNED}\n"
    [request] = portal.requests
    checked(request.headers["DPoP"], "GET", f"{URL}/api/v1/grants/{GRANT.id}/token")
    assert request.headers["Authorization"] == "Bearer lbs_secret"


@pytest.mark.parametrize(
    ("code", "advice"),
    [("proof_of_another_request", "Is this the address"), ("proof_stale", "Is the clock of this computer right?")],
)
def test_token_when_the_proof_is_refused_says_what_to_look_at(portal: FakePortal, code: str, advice: str) -> None:
    portal.says(TOKEN, {"detail": "so it is", "code": code}, status=403)
    first, second = fails("token", GRANT.id).splitlines()
    assert first == f"so it is [{code}]"
    assert second.startswith(f"  {URL}: {advice}")


def test_token_when_refused_for_something_else_says_only_that(portal: FakePortal) -> None:
    portal.says(TOKEN, {"detail": "it has ended", "code": "grant_ended"}, status=409)
    assert fails("token", GRANT.id) == "it has ended [grant_ended]"


def test_proof_when_made_for_a_grant_is_for_what_the_portal_signed(portal: FakePortal) -> None:
    portal.says(TOKEN, {"grant_id": GRANT.id, "token": SIGNED})
    possession.check_token(checked(works("proof", GRANT.id, "GET", PAGE), "GET", PAGE), SIGNED)


def test_proof_when_made_for_a_signed_grant_asks_nobody(portal: FakePortal) -> None:
    shown = json.loads(works("proof", SIGNED, "put", PAGE, "--json"))["proof"]
    possession.check_token(checked(shown, "PUT", PAGE), SIGNED)
    assert portal.requests == []


def test_proof_when_made_again_is_another_one() -> None:
    ids = {checked(works("proof", SIGNED, "GET", PAGE), "GET", PAGE).id for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "url", ["files.vendor.example/a", "ftp://files.vendor.example/a", "https://erin@vendor.example/"]
)
def test_proof_when_the_address_is_none_says_so(url: str) -> None:
    assert fails("proof", SIGNED, "GET", url).startswith("expected an address such as https://")
