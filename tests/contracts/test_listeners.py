"""Publishers wait for exactly the queues that services read."""

from importlib import import_module
from inspect import isclass
from typing import Any

import pytest

from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS, SOURCES, bindings
from lockbox.runtime.broker.topology import SubscriptionTopology
from lockbox.runtime.events.batches import EveryEvent
from lockbox.runtime.events.subscription import Subscription


def service_class(name: str) -> Any:
    module = import_module(f"{name}.service")
    [found] = [each for each in vars(module).values() if isclass(each) and getattr(each, "name", None) == name]
    return found


def subscriptions(name: str) -> dict[str, Subscription]:
    """What a service subscribes to, by queue."""
    return {
        SubscriptionTopology(name, method.__name__, ()).name: entrypoint
        for method in vars(service_class(name)).values()
        for entrypoint in getattr(method, "nameko_entrypoints", ())
        if isinstance(entrypoint, Subscription)
    }


ALL = {queue: subscription for source in SOURCES for queue, subscription in subscriptions(source).items()}


def test_listeners_name_every_queue_that_a_service_reads() -> None:
    assert ALL.keys() == {INTAKE_QUEUE, *LISTENERS}
    assert isinstance(ALL[INTAKE_QUEUE], EveryEvent)


@pytest.mark.parametrize("queue", LISTENERS)
def test_listeners_name_the_events_that_the_service_wants(queue: str) -> None:
    assert set(LISTENERS[queue]) == set(ALL[queue].kinds)


@pytest.mark.parametrize("source", SOURCES)
def test_bindings_are_those_of_the_subscriptions_and_of_the_audit(source: str) -> None:
    wanted = {(queue, key) for queue, one in ALL.items() for of, key in one.bindings if of == source}
    assert set(bindings(source)) == wanted
    assert (INTAKE_QUEUE, "#") in wanted
