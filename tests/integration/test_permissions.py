"""What the broker and the database themselves refuse to each service."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import amqp
import pytest
from kombu import Connection
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from lockbox.embedded.stack import Stack

SERVICES = ("request_service", "approval_service", "notify_service", "audit_service", "portal_service")


def publish(stack: Stack, user: str, exchange: str, routing_key: str) -> None:
    with Connection(stack.servers.broker_uri(user, stack.secrets.broker)) as connection:
        channel = connection.default_channel
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message("{}"), exchange=exchange, routing_key=routing_key)


@pytest.mark.parametrize("user", [service for service in SERVICES if service != "approval_service"])
def test_broker_when_a_service_publishes_as_another_refuses(stack: Stack, user: str) -> None:
    with pytest.raises(amqp.AccessRefused):
        publish(stack, user, "approval_service.events", "access_granted")


@pytest.mark.parametrize("user", SERVICES)
def test_broker_when_a_service_writes_into_a_queue_directly_refuses(stack: Stack, user: str) -> None:
    with pytest.raises(amqp.AccessRefused):
        publish(stack, user, "", "approval_service.on_request_created.v1")


@pytest.mark.parametrize("user", [service for service in SERVICES if service != "portal_service"])
def test_broker_when_anybody_but_the_portal_calls_refuses(stack: Stack, user: str) -> None:
    with pytest.raises(amqp.AccessRefused):
        publish(stack, user, "lockbox.calls", "approval_service.decide")


@pytest.mark.parametrize("user", [service for service in SERVICES if service != "approval_service"])
def test_broker_when_a_service_listens_to_anothers_calls_refuses(stack: Stack, user: str) -> None:
    with Connection(stack.servers.broker_uri(user, stack.secrets.broker)) as connection:
        channel = connection.default_channel
        channel.queue_declare(f"{user}.eavesdropper", durable=False, auto_delete=True)
        with pytest.raises(amqp.AccessRefused):
            channel.queue_bind(f"{user}.eavesdropper", "lockbox.calls", "approval_service.*")


@pytest.mark.parametrize("user", SERVICES)
def test_broker_when_a_service_takes_anothers_queue_refuses(stack: Stack, user: str) -> None:
    others = "request_service.on_progress.v1" if user != "request_service" else "notify_service.on_news.v1"
    with Connection(stack.servers.broker_uri(user, stack.secrets.broker)) as connection:
        with pytest.raises(amqp.AccessRefused):
            connection.default_channel.basic_get(others)
        with pytest.raises(amqp.AccessRefused):
            connection.channel().queue_delete(others)


Database = Callable[[str, str], Any]


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """A database as a service's own user sees it."""
    with ExitStack() as clients:

        def open_as(user: str, name: str) -> Any:
            uri = stack.servers.database_uri(user, stack.secrets.database)
            return clients.enter_context(MongoClient[dict[str, Any]](uri))[name]

        yield open_as


@pytest.mark.parametrize("user", SERVICES)
def test_database_when_a_service_reads_anothers_refuses(database: Database, user: str) -> None:
    other = "lockbox_approval" if user != "approval_service" else "lockbox_portal"
    with pytest.raises(OperationFailure, match="not authorized"):
        database(user, other)["approvals"].find_one({})


def test_database_when_audit_service_changes_a_record_refuses(database: Database) -> None:
    records = database("audit_service", "lockbox_audit")["records"]
    records.insert_one({"_id": str(uuid4()), "tenant": "nowhere"})
    for change in (
        lambda: records.update_one({}, {"$set": {"actor": "nobody"}}),
        lambda: records.delete_one({}),
        lambda: records.drop(),
        lambda: records.database.client.drop_database("lockbox_audit"),
    ):
        with pytest.raises(OperationFailure, match="not authorized"):
            change()


@pytest.mark.parametrize("collection", ["operations", "events"])
def test_database_when_audit_service_removes_what_it_publishes_refuses(database: Database, collection: str) -> None:
    published = database("audit_service", "lockbox_audit")[collection]
    assert published.find_one({"_id": "nothing"}) is None
    for change in (lambda: published.delete_one({}), lambda: published.drop()):
        with pytest.raises(OperationFailure, match="not authorized"):
            change()
