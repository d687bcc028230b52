"""What is measured: each service's own process, and what its servers say of it."""

import os
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import psutil
from pymongo import MongoClient

from lockbox.embedded import rabbitmq
from lockbox.embedded.processes import PROGRAM_MARK, started_here
from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN, SERVICES
from tests.soak.trend import IN_FLIGHT, Sample

PROCESSES_EVERY_SECONDS = 5.0
SERVERS_EVERY_SECONDS = 15.0
SERVERS = "rabbitmq", "mongodb"

Reading = Iterator[tuple[tuple[str, str], float]]


class Sampler:
    """Samples in a thread until it is left; `series` has (seconds, value) by (program, measure)."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.pids = pids_of(stack)
        self.series: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)
        self._started = time.monotonic()
        self._stopped = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(self._processes, PROCESSES_EVERY_SECONDS)),
            threading.Thread(target=self._run, args=(self._servers, SERVERS_EVERY_SECONDS)),
        ]

    def __enter__(self) -> "Sampler":
        database = self._stack.servers.database_uri(ADMIN, self._stack.secrets.database)
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(database)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._mongo.close()
        if self._failures:
            raise self._failures[0]

    def since(self, seconds: float) -> dict[tuple[str, str], list[Sample]]:
        """All series without what was sampled before."""
        return {name: [one for one in series if one[0] >= seconds] for name, series in self.series.items()}

    def _run(self, read: Any, every: float) -> None:
        try:
            while not self._stopped.wait(every):
                now = time.monotonic() - self._started
                for name, value in read():
                    self.series[name].append((now, value))
        except BaseException as failure:  # noqa: BLE001 - raised again by whoever waits for the thread
            self._failures.append(failure)

    def _processes(self) -> Reading:
        for service in SERVICES:
            process = psutil.Process(self.pids[service])
            memory = process.memory_full_info()
            yield (service, "memory (USS, MB)"), memory.uss / 1e6
            yield (service, "threads"), process.num_threads()
            sockets = process.net_connections("tcp")
            own = {one.laddr.port for one in sockets if one.status == "LISTEN"}
            established = [one for one in sockets if one.status == "ESTABLISHED"]
            clients = sum(one.laddr.port in own for one in established)
            yield (service, "descriptors"), process.num_fds() - clients  # how many clients stay is theirs to say
            peers = Counter(one.raddr.port for one in established)
            yield (service, "AMQP connections"), peers[self._stack.ports["amqp"]]
            yield (service, "MongoDB connections"), peers[self._stack.ports["mongodb"]]

    def _servers(self) -> Reading:
        channels = Counter[str]()
        for line in rabbitmqctl(self._stack, "list_connections", "user", "channels"):
            user, number = line.split("\t")
            channels[user] += int(number)
        for service in SERVICES:
            yield (service, "AMQP channels"), channels[service]
        yield ("rabbitmq", IN_FLIGHT), unacked(self._stack)
        queues = rabbitmqctl(self._stack, "list_queues", "name")
        yield ("rabbitmq", "queues"), len(queues)
        yield ("mongodb", "connections"), self._mongo.admin.command("serverStatus")["connections"]["current"]


def pids_of(stack: Stack) -> dict[str, int]:
    """The process of each service."""
    return {process.environ()[PROGRAM_MARK]: process.pid for process in started_here(stack.home)}


def unacked(stack: Stack) -> int:
    """How many messages are in flight."""
    return sum(map(int, rabbitmqctl(stack, "list_queues", "messages_unacknowledged")))


def rabbitmqctl(stack: Stack, *arguments: str) -> list[str]:
    """The lines that it prints for the stack's own node."""
    environment = {**os.environ, **rabbitmq.environment(stack.home / "rabbitmq", stack.ports)}
    command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "--silent", *arguments]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if line.strip()]
