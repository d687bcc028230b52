"""A service on Lockbox's runtime that does what a file tells it, run by the tests as a process of its own.

The file that `PROBE` names holds `fail`, `time out`, `take 10`, `write`, `block` or nothing; what the handler begins
and ends goes to a line each of the file beside it.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import eventlet
from eventlet import patcher

from lockbox.contracts.calls import NO_ROUTE, PUBLIC, Call
from lockbox.contracts.events import Event, Fact
from lockbox.contracts.identity import Caller
from lockbox.runtime.broker import topology
from lockbox.runtime.events import subscription
from lockbox.runtime.host import health as health_module
from lockbox.runtime.host.health import HealthServer
from lockbox.runtime.host.stores import Store
from lockbox.runtime.rpc.server import command

ORDERS = Path(os.environ["PROBE"])
JOURNAL = ORDERS.with_suffix(".journal")

health_module.LAG_LIMIT_SECONDS, health_module.REMEMBERED_SECONDS = 2.0, 3.0
topology.RETRY_SECONDS = subscription.RETRY_SECONDS = (1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class Probed(Fact, source="probe_service", subject="probe_id"):
    """Something that happened to a probe."""

    probe_id: str


@dataclass(frozen=True, kw_only=True)
class Ping(Call[Probed], service="probe_service", rest=NO_ROUTE, roles=PUBLIC):
    """Answered at once, by whoever vouches for themself."""


def note(what: str, probe_id: str) -> None:
    with JOURNAL.open("a") as journal:
        journal.write(f"{what} {probe_id} {time.time()}\n")


class Notes:
    """Writes to MongoDB."""

    def __init__(self, database: Any, relay: object) -> None:
        self._notes = database["notes"]

    def ensure_indexes(self) -> None:
        """Need none."""

    def write(self, probe_id: str) -> None:
        """Write a note."""
        self._notes.update_one({"_id": probe_id}, {"$inc": {"times": 1}}, upsert=True)


class ProbeService:
    """Does what it is told."""

    name = "probe_service"

    health = HealthServer()
    notes = Store(Notes)

    @subscription.subscribe(Probed)
    def on_probed(self, event: Event, probed: Probed) -> None:
        """Do as the file says."""
        note("begin", probed.probe_id)
        orders = ORDERS.read_text()
        if orders == "fail":
            raise RuntimeError("as told")
        if orders == "time out":
            raise eventlet.Timeout(7)
        if orders == "write":
            self.notes.write(probed.probe_id)
        if orders.startswith("take "):
            eventlet.sleep(float(orders.split()[1]))
        if orders == "block":
            ORDERS.write_text("")
            patcher.original("time").sleep(3.5)  # no green thread gets past this one
        note("end", probed.probe_id)

    @command(Ping)
    def ping(self, caller: Caller, message: Ping) -> Probed:
        """Answer."""
        return Probed(tenant=None, probe_id="")
