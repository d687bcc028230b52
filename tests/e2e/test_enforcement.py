"""What enforcement points and engineers ask the portal for: bound grants, the stream of revocations, records, keys."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.people import People, Person
from tests.waiting import eventually

from lockbox import clock
from lockbox.crypto.keys import PublicKeys, SigningKey
from lockbox.crypto.possession import Target, prove, prove_session
from lockbox.crypto.tokens import GRANT_TOKEN, verify
from lockbox.embedded.stack import Stack
from lockbox.values.timestamps import format_timestamp

THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
UNKNOWN_KEY = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
PATIENCE = 30.0


@pytest.fixture
def point(people: People, stack: Stack) -> Iterator[httpx.Client]:
    """The product's enforcement point."""
    token = stack.secrets.enforcement_point_token
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{people.portal}/api/v1", headers=headers, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def grant(people: People) -> dict[str, Any]:
    granted: dict[str, Any] = people.granted()["grant"]
    return granted


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def claims(people: People, token: str) -> Mapping[str, Any]:
    keys = PublicKeys.from_jwks(httpx.get(f"{people.portal}/.well-known/jwks.json").json()["keys"])
    return verify(GRANT_TOKEN, token, keys, clock.now())


# --- signed grants -------------------------------------------------------------------------------------------------


def test_token_when_fetched_with_a_proof_is_bound_to_its_key(people: People, grant: dict[str, Any]) -> None:
    for _ in range(2):
        token = people.engineer.grant_token(grant["id"])
        assert claims(people, token)["cnf"] == {"jkt": people.engineer.key.kid}
    records = people.recorded(grant["request_id"], "grant_bound")
    [bound] = [record["data"] for record in records if record["type"] == "grant_bound"]
    assert (bound["to"], bound["thumbprint"]) == ("key", people.engineer.key.kid)
    assert people.contoso_auditor.get(f"/grants/{grant['id']}")["bound_to"] == [people.engineer.key.kid]


def test_token_when_fetched_for_a_certificate_is_bound_to_that(people: People, grant: dict[str, Any]) -> None:
    token = people.engineer.get(f"/grants/{grant['id']}/token", x5t_s256=THUMBPRINT)["token"]
    assert claims(people, token)["cnf"] == {"x5t#S256": THUMBPRINT}


def test_token_when_fetched_with_nothing_to_bind_it_to_is_refused(people: People, grant: dict[str, Any]) -> None:
    answer = people.engineer.http.get(f"/grants/{grant['id']}/token")
    assert code(answer) == (422, "confirmation_required")
    assert answer.json()["errors"][0]["field"] == "DPoP"


def elsewhere(person: Person, _url: str) -> list[str]:
    return [person.proof("GET", "https://portal.evil.example/api/v1/grants")]


def by_post(person: Person, url: str) -> list[str]:
    return [person.proof("POST", url)]


def of_old(person: Person, url: str) -> list[str]:
    return [prove(person.key, Target("GET", url), time.time() - 600, str(uuid4()))]


def twice(person: Person, url: str) -> list[str]:
    return [person.proof("GET", url), person.proof("GET", url)]


def for_a_browser(person: Person, url: str) -> list[str]:
    return [prove_session(person.key, url.partition("/api")[0], time.time(), str(uuid4()), "token")]


def forged(person: Person, url: str) -> list[str]:
    *said, signature = person.proof("GET", url).split(".")
    other = prove(SigningKey.of(Ed25519PrivateKey.generate()), Target("GET", url), time.time(), "x").split(".")[2]
    assert other != signature
    return [".".join([*said, other])]


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        (elsewhere, "proof_of_another_request"),
        (by_post, "proof_of_another_request"),
        (of_old, "proof_stale"),
        (twice, "proof_malformed"),
        (for_a_browser, "proof_malformed"),
        (forged, "proof_forged"),
        (lambda *_: ["nonsense"], "proof_malformed"),
        (lambda *_: ["x" * 5_000], "proof_malformed"),
    ],
)
def test_token_when_the_proof_is_of_no_use_is_refused(
    people: People, grant: dict[str, Any], show: Callable[[Person, str], list[str]], expected: str
) -> None:
    url = str(people.engineer.http.base_url.join(f"grants/{grant['id']}/token"))
    headers = [("DPoP", proof) for proof in show(people.engineer, url)]
    assert code(people.engineer.http.get(url, headers=headers)) == (403, expected)


# --- the stream ----------------------------------------------------------------------------------------------------


class Heard:
    """What came over the stream."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.told: list[dict[str, Any]] = []

    def revoked(self) -> list[str]:
        return [grant_id for one in self.told for grant_id in one["grant_ids"]]


@contextmanager
def listening(point: httpx.Client, last_id: str = "") -> Iterator[Heard]:
    """Listens in a thread as long as this goes on."""
    heard, headers = Heard(), {"Accept": "text/event-stream", "Last-Event-ID": last_id}
    with point.stream("GET", "/revocations", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        ended = threading.Event()

        def listen() -> None:
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    heard.kinds.append(value)
                elif name == "data":
                    heard.told.append(json.loads(value))
                if ended.is_set():
                    return

        thread = threading.Thread(target=listen)
        thread.start()
        eventually(lambda: heard.told)
        yield heard
        ended.set()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "an event comes each second"


def test_stream_when_a_grant_is_revoked_tells_it(people: People, grant: dict[str, Any], point: httpx.Client) -> None:
    with listening(point) as heard:
        assert grant["id"] not in heard.revoked()
        assert people.contoso_approver.post(f"/grants/{grant['id']}/revoke").status_code == 200
        eventually(lambda: grant["id"] in heard.revoked())
        eventually(lambda: len(heard.told) > 3)
    assert heard.kinds[0] == "snapshot"
    assert set(heard.kinds[1:]) == {"changes"}
    assert heard.revoked().count(grant["id"]) == 1
    moments = [one["as_of"] for one in heard.told]
    assert moments == sorted(moments)


def test_stream_when_it_broke_goes_on_with_what_was_missed(
    people: People, grant: dict[str, Any], point: httpx.Client
) -> None:
    with listening(point) as heard:
        pass
    people.engineer.post(f"/grants/{grant['id']}/complete")
    with listening(point, heard.told[-1]["as_of"]) as again:
        eventually(lambda: grant["id"] in again.revoked())
    assert "snapshot" not in again.kinds


def test_stream_when_the_last_id_is_none_of_its_own_is_refused(point: httpx.Client) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "yesterday"}
    answer = point.get("/revocations", headers=headers)
    assert code(answer) == (422, "invalid_last_event_id")
    assert answer.json()["errors"][0]["received"] == "yesterday"


@pytest.mark.parametrize("name", ["engineer", "contoso_admin", "operator", "vendor_approver"])
def test_stream_when_asked_for_by_a_person_is_refused(people: People, name: str) -> None:
    answer = getattr(people, name).http.get("/revocations", headers={"Accept": "text/event-stream"})
    assert code(answer) == (403, "role_required")


def test_revocations_when_asked_for_as_json_are_one_answer(
    people: People, grant: dict[str, Any], point: httpx.Client
) -> None:
    people.contoso_approver.post(f"/grants/{grant['id']}/revoke")
    listed = point.get("/revocations").json()
    assert grant["id"] in listed["grant_ids"]
    assert point.get("/revocations", params={"since": listed["as_of"]}).json()["since"] == listed["as_of"]


# --- records -------------------------------------------------------------------------------------------------------


def attempt(**changes: Any) -> dict[str, Any]:
    about = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read", "reason": "no_grant"}
    when = format_timestamp(clock.now())
    return {"access_id": str(uuid4()), "allowed": False, "at": when, **about, **changes}


def test_records_when_sent_twice_and_together_are_on_record_once(people: People, point: httpx.Client) -> None:
    some = [attempt(), attempt(tenant="nobodys"), attempt()]
    for _ in range(2):
        answer = point.post("/access-events/batch", json={"attempts": some})
        assert answer.status_code == 200
        [refused] = answer.json()["refused"]
        assert (refused["access_id"], refused["code"]) == (some[1]["access_id"], "tenant_not_of_token")
    assert point.post("/access-events", json=some[0]).status_code == 201

    def recorded() -> list[str]:
        trail = people.contoso_auditor.trail("contoso", type="access_denied")
        return [record["data"]["access_id"] for record in trail]

    eventually(lambda: {some[0]["access_id"], some[2]["access_id"]} <= set(recorded()))
    assert recorded().count(some[0]["access_id"]) == recorded().count(some[2]["access_id"]) == 1


@pytest.mark.parametrize("attempts", [[], [attempt()] * 201, [attempt(at="now")], [attempt(access_id="x")]])
def test_records_when_they_can_not_be_read_are_refused_whole(point: httpx.Client, attempts: list[Any]) -> None:
    answer = point.post("/access-events/batch", json={"attempts": attempts})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("attempts")


# --- keys ----------------------------------------------------------------------------------------------------------


def test_keys_when_rotated_leave_old_grants_valid_and_sign_new_ones_with_another(
    people: People, grant: dict[str, Any]
) -> None:
    before = people.engineer.grant_token(grant["id"])
    answer = people.operator.post("/ops/keys/rotate")
    assert answer.status_code == 200, answer.text
    new, old, *_ = answer.json()["items"]
    assert (new["state"], old["state"]) == ("ACTIVE", "RETIRED")
    after = people.engineer.grant_token(grant["id"])
    assert (kid_of(before), kid_of(after)) == (old["kid"], new["kid"])
    eventually(lambda: people.use(before, "contoso/mailbox/alice").status_code == 200)
    eventually(lambda: people.use(after, "contoso/mailbox/alice").status_code == 200)


def test_key_when_revoked_ends_every_grant_that_it_signed_and_no_other(people: People, grant: dict[str, Any]) -> None:
    before = people.engineer.grant_token(grant["id"])
    body = {"comment": "A disk was lost."}
    answer = people.operator.post(f"/ops/keys/{kid_of(before)}/revoke", body)
    assert answer.status_code == 200, answer.text
    new, old, *_ = answer.json()["items"]
    assert (new["state"], old["state"], old["comment"]) == ("ACTIVE", "REVOKED", "A disk was lost.")
    eventually(lambda: reason_of(people.use(before, "contoso/mailbox/alice")) == "token_key_revoked")
    after = people.engineer.grant_token(grant["id"])
    eventually(lambda: people.use(after, "contoso/mailbox/alice").status_code == 200)
    assert code(people.operator.post(f"/ops/keys/{kid_of(before)}/revoke", body)) == (409, "key_revoked")


def test_key_when_there_is_none_of_that_id_says_so(people: People) -> None:
    assert code(people.operator.post(f"/ops/keys/{UNKNOWN_KEY}/revoke")) == (404, "key_not_found")
    assert people.operator.post("/ops/keys/x/revoke").status_code == 422


@pytest.mark.parametrize("name", ["engineer", "contoso_admin", "vendor_approver"])
def test_keys_when_asked_for_by_others_than_operators_are_refused(people: People, name: str) -> None:
    person: Person = getattr(people, name)
    for answer in (person.http.get("/ops/keys"), person.post("/ops/keys/rotate")):
        assert code(answer) == (403, "role_required")


def reason_of(answer: httpx.Response) -> str | None:
    return answer.headers.get("lockbox-reason")


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
