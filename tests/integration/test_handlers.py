"""What becomes of a message when its handler fails, hangs, or is asked to stop: with a service of the tests' own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import amqp
import httpx
import pytest
from kombu import Connection
from pymongo import MongoClient
from tests.fail_points import failing_commands
from tests.waiting import eventually

from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN

QUEUE = "probe_service.on_probed.v1"
ATTEMPTS = 5


class Probe:
    """The service as a process, what it is told, and what it noted."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        self.orders = folder / "orders"
        self.order("")
        with socket.create_server(("127.0.0.1", 0)) as port:
            self.health = f"127.0.0.1:{port.getsockname()[1]}"
        config = {
            "SERVICE_CONTAINER_CLS": "lockbox.runtime.host.container.Container",
            "AMQP_URI": stack.servers.broker_uri(ADMIN, stack.secrets.broker),
            "MONGO": {
                "uri": stack.servers.database_uri(ADMIN, stack.secrets.database),
                "database": "lockbox_probe",
            },
            "CALLER_KEYS": str(stack.home / "secrets" / "callers.jwks.json"),
            "HEALTH_ADDRESS": self.health,
            "RECONCILE_SECONDS": 60,
            "max_workers": 100,
        }
        self._config = folder / "config.yml"
        self._config.write_text(json.dumps(config))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the service unless it runs."""
        if self.running:
            return
        nameko = Path(sys.executable).with_name("nameko")
        self.process = subprocess.Popen(
            [nameko, "run", "--config", self._config, "probe_service"],
            cwd=Path(__file__).parent,
            env={**os.environ, "PROBE": str(self.orders)},
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def terminate(self) -> int:
        """Ask the service to stop; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=60)

    def order(self, what: str) -> None:
        self.orders.write_text(what)

    def noted(self, probe_id: str) -> list[str]:
        journal = self.orders.with_suffix(".journal")
        lines = journal.read_text().splitlines() if journal.exists() else []
        return [line.split()[0] for line in lines if probe_id in line]

    def ask(self, page: str) -> tuple[int, str]:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"http://{self.health}/{page}", timeout=20)
            return answer.status_code, answer.text
        return 0, ""

    def ready(self) -> bool:
        return self.ask("readyz")[0] == 200


@pytest.fixture(scope="module")
def broker(admin_amqp_uri: str) -> Iterator[Connection]:
    with Connection(admin_amqp_uri) as connection:
        yield connection


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, stack: Stack, broker: Connection) -> Iterator[Probe]:
    probe = Probe(tmp_path_factory.mktemp("probe"), stack)
    try:
        yield probe
    finally:
        remove(probe, broker)


@pytest.fixture
def probe(service: Probe, broker: Connection) -> Iterator[Probe]:
    """The service, ready and without a message: the process of the test before, unless that one left it busy."""
    service.order("")
    service.start()
    eventually(service.ready, within=60)
    yield service
    with broker.channel() as channel:
        waiting = channel.queue_declare(f"{QUEUE}.parked", passive=True).message_count
    if waiting or service.orders.read_text():
        remove(service, broker)


def remove(probe: Probe, broker: Connection) -> None:
    """Kill the service, and delete its queues with what they hold."""
    probe.kill()
    with broker.channel() as channel:
        for queue in (QUEUE, f"{QUEUE}.parked", "probe_service.commands.v1"):
            channel.queue_delete(queue)


def tell(broker: Connection) -> str:
    """Publishes an event for the probe; its id."""
    probe_id = str(uuid4())
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "probe_service",
        "type": "probed",
        "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "subject": probe_id,
        "datacontenttype": "application/json",
        "data": {"tenant": None, "probe_id": probe_id},
        "actor": "tests",
        "sequence": 1,
        "dataversion": 1,
        "correlationid": str(uuid4()),
    }
    message = amqp.Message(json.dumps(event), content_type="application/json", message_id=probe_id, delivery_mode=2)
    with broker.channel() as channel:
        channel.basic_publish(message, exchange="probe_service.events", routing_key="probed")
    return probe_id


def parked(broker: Connection) -> dict[str, Any] | None:
    with broker.channel() as channel:
        message = channel.basic_get(f"{QUEUE}.parked", no_ack=True)
        return None if message is None else dict(message.properties["application_headers"])


@pytest.mark.parametrize(("order", "reason"), [("fail", "RuntimeError: as told"), ("time out", "HandlerTimeout")])
def test_message_when_its_handler_always_fails_is_tried_five_times_and_parked(
    probe: Probe, broker: Connection, order: str, reason: str
) -> None:
    probe.order(order)
    probe_id = tell(broker)
    headers = eventually(lambda: parked(broker), within=60)
    assert probe.noted(probe_id) == ["begin"] * ATTEMPTS
    assert headers["x-lockbox-attempt"] == ATTEMPTS
    assert reason in headers["x-lockbox-reason"]
    assert probe.running
    probe.order("")
    good = tell(broker)
    assert eventually(lambda: probe.noted(good) == ["begin", "end"])


def retries(probe: Probe) -> list[str]:
    return [line for line in probe.ask("metrics")[1].splitlines() if line.startswith("lockbox_retries_total")]


@pytest.mark.parametrize("error", ["Unauthorized", "OutOfDiskSpace", "UnsatisfiableWriteConcern"])
def test_message_when_mongodb_refuses_is_held_without_an_attempt_and_handled_soon_after(
    probe: Probe, broker: Connection, mongo: MongoClient[dict[str, Any]], error: str
) -> None:
    probe.order("write")
    retried = retries(probe)
    with failing_commands(mongo, error, client="probe_service"):
        probe_id = tell(broker)
        eventually(lambda: probe.noted(probe_id).count("begin") >= 3)
        assert "handlers" in json.loads(probe.ask("readyz")[1])["missing"]
        assert f'lockbox_messages_held{{queue="{QUEUE}"}} 1.0' in probe.ask("metrics")[1]
    eventually(lambda: "end" in probe.noted(probe_id), within=5)
    eventually(probe.ready)
    assert f'lockbox_messages_held{{queue="{QUEUE}"}} 0.0' in probe.ask("metrics")[1]
    assert retries(probe) == retried
    assert parked(broker) is None
    probe.order("")


def test_service_when_asked_to_stop_in_the_middle_of_a_handler_ends_it_once_and_exits_well(
    probe: Probe, broker: Connection
) -> None:
    probe.order("take 3")
    probe_id = tell(broker)
    eventually(lambda: probe.noted(probe_id))
    assert probe.terminate() == 0
    assert probe.noted(probe_id) == ["begin", "end"]
    with broker.channel() as channel:
        assert channel.queue_declare(QUEUE, passive=True).message_count == 0


def test_service_when_all_its_handlers_are_busy_still_shows_its_health_and_answers(
    probe: Probe, broker: Connection
) -> None:
    probe.order("take 20")
    told = [tell(broker) for _ in range(30)]
    eventually(lambda: sum(bool(probe.noted(probe_id)) for probe_id in told) >= 20)
    assert probe.ready()
    assert probe.ask("healthz")[0] == 200
    eventually(lambda: f'lockbox_queue_messages{{queue="{QUEUE}"}} 10.0' in probe.ask("metrics")[1])


def test_service_when_its_event_loop_was_blocked_says_that_it_is_not_alive(probe: Probe, broker: Connection) -> None:
    probe.order("block")
    eventually(lambda: probe.ask("healthz")[0] == 200)
    tell(broker)
    _, body = eventually(lambda: (seen := probe.ask("healthz"))[0] == 503 and seen)
    assert json.loads(body)["event_loop_lag_seconds"] >= 2
    eventually(lambda: probe.ask("healthz")[0] == 200)


def test_service_when_a_queue_is_deleted_says_so_and_makes_it_again(probe: Probe, broker: Connection) -> None:
    with broker.channel() as channel:
        channel.queue_delete(f"{QUEUE}.parked")
    _, body = eventually(lambda: (seen := probe.ask("readyz"))[0] == 503 and seen)
    named = set(json.loads(body)["missing"])
    assert named <= {"topology", f"topology: {QUEUE}.parked"}, "the latter where the broker reports deletions"
    eventually(probe.ready)


def test_service_when_its_queue_is_there_but_otherwise_is_not_ready_and_says_why(
    probe: Probe, broker: Connection
) -> None:
    probe.kill()
    with broker.channel() as channel:
        channel.queue_delete(QUEUE)
        channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "classic"})
    probe.start()
    _, body = eventually(lambda: (seen := probe.ask("readyz"))[0] == 503 and seen)
    assert json.loads(body)["missing"] == ["consumers"]
    with broker.channel() as channel:
        channel.queue_delete(QUEUE)
    eventually(probe.ready, within=60)
