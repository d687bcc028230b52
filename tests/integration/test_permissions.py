"""What the broker itself refuses to each service."""

import amqp
import pytest
from kombu import Connection

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
