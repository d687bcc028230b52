"""The test build: a service that ends or halts at a named point when it is told to.

Run as `python -m tests.chaos.build <service>` in place of `nameko run`. `CHAOS_FOLDER` names the folder in which
`<service>.order` is looked for at each point; who carries an order out renames it to `<service>.taken` first, so that
of many processes one does. Events that handlers are called with are noted, a line for each, in `<service>.handled`.
`<service>.without` switches a safety off for the negative control; `clock` says by how many seconds clocks are wrong.
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import eventlet

from tests.chaos.orders import CLOCK, DEDUPE, FAIL, FOLDER, KILL, OUTBOX, Order


class Passing:
    """Counts how often points are passed while an order waits, and carries it out."""

    def __init__(self, folder: Path, service: str) -> None:
        self._order = folder / f"{service}.order"
        self._passed = 0

    def __call__(self, point: str) -> None:
        try:
            order = Order(**json.loads(self._order.read_text()))
        except OSError:  # there is none, or the process can open no file
            self._passed = 0
            return
        if point == order.point:
            self._passed += 1
            if self._passed >= order.nth:
                self._carry_out(order)

    def _carry_out(self, order: Order) -> None:
        if order.act == FAIL:
            raise RuntimeError("as told")
        try:
            self._order.rename(self._order.with_suffix(".taken"))
        except FileNotFoundError:
            return  # another process was faster
        self._passed = 0
        if order.act == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        eventlet.sleep(order.seconds)


def note_handled(path: Path) -> None:
    """Note the id of each event that a handler is called with."""
    from lockbox.runtime.events.subscription import Subscription

    original, log = Subscription._work, path.open("a", buffering=1)  # open from the start: later it may not open

    def noting(self: Subscription, message: object, arguments: tuple[object, ...]) -> None:
        log.write(f"{arguments[0].id}\n")  # type: ignore[attr-defined]
        original(self, message, arguments)

    Subscription._work = noting  # type: ignore[method-assign]


def set_clock(path: Path) -> None:
    """Tell the time wrong, by as much as is said at each moment."""
    from lockbox import clock

    right, right_time, last = clock.datetime, time.time, [0.0]

    def wrong_by() -> float:
        with suppress(OSError):  # a process that can open no file keeps its clock
            last[0] = float(path.read_text()) if path.exists() else 0.0
        return last[0]

    clock.datetime = SimpleNamespace(now=lambda zone: right.now(zone) + timedelta(seconds=wrong_by()))  # type: ignore[assignment,misc]
    time.time = lambda: right_time() + wrong_by()


def without_outbox() -> None:
    """Events are published after the write and are not in it, as with a stock event dispatcher."""
    from lockbox.runtime.storage import aggregates

    aggregates.stored = lambda waiting: []  # type: ignore[attr-defined]


def without_dedupe() -> None:
    """Records are no longer kept by the event's id."""
    from uuid import uuid4

    from audit_service import store

    original = store._document

    def anew(record: store.Record) -> store.Document:
        document = original(record)
        return document | {"_id": str(uuid4()), "id": document["_id"].rpartition("/")[2]}

    store._document = anew


def main() -> None:
    """Become the service."""
    [service] = sys.argv[1:]
    eventlet.monkey_patch()
    from nameko.cli.main import main as nameko

    from lockbox.provision.launch import nameko_command
    from lockbox.runtime.process import crash_points

    folder = Path(os.environ[FOLDER])
    crash_points.passing = Passing(folder, service)
    set_clock(folder / CLOCK)
    note_handled(folder / f"{service}.handled")
    with suppress(FileNotFoundError):
        {OUTBOX: without_outbox, DEDUPE: without_dedupe}[(folder / f"{service}.without").read_text()]()
    sys.argv = nameko_command(service)
    nameko()


if __name__ == "__main__":
    main()
