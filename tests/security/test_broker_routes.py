"""With the broker password of one service, every route to calls, queues and events of others is refused."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import amqp
import pytest
from kombu import Connection
from tests.security.conftest import BrokerUri, StolenPassword

from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS, SOURCES
from lockbox.provision.limits import CHANNELS, CONNECTIONS
from lockbox.provision.secrets import ADMIN
from lockbox.runtime.broker.topology import (
    ANSWERS_EXCHANGE,
    CALLS_EXCHANGE,
    REPORTS,
    command_queue,
    events_exchange_name,
    reconcile_exchange,
)

CALLS, ANSWERS = CALLS_EXCHANGE.name, ANSWERS_EXCHANGE.name
REFUSED = (amqp.AccessRefused, amqp.PreconditionFailed)
Route = Callable[[Any, str], Any]


def own(user: str) -> str:
    return f"{user}.stolen-{uuid4().hex[:8]}"


def made(channel: Any, user: str) -> str:
    name = own(user)
    channel.exchange_declare(name, "topic", durable=False, auto_delete=False)
    return name


def publish(channel: Any, exchange: str, key: str, **properties: Any) -> None:
    channel.basic_publish_confirm(amqp.Message("{}", **properties), exchange=exchange, routing_key=key)


CALL_ROUTES: dict[str, Route] = {
    "publish": lambda channel, user: publish(channel, CALLS, "approval_service.decide"),
    "publish with CC": lambda channel, user: publish(
        channel, CALLS, str(uuid4()), application_headers={"CC": ["approval_service.decide"]}
    ),
    "publish with BCC": lambda channel, user: publish(
        channel, CALLS, f"{user}.x", application_headers={"BCC": ["approval_service.decide"]}
    ),
    "bind an own exchange to it": lambda channel, user: channel.exchange_bind(CALLS, made(channel, user), "#"),
    "name it as alternate exchange": lambda channel, user: channel.exchange_declare(
        own(user), "topic", durable=False, auto_delete=False, arguments={"alternate-exchange": CALLS}
    ),
    "name it as dead-letter exchange": lambda channel, user: channel.queue_declare(
        own(user), durable=False, exclusive=True, arguments={"x-dead-letter-exchange": CALLS}
    ),
    "delete it": lambda channel, user: channel.exchange_delete(CALLS),
    "publish on the default exchange": lambda channel, user: publish(
        channel, "", command_queue("approval_service").name
    ),
    "reach it by the exchange of answers": lambda channel, user: channel.exchange_bind(CALLS, ANSWERS, "#"),
}
FOREIGN_QUEUES = sorted({INTAKE_QUEUE, *LISTENERS, *(command_queue(source).name for source in SOURCES[:-1])})
QUEUE_ROUTES: dict[str, Callable[[Any, str], Any]] = {
    "unbind": lambda channel, queue: channel.queue_unbind(queue, events_exchange_name("approval_service"), "#"),
    "bind": lambda channel, queue: channel.queue_bind(queue, events_exchange_name("approval_service"), "#"),
    "purge": lambda channel, queue: channel.queue_purge(queue),
    "delete": lambda channel, queue: channel.queue_delete(queue),
    "get": lambda channel, queue: channel.basic_get(queue),
    "consume": lambda channel, queue: channel.basic_consume(queue, callback=lambda message: None),
    "publish by the default exchange": lambda channel, queue: publish(channel, "", queue),
}


@pytest.mark.parametrize("route", CALL_ROUTES)
@pytest.mark.parametrize("user", [source for source in SOURCES if source != "portal_service"])
def test_call_when_a_services_password_is_stolen_is_refused(stolen: StolenPassword, user: str, route: str) -> None:
    with stolen(user) as channel, pytest.raises(amqp.AccessRefused):
        CALL_ROUTES[route](channel, user)


@pytest.mark.parametrize("user", SOURCES)
def test_queue_of_another_when_a_services_password_is_stolen_is_out_of_reach(stolen: StolenPassword, user: str) -> None:
    for queue in FOREIGN_QUEUES:
        for name, route in QUEUE_ROUTES.items():
            if queue.startswith(f"{user}."):
                continue
            with stolen(user) as channel:
                try:
                    route(channel, queue)
                except amqp.AccessRefused:
                    continue
                pytest.fail(f"{user} may {name} {queue}")


@pytest.mark.parametrize("user", SOURCES)
def test_event_of_another_when_a_services_password_is_stolen_is_refused_by_every_route(
    stolen: StolenPassword, user: str
) -> None:
    for source in SOURCES:
        if source == user:
            continue
        for exchange in (events_exchange_name(source), reconcile_exchange(source).name):
            routes: tuple[Route, ...] = (
                lambda channel, _user, exchange=exchange: publish(channel, exchange, "access_granted"),
                lambda channel, user, exchange=exchange: channel.exchange_bind(exchange, made(channel, user), "#"),
                lambda channel, user, exchange=exchange: channel.exchange_declare(
                    own(user), "topic", durable=False, auto_delete=False, arguments={"alternate-exchange": exchange}
                ),
                lambda channel, user, exchange=exchange: channel.queue_declare(
                    own(user), durable=False, exclusive=True, arguments={"x-dead-letter-exchange": exchange}
                ),
                lambda channel, _user, exchange=exchange: channel.exchange_delete(exchange),
            )
            for route in routes:
                with stolen(user) as channel, pytest.raises(amqp.AccessRefused):
                    route(channel, user)


@pytest.mark.parametrize("user", [source for source in SOURCES if source != "portal_service"])
def test_answers_when_a_services_password_is_stolen_are_not_read(stolen: StolenPassword, user: str) -> None:
    with stolen(user) as channel:
        queue, _, _ = channel.queue_declare(own(user), exclusive=True, durable=False)
        with pytest.raises(amqp.AccessRefused):
            channel.queue_bind(queue, ANSWERS, str(uuid4()))
    with stolen(user) as channel, pytest.raises(amqp.AccessRefused):
        channel.exchange_bind(made(channel, user), ANSWERS, "#")


@pytest.mark.parametrize("user", [source for source in SOURCES if source != "portal_service"])
def test_answer_when_it_names_another_service_as_its_publisher_is_refused(stolen: StolenPassword, user: str) -> None:
    another = next(source for source in SOURCES if source != user)
    with stolen(user) as channel, pytest.raises(amqp.PreconditionFailed):
        publish(channel, ANSWERS, str(uuid4()), user_id=another)


def test_calls_when_an_answer_carries_a_copy_address_stay_unsent(stolen: StolenPassword, broker_uri: BrokerUri) -> None:
    key = f"approval_service.nothing_{uuid4().hex[:8]}"
    with Connection(broker_uri(ADMIN)) as connection:
        channel = connection.default_channel
        seen, _, _ = channel.queue_declare("", exclusive=True)
        channel.queue_bind(seen, CALLS, key)
        with stolen("audit_service") as thief:
            publish(thief, ANSWERS, str(uuid4()), application_headers={"CC": [key], "BCC": [key]})
        assert channel.basic_get(seen) is None


REPORT_ROUTES: dict[str, Route] = {
    "forge one": lambda channel, user: publish(channel, REPORTS, "binding.deleted"),
    "bind all": lambda channel, user: channel.queue_bind(
        channel.queue_declare(own(user), exclusive=True, durable=False).queue, REPORTS, "#"
    ),
    "read of users": lambda channel, user: channel.queue_bind(
        channel.queue_declare(own(user), exclusive=True, durable=False).queue, REPORTS, "user.created"
    ),
    "bind an own exchange to it": lambda channel, user: channel.exchange_bind(made(channel, user), REPORTS, "#"),
    "delete it": lambda channel, user: channel.exchange_delete(REPORTS),
}


@pytest.mark.parametrize("route", REPORT_ROUTES)
@pytest.mark.parametrize("user", SOURCES)
def test_reports_when_a_services_password_is_stolen_are_not_forged_and_say_no_more_than_they_must(
    stolen: StolenPassword, user: str, route: str
) -> None:
    with stolen(user) as channel, pytest.raises(amqp.AccessRefused):
        REPORT_ROUTES[route](channel, user)


WATCH_ROUTES: dict[str, Callable[[Any, str], Any]] = {
    **{name: route for name, route in QUEUE_ROUTES.items() if name in ("purge", "delete", "get", "consume")},
    "unbind": lambda channel, queue: channel.queue_unbind(queue, REPORTS, "binding.deleted"),
    "bind": lambda channel, queue: channel.queue_bind(queue, REPORTS, "binding.deleted"),
}


@pytest.mark.parametrize("route", WATCH_ROUTES)
@pytest.mark.parametrize("user", ["audit_service", ADMIN])
def test_watch_when_its_own_services_password_is_stolen_is_out_of_reach(
    stolen: StolenPassword, user: str, route: str
) -> None:
    with stolen("audit_service") as watching, stolen(user) as channel:
        queue = watching.queue_declare(own("audit_service"), exclusive=True, durable=False).queue
        watching.queue_bind(queue, REPORTS, "binding.deleted")
        with pytest.raises(amqp.ResourceLocked):
            WATCH_ROUTES[route](channel, queue)


def test_connections_when_a_stolen_password_opens_too_many_are_refused_to_that_user_alone(
    stolen: StolenPassword,
) -> None:
    def open_all(opened: ExitStack) -> None:
        for _ in range(CONNECTIONS + 1):
            opened.enter_context(stolen("notify_service"))

    with ExitStack() as opened:
        with pytest.raises(amqp.NotAllowed, match="connection limit"):
            open_all(opened)
        with stolen("audit_service"):
            pass


def test_channels_when_a_stolen_password_opens_too_many_are_refused(stolen: StolenPassword) -> None:
    def open_all(channel: Any) -> None:
        for _ in range(CHANNELS):
            channel.connection.channel()

    with pytest.raises(amqp.NotAllowed, match="number of channels"), stolen("notify_service") as channel:
        open_all(channel)
