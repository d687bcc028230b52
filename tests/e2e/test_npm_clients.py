"""Clients of others: the npm packages dpop (Web Crypto) and jose fetch a grant, verify it, and use it at a product."""

import json

from tests.npm.installed import run_script
from tests.people import People

LETTER = "From: bank@example.org"


def test_grant_when_fetched_and_used_by_the_clients_of_others_opens_the_content(people: People) -> None:
    given = {
        "portal": people.portal,
        "token": people.engineer.token,
        "grant": people.granted()["grant"]["id"],
        "content": f"{people.content}/documents/contoso/mailbox/alice",
        "algorithms": ["Ed25519", "ES256"],
    }
    for played in run_script("dpop.js", json.dumps(given)):
        assert played["fetched"] == [200]
        assert (played["bound"], played["subject"]) == (True, people.engineer.email)
        assert played["read"][:2] == [200, None]
        assert LETTER in played["read"][2]
        assert played["again"][:2] == [403, "proof_replayed"]
        assert played["stolen"][:2] == [403, "proof_of_another_key"]
