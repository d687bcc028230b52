"""What the watch makes of the broker's reports."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from amqp.exceptions import AccessRefused, NotFound

from lockbox.runtime.broker import watch as watch_module
from lockbox.runtime.broker.topology import BINDING_REMOVED, EXCHANGE_DELETED, QUEUE_DELETED
from lockbox.runtime.broker.watch import Watch
from lockbox.runtime.process.metrics import WATCHED

QUEUE, EXCHANGE, KEY = BINDING = ("audit_service.on_event.v1", "request_service.events", "#")
OWN_EXCHANGE = "audit_service.events"


class Broker:
    """A broker and a consumer that keep what the watch does; `away`: it is not there."""

    def __init__(self) -> None:
        self.away = False
        self.declared = 0
        self.reconnected = 0
        self.threads: list[Callable[[], None]] = []

    def declare(self, _connection: object) -> None:
        if self.away:
            raise ConnectionRefusedError("away")
        self.declared += 1

    def reconnect(self) -> None:
        self.reconnected += 1


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def watch(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Any:
    watch: Any = Watch()
    provider = SimpleNamespace(queues=(QUEUE,), bound=frozenset({BINDING}), declare=broker.declare)
    watch.queue_consumer = SimpleNamespace(
        providers=(provider,),
        before_declaring=[],
        after_declaring=[],
        attached=True,
        reconnect=broker.reconnect,
    )
    watch.container = SimpleNamespace(
        service_name="audit_service",
        stopping=False,
        config={"AMQP_URI": "amqp://127.0.0.1"},
        spawn_managed_thread=lambda run, identifier: broker.threads.append(run),
    )
    watch.setup()
    watch._vhost = "/"
    exchange = SimpleNamespace(exchange_declare=lambda **_options: broker.declare(None))
    channel = SimpleNamespace(default_channel=exchange)
    monkeypatch.setattr(watch_module, "visit", lambda _uri: Visit(channel))
    return watch


class Visit:
    def __init__(self, connection: object) -> None:
        self._connection = connection

    def __enter__(self) -> object:
        return self._connection

    def __exit__(self, *_error: object) -> None:
        """Nothing to close."""


def report(kind: str, binding: tuple[str, str, str] = BINDING, vhost: str = "/", **fields: str) -> Any:
    names = {"destination_name": binding[0], "source_name": binding[1], "routing_key": binding[2]}
    return SimpleNamespace(delivery_info={"routing_key": kind}, headers={"vhost": vhost, **names, **fields})


def test_watch_when_a_binding_is_removed_is_faulty_until_it_is_made_again_and_holds(
    watch: Any, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(watch_module.time, "monotonic", lambda: now)
    asked: list[str] = []
    watch.repaired.append(lambda: asked.append("again"))
    watch._read(report(BINDING_REMOVED))
    assert watch.faults() == [QUEUE]
    [repair] = broker.threads
    repair()
    assert (broker.declared, broker.reconnected, asked) == (1, 0, ["again"])
    assert watch.faults() == [QUEUE]
    now += watch_module.STEADY_SECONDS + 0.1
    assert watch.faults() == []


def test_watch_when_the_broker_is_away_goes_on_repairing(
    watch: Any, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        broker.away = False

    monkeypatch.setattr(watch_module.eventlet, "sleep", sleep)
    broker.away = True
    watch._read(report(BINDING_REMOVED))
    broker.threads[0]()
    assert broker.declared == 1


def test_watch_when_more_is_removed_meanwhile_repairs_in_one_thread(watch: Any, broker: Broker) -> None:
    for _ in range(3):
        watch._read(report(BINDING_REMOVED))
    assert len(broker.threads) == 1


def test_watch_when_a_queue_is_deleted_makes_it_again_and_connects_anew(watch: Any, broker: Broker) -> None:
    watch._read(report(QUEUE_DELETED, name=QUEUE))
    broker.threads[0]()
    assert (broker.declared, broker.reconnected) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        report(BINDING_REMOVED, ("notify_service.on_news.v1", EXCHANGE, KEY)),
        report(BINDING_REMOVED, (QUEUE, EXCHANGE, "a_key_of_an_earlier_release")),
        report(BINDING_REMOVED, vhost="another"),
        report(QUEUE_DELETED, name="notify_service.on_news.v1"),
        report(EXCHANGE_DELETED, name="notify_service.events"),
        SimpleNamespace(delivery_info={"routing_key": BINDING_REMOVED}, headers={"vhost": "/"}),
    ],
)
def test_watch_when_something_else_is_removed_has_no_fault(watch: Any, broker: Broker, other: Any) -> None:
    watch._read(other)
    assert (watch.faults(), broker.threads) == ([], [])


def test_watch_when_its_services_exchange_is_deleted_is_faulty(watch: Any) -> None:
    watch._read(report(EXCHANGE_DELETED, name=OWN_EXCHANGE))
    assert watch.faults() == [OWN_EXCHANGE]


class Refusing:
    """A connection to a broker that lets nobody bind to its reports."""

    virtual_host = "/"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def channel(self) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing to close."""

    def queue_declare(self, *_arguments: object, **_options: object) -> None:
        """Done."""

    def queue_bind(self, *_arguments: object) -> None:
        raise self._error


@pytest.mark.parametrize(
    "error", [AccessRefused("the definitions are those of an earlier release"), NotFound("the plugin is not enabled")]
)
def test_watch_when_the_broker_reports_nothing_is_an_alarm_and_no_fault(watch: Any, error: Exception) -> None:
    WATCHED.set(1)
    watch._listen(Refusing(error))
    assert WATCHED._value.get() == 0
    assert watch.faults() == []
