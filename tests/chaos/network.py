"""Servers behind a network that can fail, for an arena whose services know them by it alone."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from lockbox.embedded import rabbitmq
from lockbox.embedded.plan import Existing, Plan
from lockbox.embedded.processes import started_here
from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN
from tests.chaos.proxy import Proxy

CTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
ALARMS = {
    "memory": (
        ("set_vm_memory_high_watermark", "0.00001"),
        ("set_vm_memory_high_watermark", "absolute", "1GB"),
    ),
    "disk": (("set_disk_free_limit", "1000000GB"), ("set_disk_free_limit", "200MB")),
}


class Network:
    """A broker and a database of their own, each behind a proxy."""

    def __init__(self, home: Path) -> None:
        self.servers = Stack(home, Plan(services=(), random_ports=True))

    @contextmanager
    def open(self) -> Iterator["Network"]:
        """Start it, and stop it."""
        self.broker = Proxy(self.servers.ports["amqp"])
        self.database = Proxy(self.servers.ports["mongodb"])
        try:
            self.servers.up(lambda line: None)
            yield self
        finally:
            self.servers.down()
            self.broker.close()
            self.database.close()

    @property
    def proxies(self) -> tuple[Proxy, Proxy]:
        """Both."""
        return self.broker, self.database

    @property
    def existing(self) -> Existing:
        """Where services find the servers."""
        secrets = self.servers.secrets
        broker, database = (quote(passwords[ADMIN], safe="") for passwords in (secrets.broker, secrets.database))
        return Existing(
            f"amqp://{ADMIN}:{broker}@127.0.0.1:{self.broker.port}//",
            f"mongodb://{ADMIN}:{database}@127.0.0.1:{self.database.port}/?authSource=admin&directConnection=true",
        )


def alarm(servers: Stack, kind: str) -> None:
    """The broker takes nothing more."""
    ctl(servers, *ALARMS[kind][0])


def all_clear(servers: Stack, kind: str) -> None:
    """The broker takes messages again."""
    ctl(servers, *ALARMS[kind][1])


def ctl(servers: Stack, *arguments: str) -> str:
    """What rabbitmqctl prints for this stack's own node."""
    environment = {**os.environ, **rabbitmq.environment(servers.home / "rabbitmq", servers.ports)}
    done = subprocess.run([CTL, "--silent", *arguments], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"rabbitmqctl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def kill_broker(servers: Stack) -> None:
    """SIGKILL; its supervisor starts it again."""
    for process in started_here(servers.home, "rabbitmq"):
        with suppress(psutil.NoSuchProcess):
            if process.name() == "beam.smp":
                process.kill()
