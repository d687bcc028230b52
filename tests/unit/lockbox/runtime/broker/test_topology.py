import pytest
from nameko.events import get_event_exchange
from tests.unit.strategies import EVERY_FACT

from lockbox.contracts.listeners import INTAKE_QUEUE, SOURCES
from lockbox.runtime.broker.topology import (
    DELIVERY_LIMIT,
    RETRY_SECONDS,
    SubscriptionTopology,
    events_exchange,
    parked_exchange,
    redeliver_exchange,
    retry_exchange,
)

BINDINGS = (("request_service", "request_created"), ("portal_service", "member_added"))
TOPOLOGY = SubscriptionTopology("approval_service", "on_request_created", BINDINGS)


@pytest.mark.parametrize("source", SOURCES)
def test_exchange_when_of_events_is_the_one_that_nameko_itself_would_use(source: str) -> None:
    ours, nameko = events_exchange(source), get_event_exchange(source, {})
    assert (ours.name, ours.type, ours.durable) == (nameko.name, nameko.type, nameko.durable)


def test_exchanges_when_named_begin_with_the_service_that_owns_them() -> None:
    named = {
        redeliver_exchange("audit_service"): ("audit_service.redeliver", "direct"),
        parked_exchange("audit_service"): ("audit_service.parked", "direct"),
        retry_exchange("audit_service", 30): ("audit_service.retry.30s", "fanout"),
    }
    for exchange, (name, kind) in named.items():
        assert (exchange.name, exchange.type, exchange.durable, exchange.auto_delete) == (name, kind, True, False)


def test_queue_when_of_a_handler_has_its_name() -> None:
    assert TOPOLOGY.name == "approval_service.on_request_created.v1"
    assert TOPOLOGY.queue.name == TOPOLOGY.name
    assert SubscriptionTopology("audit_service", "on_event", ()).name == INTAKE_QUEUE


def test_queue_when_declared_is_a_quorum_queue_that_loses_nothing() -> None:
    queue = TOPOLOGY.queue
    assert (queue.durable, queue.auto_delete, queue.exclusive) == (True, False, False)
    assert queue.queue_arguments == {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "approval_service.parked",
        "x-dead-letter-routing-key": "approval_service.on_request_created.v1",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": DELIVERY_LIMIT,
    }


def test_retry_tiers_when_named_are_longer_each_time_and_different() -> None:
    assert list(RETRY_SECONDS) == sorted(set(RETRY_SECONDS))
    assert len({retry_exchange("audit_service", seconds).name for seconds in RETRY_SECONDS}) == len(RETRY_SECONDS)


def test_sources_when_listed_are_the_owners_of_all_facts() -> None:
    assert {kind.source for kind in EVERY_FACT} <= set(SOURCES)
    assert len(set(SOURCES)) == 5
