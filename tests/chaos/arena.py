"""The stack of test builds under load, and what can be done to it."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psutil
from pymongo import MongoClient

from lockbox.embedded.plan import Existing, Plan
from lockbox.embedded.processes import started_here
from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN, SERVICES
from lockbox.runtime.process.crash_points import Point
from tests.chaos.orders import FOLDER, KILL, Order
from tests.fail_points import FAIL_POINTS
from tests.load import UNLIMITED, Ledger, Load, Teller
from tests.oracle import Oracle
from tests.people import People
from tests.waiting import eventually

BROKER, DATABASE = "rabbitmq", "mongodb"
SERVERS = {BROKER: "beam.smp", DATABASE: "mongod"}
TARGETS = (*SERVICES, *SERVERS)
BACK_WITHIN = 90.0
PROBE_TIMEOUT = 5.0


def build_command(service: str) -> list[str]:
    """What starts the test build of a service."""
    return [sys.executable, "-W", "ignore", "-m", "tests.chaos.build", service]


class Arena:
    """One stack, its load, and its oracle."""

    def __init__(
        self, home: Path, seed: int, workers: int = 3, existing: Existing | None = None, pause: float = 0.1
    ) -> None:
        """`workers` tell stories at once, with `pause` seconds between two."""
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.folder = home / "chaos"
        self.folder.mkdir(parents=True)
        environment = {"PYTHONPATH": os.pathsep.join(sys.path), FOLDER: str(self.folder), **UNLIMITED}
        existing = existing or Existing()
        self._plan = Plan(
            existing, random_ports=True, command=build_command, environment=environment, mongod_options=FAIL_POINTS
        )
        self.stack = Stack(home, self._plan)
        self._workers, self._pause = workers, pause
        self.probes = Ledger()
        self.steps: dict[str, float] = {}

    @contextmanager
    def open(self) -> Iterator["Arena"]:
        """Start it all, and stop it all."""
        try:
            self.stack.up(lambda line: None)
            uri = self.stack.servers.database_uri(ADMIN, self.stack.secrets.database)
            with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=5_000) as self.mongo:
                yield from self._under_load()
        finally:
            self.stack.down()
            assert list(started_here(self.stack.home)) == []

    def _under_load(self) -> Iterator["Arena"]:
        self.people = People(self.stack.accounts_file)
        self.load = Load(self.people, self._workers, patience=180.0, pause=self._pause)
        self.probe = Teller(self.people, self.probes, patience=BACK_WITHIN, pause=0.2)
        broker = self.stack.servers.broker_uri(ADMIN, self.stack.secrets.broker)
        self.oracle = Oracle(self.mongo, broker, self.load.ledger, self.probes)
        with self.load:
            self.load.proceed(10)
            yield self
        self.people.close()

    @property
    def acknowledged(self) -> int:
        """How many commands were, by load and probes."""
        return self.load.ledger.acknowledged + self.probes.acknowledged

    def processes(self, program: str) -> list[psutil.Process]:
        """The processes of a program; of a server, its main one alone."""
        found = []
        for process in started_here(self.stack.home, program):
            with suppress(psutil.NoSuchProcess):
                if SERVERS.get(program, process.name()) == process.name():
                    found.append(process)
        return found

    def kill(self, program: str) -> None:
        """SIGKILL, as soon as it runs."""
        for process in eventually(lambda: self.processes(program), within=BACK_WITHIN):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def signal(self, program: str, number: signal.Signals) -> list[psutil.Process]:
        """Any other signal; whom it was sent to."""
        processes = self.processes(program)
        for process in processes:
            process.send_signal(number)
        return processes

    def recovered(self, *killed: str, before: Mapping[str, set[int]] = MappingProxyType({})) -> None:
        """Return when others run in place of the killed, all are ready, and a new story is told and on record."""
        self.steps = {}
        started = time.monotonic()
        for program in killed:
            eventually(partial(self._replaced, program, before[program]), within=BACK_WITHIN)
        self.steps["replaced"] = time.monotonic() - started
        eventually(self.all_ready, within=BACK_WITHIN)
        self.steps["ready"] = time.monotonic() - started
        story = self.probe.tell("deny", PROBE_TIMEOUT)
        self.steps["acknowledged"] = time.monotonic() - started
        denied = {"subject": story.request_id, "type": "request_denied"}
        eventually(lambda: self.mongo["lockbox_audit"]["records"].find_one(denied), within=BACK_WITHIN)
        self.steps["on record"] = time.monotonic() - started

    def pids(self, *programs: str) -> dict[str, set[int]]:
        """Who runs."""
        return {program: {process.pid for process in self.processes(program)} for program in programs}

    def kill_and_recover(self, *programs: str, gap: float = 0.0) -> float:
        """SIGKILL each, with up to `gap` seconds between; how long after the first all worked again."""
        before = self.pids(*programs)
        started = time.monotonic()
        for program in programs:
            self.kill(program)
            time.sleep(self.random.uniform(0, gap))
        self.recovered(*programs, before=before)
        return time.monotonic() - started

    def kill_at(self, services: Mapping[str, Point]) -> float:
        """Have services end themselves at points; how long after the last did all work again."""
        before = self.pids(*services)
        ended = self.end_at(services)
        self.recovered(*services, before=before)
        return time.time() - ended

    def end_at(self, services: Mapping[str, Point]) -> float:
        """Have services end themselves at points; when the last one did. Fails if a point is not reached."""
        for service, point in services.items():
            Order(point, self.random.randint(1, 5), KILL).place(self.folder, service)
        for service in services:
            eventually(partial(self._taken_or_provoked, service), within=BACK_WITHIN)
        return max((self.folder / f"{service}.taken").stat().st_ctime for service in services)

    def taken(self, service: str) -> bool:
        """Whether the service's last order is carried out."""
        return (self.folder / f"{service}.taken").exists()

    def _taken_or_provoked(self, service: str) -> bool:
        if service == "portal_service":
            self.sign_in()
        return self.taken(service)

    def handled(self, service: str) -> list[str]:
        """The ids of the events that a service's handlers were called with, in their order."""
        log = self.folder / f"{service}.handled"
        return log.read_text().split() if log.exists() else []

    def endings(self, program: str) -> list[str]:
        """How a program ended each time that it was not killed, by the supervisor's log: its exit statuses."""
        log = (self.stack.home / "log" / "supervisord.log").read_text()
        return re.findall(rf"exited: {program} \(exit status (\d+);", log)

    def sign_in(self) -> None:
        """The portal's own writes."""
        with suppress(httpx.TransportError):
            account = self.people.accounts["engineer"]
            httpx.post(f"{self.people.portal}/api/v1/session", json=account, timeout=PROBE_TIMEOUT)

    def all_ready(self) -> bool:
        """Whether /readyz of each process is 200."""
        return all(self.ready(name) for service in SERVICES for name in self._plan.programs(service))

    def ready(self, program: str) -> bool:
        """Whether /readyz of this process is 200."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.stack.ports[program]}/readyz", timeout=5).is_success
        return False

    def missing(self, program: str) -> list[str]:
        """The missing parts by /readyz of this process; empty too where it does not answer."""
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"http://127.0.0.1:{self.stack.ports[program]}/readyz", timeout=5)
            return list(answer.json()["missing"])
        return []

    def scale(self, service: str, count: int) -> None:
        """Have so many processes of a service."""
        self._plan = replace(self._plan, copies={service: count})
        self.stack = Stack(self.stack.home, self._plan)
        self.stack.up(lambda line: None)

    def control(self, *arguments: str) -> str:
        """Ask the supervisor, as an operator would."""
        command = [str(Path(sys.executable).with_name("supervisorctl")), "-c", f"{self.stack.home}/supervisord.conf"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        return done.stdout

    def _replaced(self, program: str, before: set[int]) -> bool:
        now = self.pids(program)[program]
        return bool(now) and not now & before
