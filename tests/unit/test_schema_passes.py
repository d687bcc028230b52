"""Schema passes, counted from the portal's REST to the service's database and back.

A pass turns a whole message into a document or back, nested messages included. Portal, RPC client, RPC server,
entrypoints, use cases and stores are the real ones; the broker between them and MongoDB's collections are stand-ins.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from datetime import timedelta
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from marshmallow import Schema
from tests.unit.builders import ADMIN, ENGINEER, NOW, VENDOR_APPROVER, approval, created, digest_of, event
from tests.unit.fakes import FakeAggregates, FakeClock
from tests.unit.keys import public_keys, signing_key
from tests.unit.portal_service.fakes import FakeWeb
from tests.unit.request_service.fakes import FakePaces

from approval_service.service import ApprovalService
from approval_service.store import ApprovalStore
from audit_service.domain.record import Record
from audit_service.service import AuditService
from audit_service.store import RecordStore, _document
from lockbox.contracts import wire
from lockbox.contracts.encoder import CompiledSchema
from lockbox.contracts.events import read_event
from lockbox.contracts.identity import Caller
from lockbox.runtime.broker.publisher import Message
from lockbox.runtime.rpc import client, server
from portal_service.app import create_app
from portal_service.domain.account import Account
from portal_service.domain.session import Session
from portal_service.edge import PortalEdge
from portal_service.passwords import token_digest
from portal_service.usecases import Known
from request_service.service import RequestService
from request_service.settings import RequestSettings
from request_service.store import RequestStore, TenantStore

KEY = signing_key()
TENANT = {
    "_id": "contoso",
    "maximum_duration": "PT4H",
    "request_lifetime": "PT12H",
    "default_duration": "PT4H",
}
BODY = {
    "tenant": "contoso",
    "service_request": "SR-359423",
    "reason_code": "CUSTOMER_INITIATED_SUPPORT",
    "justification": "Alice cannot open her mailbox.",
    "resources": ["mailbox/alice"],
    "actions": ["read"],
    "duration": "PT4H",
}


class Passes:
    """Counts passes; one within another belongs to it."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._depth = 0

    def counted(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def run(*args: Any, **options: Any) -> Any:
            if self._depth == 0:
                self.names.append(f"{name} {getattr(args[0], '__name__', type(args[0]).__name__)}")
            self._depth += 1
            try:
                return work(*args, **options)
            finally:
                self._depth -= 1

        return run


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Passes:
    counter = Passes()
    for name in ("encode", "decode", "read"):
        monkeypatch.setattr(wire, name, counter.counted(name, getattr(wire, name)))
    monkeypatch.setattr(Schema, "load", counter.counted("load", Schema.load))
    monkeypatch.setattr(CompiledSchema, "dump", counter.counted("dump", CompiledSchema.dump))
    return counter


class Collection:
    """Documents by id: as much of a collection of MongoDB as the stores use here."""

    def __init__(self, *documents: Mapping[str, Any]) -> None:
        self.documents = {document["_id"]: dict(document) for document in documents}

    def find_one(self, where: Mapping[str, Any], *_options: Any) -> dict[str, Any] | None:
        return self.documents.get(where["_id"])

    def insert_one(self, document: dict[str, Any]) -> None:
        self.documents[document["_id"]] = document

    def update_one(self, where: Mapping[str, Any], update: Mapping[str, Any]) -> Any:
        document = self.documents[where["_id"]]
        document.update(update["$set"])
        document["cmds"] = update["$push"]["cmds"]["$each"]
        return SimpleNamespace(modified_count=1)

    def aggregate(self, _steps: Any) -> Iterator[dict[str, Any]]:
        return iter(self.documents.values())


class Relay:
    """Publishes nothing."""

    def offer(self, waiting: Any) -> None:
        pass


class Queues:
    """Acknowledges nothing."""

    def ack(self, *messages: Any) -> None:
        pass


class Broker:
    """Takes a call to the real RPC server of a service, and its answer back to the real client, in one thread."""

    def __init__(self, *services: Any) -> None:
        self.servers = {service.name: _server(service, self) for service in services}
        self.replies = client.Replies()
        self.replies.queue_consumer, self.replies.routing_key = Queues(), "portal"
        self.replies._expected, self.replies._shared_user = {}, None
        self.called = ""
        self.answers: list[Any] = []

    def publish(self, message: Message) -> bool:
        delivered = SimpleNamespace(
            body=message.body,
            headers=message.headers,
            properties={**message.properties, "content_type": server.JSON, "user_id": self.called},
            delivery_info={"routing_key": message.routing_key, "exchange": message.exchange},
        )
        if message.routing_key == self.replies.routing_key:
            self.answers.append(json.loads(message.body))
            self.replies.handle_message(delivered)
        else:
            self.called = message.routing_key.partition(".")[0]
            self.servers[self.called].handle_message(delivered)
        return True

    @property
    def services(self) -> client.RpcClient:
        services = client.RpcClient()
        services._key, services._publishers, services.replies = KEY, self, self.replies
        return services


def _server(service: Any, broker: Broker) -> server.CommandConsumer:
    def spawn_worker(provider: Any, args: Any, _kwargs: Any, handle_result: Any) -> None:
        handle_result(None, getattr(service, provider.method_name)(*args), None)

    consumer = server.CommandConsumer()
    consumer.queue_consumer, consumer._publishers = Queues(), broker
    consumer.container = SimpleNamespace(spawn_worker=spawn_worker, service_name=service.name)
    consumer._providers = {_command(method) for method in vars(type(service)).values() if _is_command(method)}
    return consumer


def _is_command(method: Any) -> bool:
    return any(isinstance(one, server.Command) for one in getattr(method, "nameko_entrypoints", ()))


def _command(method: Any) -> server.Command:
    [declared] = method.nameko_entrypoints
    command = copy(declared)
    command.method_name, command.callers = method.__name__, SimpleNamespace(keys=public_keys(KEY))
    return command


def service_of(kind: Any, **dependencies: Any) -> Any:
    service = kind()
    for name, dependency in {"clock": FakeClock(NOW), **dependencies}.items():
        setattr(service, name, dependency)
    return service


class Portal:
    """The portal as one person's programs and browser see it."""

    def __init__(self, home: Path, person: Caller, *services: Any) -> None:
        (home / "web.key").write_text("secret")
        config = {"portal_url": "https://lockbox.example", "web_key": str(home / "web.key")}
        self.broker = Broker(*services)
        absent = cast(Any, None)
        self._edge = PortalEdge(_known(person), self.broker.services, absent, FakeClock(NOW), absent, absent, FakeWeb())
        self._client = create_app({"lockbox": config}).test_client()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.open(
            path,
            method=method,
            json=body,
            headers={"Authorization": "Bearer token"},
            environ_overrides={"lockbox.edge": self._edge},
        )
        assert answer.status_code in (200, 201), answer.text
        return answer.json


def _known(person: Caller) -> Known:
    roles = tuple(sorted(person.roles))
    account = Account(email=person.email, organisation=person.organisation, roles=roles, password_hash=None)
    session = Session(email=person.email, created_at=NOW, expires_at=NOW + timedelta(hours=8))
    return Known(
        accounts=FakeAggregates(**{person.email: account}),
        sessions=cast(Any, FakeAggregates(**{token_digest("token"): session})),
        api_tokens=FakeAggregates(),
        failed_attempts=cast(Any, None),
    )


def store_of(kind: Any, collection: Collection) -> Any:
    return kind({kind.name: collection}, Relay())


def answer_in(document: Mapping[str, Any]) -> Any:
    return json.loads(zlib.decompress(document["cmds"][0]["result"]))


def test_create_request_when_counted_takes_seven_passes(passes: Passes, tmp_path: Path) -> None:
    kept = Collection()
    service = service_of(
        RequestService,
        requests=store_of(RequestStore, kept),
        tenants=store_of(TenantStore, Collection(TENANT)),
        paces=FakePaces(),
        settings=RequestSettings(),
    )
    portal = Portal(tmp_path, ENGINEER, service)
    passes.names.clear()
    shown = portal.send("POST", "/api/v1/requests", BODY)
    assert len(passes.names) <= 7, "\n".join(passes.names)
    [document] = kept.documents.values()
    assert answer_in(document) == portal.broker.answers[0]["result"] == shown


def test_decide_when_counted_takes_thirteen_passes(passes: Passes, tmp_path: Path) -> None:
    waiting = approval()
    kept = Collection({"_id": waiting.request_id, "version": 1, "sequence": 3, "state": wire.encode(waiting)})
    service = service_of(ApprovalService, approvals=store_of(ApprovalStore, kept))
    portal = Portal(tmp_path, VENDOR_APPROVER, service)
    body = {"decision": "approve", "request_digest": digest_of(waiting)}
    passes.names.clear()
    shown = portal.send("POST", f"/api/v1/requests/{waiting.request_id}/decisions", body)
    assert len(passes.names) <= 13, "\n".join(passes.names)
    [document] = kept.documents.values()
    assert answer_in(document) == portal.broker.answers[0]["result"] == shown


def test_audit_read_when_counted_takes_six_passes_however_many_records(passes: Passes, tmp_path: Path) -> None:
    events = [event(created(), sequence) for sequence in range(1, 19)]
    records = [Record.of(one, one.payload(), NOW) for one in events]
    service = service_of(AuditService, records=store_of(RecordStore, Collection(*map(_document, records))))
    portal = Portal(tmp_path, ADMIN, service)
    passes.names.clear()
    shown = portal.send("GET", "/api/v1/tenants/contoso/audit")
    assert len(passes.names) <= 6, "\n".join(passes.names)
    assert [item["id"] for item in shown["items"]] == [one.id for one in events]
    assert [item["data"] for item in shown["items"]] == [one.data for one in events]
    assert {item["causationid"] for item in shown["items"]} == {None}


def test_audit_read_when_an_event_was_published_in_another_form_shows_the_same(tmp_path: Path) -> None:
    plain = event(created())
    odd = {"time": "2026-01-31T11:30:00.123456+02:00", "laterattribute": 1}
    other = json.dumps(json.loads(plain.payload()) | odd)
    seen = []
    for body in (plain.payload(), f" {other} \n".encode()):
        record = Record.of(read_event(body), body, NOW)
        service = service_of(AuditService, records=store_of(RecordStore, Collection(_document(record))))
        [shown] = Portal(tmp_path, ADMIN, service).send("GET", "/api/v1/tenants/contoso/audit")["items"]
        assert shown.pop("digest") == record.digest
        seen.append(shown)
    assert seen[0] == seen[1]
