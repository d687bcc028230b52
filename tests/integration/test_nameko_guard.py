"""The guard in a vendor's Nameko services, on the real broker; the portal is a stand-in, or the real one."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from kombu import Connection
from nameko.exceptions import IncorrectSignature
from nameko.standalone.rpc import ClusterRpcProxy
from tests.people import People
from tests.unit.lockbox.guard.scene import ENGINEER, GRANT_ID, HERS, HIS, ISSUER, ORIGIN, cookies, grant, proof, session
from tests.unit.lockbox.guard.stand_in import RECORD, STREAM, Handler, StandIn, answers, hang, portal_of, stream
from tests.waiting import eventually

from lockbox import clock
from lockbox.crypto.possession import Target, prove, prove_session
from lockbox.embedded.ports import choose_ports
from lockbox.embedded.stack import Stack
from lockbox.errors import Forbidden
from lockbox.guard.nameko import target_of

SERVICE_FOLDER = Path(__file__).parent
ALICE = ("contoso", "alice")
READ = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read"}
BOUND_SECONDS = 5.0
"""What a guard promises at worst."""

numbers = itertools.count()


@dataclass(frozen=True)
class Product:
    """The two services as they run."""

    amqp_uri: str
    name: str
    gateway: str

    def call(self, method: str, *arguments: Any, told: Any = None, timeout: float = 15.0) -> Any:
        """An RPC, with what is told in its context data; raises the code of what was refused."""
        context = {} if told is None else {"lockbox": told}
        with ClusterRpcProxy({"AMQP_URI": self.amqp_uri}, context_data=context, timeout=timeout) as proxy:
            return getattr(proxy[self.name], method)(*arguments)

    def refusal(self, method: str, *arguments: Any, told: Any = None) -> str:
        """The reason why a call is refused."""
        with pytest.raises(Forbidden) as refused:
            self.call(method, *arguments, told=told)
        return refused.value.code

    def proven(self, token: str, method: str, key: Any = HERS) -> dict[str, str]:
        """A grant, and a proof for an RPC method of this product."""
        made = prove(key, target_of(self.name, method), time.time(), f"rpc-{next(numbers)}", token)
        return {"grant": token, "proof": made}

    def proven_for_some_time(self, token: str) -> dict[str, str]:
        """A grant, and a proof for all calls of some minutes."""
        origin = f"http://{self.name}.nameko.invalid"
        return {"grant": token, "proof": prove_session(HERS, origin, time.time(), f"rpc-{next(numbers)}", token)}


def records_of(portal: StandIn, **about: str) -> list[tuple[bool, str]]:
    """What is on record about this."""
    return [(one["allowed"], one["reason"]) for one in portal.records if about.items() <= one.items()]


@contextmanager
def running(amqp_uri: str, folder: Path, portal: str, token_file: Path, origin: str = ORIGIN) -> Iterator[Product]:
    """The services in a process of their own, as `nameko run` starts them."""
    name = f"mailboxes-{uuid4().hex[:8]}"
    [port] = [choose_ports(folder / "ports.json", prefer=False, more=["gateway"])["gateway"]]
    configuration = folder / "config.yml"
    lockbox = {"portal": portal, "token_file": str(token_file), "origin": origin}
    web = f"127.0.0.1:{port}"
    configuration.write_text(yaml.safe_dump({"AMQP_URI": amqp_uri, "WEB_SERVER_ADDRESS": web, "LOCKBOX": lockbox}))
    command = [Path(sys.executable).with_name("nameko"), "run", "--config", configuration, "mailbox_service"]
    process = subprocess.Popen(command, cwd=SERVICE_FOLDER, env={**os.environ, "MAILBOXES": name})
    product = Product(amqp_uri, name, f"http://{web}")
    try:
        eventually(lambda: answers_calls(product, process))
        yield product
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        with Connection(amqp_uri) as connection:
            connection.default_channel.queue_delete(f"rpc-{name}")


def answers_calls(product: Product, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the services ended"
    with Connection(product.amqp_uri) as connection:
        queues = connection.default_channel
        try:
            if not queues.queue_declare(f"rpc-{product.name}", passive=True).consumer_count:
                return False
        except queues.connection.channel_errors:
            return False
    return bool(product.call("alive") == "alive")


@pytest.fixture(scope="module")
def portal() -> Iterator[StandIn]:
    with portal_of(ISSUER.jwk) as portal:
        yield portal


@pytest.fixture(scope="module")
def product(admin_amqp_uri: str, portal: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("product")
    token_file = folder / "token"
    token_file.write_text("lbk_secret")
    with running(admin_amqp_uri, folder, portal.url, token_file) as product:
        yield product


@pytest.fixture(autouse=True)
def as_usual(portal: StandIn) -> Iterator[None]:
    """What a test made the portal do ends with it."""
    portal.records.clear()
    yield
    portal.behaviours.clear()


# --- a call of one's own -------------------------------------------------------------------------------------------


def test_method_when_a_grant_and_its_proof_come_along_is_called_and_on_record(
    product: Product, portal: StandIn
) -> None:
    told = product.proven(grant(), "read")
    assert product.call("read", *ALICE, told=told) == "Dear alice, ... in inbox"
    [record] = portal.records
    assert (record["allowed"], record["engineer"], record["grant_id"]) == (True, ENGINEER, GRANT_ID)
    assert READ.items() <= record.items()


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (lambda product, token: None, "no_grant"),
        (lambda product, token: "a text", "no_grant"),
        (lambda product, token: {"grant": 7, "proof": 7}, "no_grant"),
        (lambda product, token: {"grant": token}, "proof_missing"),
        (lambda product, token: {"grant": token, "proof": 7}, "proof_missing"),
        (lambda product, token: {"grant": token, "proof": "x"}, "proof_malformed"),
        (lambda product, token: product.proven(token, "read", key=HIS), "proof_of_another_key"),
        (lambda product, token: product.proven(token, "write"), "proof_of_another_request"),
        (lambda product, token: product.proven(token, "read") | {"grant": grant(nbf=0)}, "proof_of_another_grant"),
        (lambda product, token: product.proven(token[:-4] + "AAAA", "read"), "token_forged"),
    ],
)
def test_method_when_what_comes_along_does_not_fit_is_never_called(
    product: Product, portal: StandIn, told: Any, reason: str
) -> None:
    assert product.refusal("read", *ALICE, told=told(product, grant())) == reason
    assert records_of(portal, **READ) == [(False, reason)]


@pytest.mark.parametrize(
    ("method", "arguments", "reason"),
    [
        ("read", ("contoso", "bob"), "other_resource"),
        ("read", ("fabrikam", "alice"), "other_tenant"),
        ("write", ("contoso", "alice"), "other_action"),
        ("read", ("contoso", "alice/../bob"), "no_route"),
        ("read", ("contoso", ""), "no_route"),
        ("read", ("contoso", ["alice"]), "no_route"),
        ("read", ("Contoso", "alice"), "no_route"),
    ],
)
def test_method_when_the_grant_does_not_name_its_arguments_is_never_called(
    product: Product, method: str, arguments: tuple[Any, ...], reason: str
) -> None:
    assert product.refusal(method, *arguments, told=product.proven(grant(), method)) == reason


def test_method_when_a_proof_comes_again_is_never_called(product: Product) -> None:
    told = product.proven(grant(), "read")
    product.call("read", *ALICE, told=told)
    assert product.refusal("read", *ALICE, told=told) == "proof_replayed"


def test_method_when_its_arguments_are_not_those_that_it_has_says_so(product: Product) -> None:
    with pytest.raises(IncorrectSignature):
        product.call("read", "contoso", told=product.proven(grant(), "read"))


def test_access_when_asked_by_the_method_itself_knows_who_it_is(product: Product, portal: StandIn) -> None:
    token = grant(resources=["mailbox/alice", "mailbox/bob"])
    told = product.proven_for_some_time(token)
    assert product.call("who", "contoso", ["alice", "bob"], told=told) == [ENGINEER, ENGINEER]
    assert product.refusal("who", "contoso", ["alice", "carol"], told=told) == "other_resource"
    assert [one["resource"] for one in portal.records] == [f"mailbox/{o}" for o in ("alice", "bob", "alice", "carol")]


# --- by way of an edge ---------------------------------------------------------------------------------------------


def by_edge(product: Product, headers: dict[str, str], method: str = "GET", query: str = "") -> httpx.Response:
    return httpx.request(method, f"{product.gateway}/mailboxes/contoso/alice{query}", headers=headers, timeout=20)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


PATH = "/mailboxes/contoso/alice"


def test_method_when_an_edge_hands_on_what_it_was_shown_is_called(product: Product, portal: StandIn) -> None:
    token = grant()
    answer = by_edge(product, {"Authorization": f"DPoP {token}", "DPoP": proof(token, PATH)})
    assert (answer.status_code, answer.text) == (200, "Dear alice, ... in inbox")
    assert records_of(portal, **READ) == [(True, "granted")]


def test_method_when_an_edge_was_shown_nothing_or_too_much_is_never_called(product: Product) -> None:
    token = grant()
    assert code(by_edge(product, {})) == (401, "no_grant")
    assert code(by_edge(product, {"Authorization": f"Bearer {token}"})) == (403, "proof_missing")
    stolen = {"Authorization": f"DPoP {token}", "DPoP": proof(token, PATH, key=HIS)}
    assert code(by_edge(product, stolen)) == (403, "proof_of_another_key")
    other = {"Authorization": f"DPoP {token}", "DPoP": proof(token, "/mailboxes/contoso/bob")}
    assert code(by_edge(product, other)) == (403, "proof_of_another_request")
    assert code(by_edge(product, other | cookies(token))) == (403, "credentials_ambiguous")
    assert code(by_edge(product, cookies(token), "PUT")) == (403, "cross_site")


def test_call_when_it_leads_to_another_one_needs_a_proof_for_some_minutes(product: Product, portal: StandIn) -> None:
    token = grant()
    once = {"Authorization": f"DPoP {token}", "DPoP": proof(token, PATH)}
    assert code(by_edge(product, once, query="?what=read_archive")) == (403, "proof_replayed")
    portal.records.clear()
    for headers in (cookies(token), {"Authorization": f"DPoP {token}", "DPoP": session(token)}):
        assert by_edge(product, headers, query="?what=read_archive").text == "Dear alice, ... in archive"
    assert records_of(portal, **READ) == [(True, "granted")] * 4


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://evil.example/x", "@evil.example/x"),
        ("https://files.vendor.example:8443/x", ":8443/x"),
        ("https://files.vendor.example.evil.example/x", ".evil.example/x"),
        ("https://evil.example/x", "https://evil.example/x"),
        ("https://evil.example/x", "//evil.example/x"),
    ],
)
def test_method_when_the_proof_was_made_for_another_origin_is_never_called(
    product: Product, url: str, address: str
) -> None:
    token = grant()
    made = prove(HERS, Target("GET", url), clock.now().timestamp(), f"evil-{next(numbers)}", token)
    told = {"grant": token, "proof": made, "method": "GET", "address": address}
    assert product.refusal("read", *ALICE, told=told) == "proof_of_another_request"


# --- while the portal is slow, gone or says no ---------------------------------------------------------------------


def test_service_when_the_portal_hangs_answers_other_calls(product: Product, portal: StandIn) -> None:
    portal.behaviours[RECORD] = hang
    with ClusterRpcProxy(
        {"AMQP_URI": product.amqp_uri}, context_data={"lockbox": product.proven(grant(), "read")}, timeout=15
    ) as proxy:
        before = len(portal.asked(RECORD))
        waits = proxy[product.name].read.call_async(*ALICE)
        eventually(lambda: len(portal.asked(RECORD)) > before)
        assert product.call("alive", timeout=4) == "alive"
        with pytest.raises(Forbidden, match="not_recorded"):
            waits.result()


def test_method_when_the_record_can_not_be_made_is_never_called(product: Product, portal: StandIn) -> None:
    portal.behaviours[RECORD] = answers(503)
    assert product.refusal("read", *ALICE, told=product.proven(grant(), "read")) == "not_recorded"


def test_method_when_the_portal_is_gone_is_never_called_and_is_again_when_it_is_back(
    product: Product, portal: StandIn
) -> None:
    def outcome() -> str:
        try:
            return str(product.call("read", *ALICE, told=product.proven(grant(), "read")))
        except Forbidden as refused:
            return refused.code

    assert outcome().startswith("Dear alice")
    portal.down()
    try:
        eventually(lambda: outcome() == "revocations_stale")
    finally:
        portal.up()
    eventually(lambda: outcome().startswith("Dear alice"))


def test_method_when_the_grant_is_revoked_is_never_called_any_more(product: Product, portal: StandIn) -> None:
    token = grant(jti=str(uuid4()))
    told = product.proven_for_some_time(token)
    assert product.call("read", *ALICE, told=told) == "Dear alice, ... in inbox"
    other = str(uuid4())
    portal.revoked.append(other)
    revoked = grant(jti=other)

    def is_refused() -> bool:
        try:
            product.call("read", *ALICE, told=product.proven_for_some_time(revoked))
        except Forbidden as refused:
            return refused.code == "grant_revoked"
        return False

    eventually(is_refused, within=BOUND_SECONDS)
    assert product.call("read", *ALICE, told=told) == "Dear alice, ... in inbox"


# --- with all of Lockbox -------------------------------------------------------------------------------------------


def test_product_when_guarded_by_the_real_portal_serves_until_the_grant_is_revoked(
    admin_amqp_uri: str, stack: Stack, people: People, tmp_path: Path
) -> None:
    opened = people.granted()["grant"]
    token = people.engineer.grant_token(opened["id"])
    token_file = stack.home / "content_service.token"
    with running(admin_amqp_uri, tmp_path, stack.portal_url, token_file) as product:

        def read() -> str:
            try:
                return str(product.call("read", *ALICE, told=product.proven(token, "read", people.engineer.key)))
            except Forbidden as refused:
                return refused.code

        assert read() == "Dear alice, ... in inbox"
        assert product.refusal("read", *ALICE, told=product.proven(token, "read")) == "proof_of_another_key"
        people.contoso_approver.post(f"/grants/{opened['id']}/revoke", {"comment": "Enough."})
        tried = eventually(lambda: (outcome := read()) == "grant_revoked" and outcome, within=BOUND_SECONDS)
    assert tried == "grant_revoked"
    found = eventually(lambda: uses_of(people, opened["id"], "grant_revoked"))
    assert [use["reason"] for use in found][:2] == ["granted", "proof_of_another_key"]
    assert {(use["engineer"], use["resource"]) for use in found} == {(people.engineer.email, "mailbox/alice")}


def uses_of(people: People, grant_id: str, last: str) -> list[dict[str, Any]] | None:
    """All uses of a grant in their order, as soon as there is one with this reason."""
    trail = people.contoso_auditor.trail("contoso", subject=grant_id)
    uses = [one["data"] for one in trail if one["type"] in ("access_allowed", "access_denied")]
    return sorted(uses, key=lambda use: str(use["at"])) if last in {use["reason"] for use in uses} else None


# --- how it begins -------------------------------------------------------------------------------------------------


def begins_late(handler: Handler) -> None:
    handler.pause(1.0)
    stream(handler)


def test_service_when_the_news_come_late_takes_its_first_call_when_they_are_there(
    admin_amqp_uri: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("lbk_secret")
    with portal_of(ISSUER.jwk) as portal:
        portal.behaviours[STREAM] = begins_late
        with running(admin_amqp_uri, tmp_path, portal.url, tmp_path / "token") as product:
            assert product.call("read", *ALICE, told=product.proven(grant(), "read")) == "Dear alice, ... in inbox"


def test_service_when_the_portal_is_gone_begins_and_refuses(admin_amqp_uri: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("lbk_secret")
    with portal_of(ISSUER.jwk) as portal:
        portal.down()
        with running(admin_amqp_uri, tmp_path, portal.url, tmp_path / "token") as product:
            told = product.proven(grant(), "read")
            assert product.refusal("read", *ALICE, told=told) == "revocations_stale"


@pytest.mark.parametrize("settings", [None, {}, {"portal": "https://lockbox.vendor.example"}, {"origin": "x/"}])
def test_service_when_its_settings_are_wrong_does_not_start(
    admin_amqp_uri: str, tmp_path: Path, settings: dict[str, str] | None
) -> None:
    (tmp_path / "config.yml").write_text(yaml.safe_dump({"AMQP_URI": admin_amqp_uri, "LOCKBOX": settings}))
    nameko = Path(sys.executable).with_name("nameko")
    ended = subprocess.run(
        [nameko, "run", "--config", tmp_path / "config.yml", "mailbox_service:Mailboxes"],
        cwd=SERVICE_FOLDER,
        env={**os.environ, "MAILBOXES": "mailboxes-wrong"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert b"token_file: expected" in ended.stderr
