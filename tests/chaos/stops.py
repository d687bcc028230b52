"""Faults of stopping: SIGSTOP and SIGCONT, SIGTERM with a handler at work or without a server; clocks that jump."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import psutil

from lockbox.provision.secrets import SERVICES
from tests.chaos.arena import DATABASE, Arena
from tests.chaos.mails import without_mailbox
from tests.chaos.orders import HALT, Order, set_clocks
from tests.chaos.report import Row
from tests.crowd import crowd, heads
from tests.load import CREATE
from tests.people import TERMS
from tests.waiting import eventually

HANDLER = "approval_service"
HANDLER_SECONDS = 10.0
STOPPED_WITHIN = 60.0
HOUR_SECONDS = 3600.0
CROWD, NO_FILES = 200, 4
READY_WITHIN, NOTICED_WITHIN = 1.0, 10.0


def frozen(arena: Arena, row: Row, program: str, seconds: float) -> None:
    """(12) A process stands still for a while, and goes on as if nothing had happened."""
    processes = arena.signal(program, signal.SIGSTOP)
    time.sleep(seconds)
    for process in processes:
        process.send_signal(signal.SIGCONT)
    started = time.monotonic()
    arena.recovered()
    row.recoveries.append(time.monotonic() - started)


def database_hangs(arena: Arena, row: Row) -> None:
    """MongoDB hangs: `/readyz` of every service answers within a second, and soon says that MongoDB is missing."""
    with arena.load.paused():
        processes = arena.signal(DATABASE, signal.SIGSTOP)
        try:
            with httpx.Client(timeout=10) as client, ThreadPoolExecutor(len(SERVICES)) as pool:
                assert all(pool.map(partial(_notices, arena, client), SERVICES))
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)
    started = time.monotonic()
    arena.recovered()
    row.recoveries.append(time.monotonic() - started)


def _notices(arena: Arena, client: httpx.Client, service: str) -> bool:
    def look() -> bool:
        began = time.monotonic()
        answer = client.get(f"http://127.0.0.1:{arena.stack.ports[service]}/readyz")
        took = time.monotonic() - began
        assert took < READY_WITHIN, f"/readyz of {service} took {took:.1f} s"
        return answer.status_code == 503 and "mongodb" in answer.json()["missing"]

    return eventually(look, within=NOTICED_WITHIN)


def files_run_out(arena: Arena, row: Row, seconds: float) -> None:
    """No service can open a file for a while, and clients come all the same: no process ends, and all go on."""
    before = arena.pids(*SERVICES)
    processes = [process for service in SERVICES for process in arena.processes(service)]
    limits = [process.rlimit(psutil.RLIMIT_NOFILE) for process in processes]
    try:
        for process, (_, hard) in zip(processes, limits, strict=True):
            process.rlimit(psutil.RLIMIT_NOFILE, (NO_FILES, hard))
        with crowd(arena.people.portal, CROWD, heads):
            time.sleep(seconds)
    finally:
        for process, limit in zip(processes, limits, strict=True):
            process.rlimit(psutil.RLIMIT_NOFILE, limit)
    started = time.monotonic()
    arena.recovered()
    row.recoveries.append(time.monotonic() - started)
    assert arena.pids(*SERVICES) == before, "a process ended"


def terminated_at_work(arena: Arena, row: Row, seconds: float = HANDLER_SECONDS) -> None:
    """(9) SIGTERM with a long handler in flight: it runs once, is acknowledged, and the process ends well."""
    with arena.load.paused():
        handled_before = len(arena.handled(HANDLER))
        story = arena.probes.begin()
        Order("before_state_write", act=HALT, seconds=seconds).place(arena.folder, HANDLER)
        arena.probe.step(story, CREATE, arena.people.engineer, "/requests", TERMS | {"justification": story.marker})
        eventually(lambda: arena.taken(HANDLER))
        before = arena.pids(HANDLER)
        ended = arena.endings(HANDLER)
        started = time.monotonic()
        gone, alive = psutil.wait_procs(arena.signal(HANDLER, signal.SIGTERM), timeout=STOPPED_WITHIN)
        assert gone, f"{alive} did not end"
        assert time.monotonic() - started > seconds / 2, "it did not wait for its handler"
        eventually(lambda: len(arena.endings(HANDLER)) > len(ended))
        assert arena.endings(HANDLER)[-1] == "0", f"exit status {arena.endings(HANDLER)[-1]}"
        arena.recovered(HANDLER, before=before)
        handled = arena.handled(HANDLER)[handled_before:]
        assert len(handled) == len(set(handled)), "the handler ran twice"


def terminated_without(arena: Arena, row: Row, server: str) -> None:
    """(10) SIGTERM while the broker or MongoDB is away: every service ends, and works again when the server is back."""
    arena.control("stop", server)
    try:
        time.sleep(arena.random.uniform(0, 5))
        processes = [process for service in SERVICES for process in arena.signal(service, signal.SIGTERM)]
        _, alive = psutil.wait_procs(processes, timeout=STOPPED_WITHIN)
    finally:
        arena.control("start", server)
    started = time.monotonic()
    assert not alive, f"{alive} did not end within {STOPPED_WITHIN} s of SIGTERM without {server}"
    arena.recovered()
    row.recoveries.append(time.monotonic() - started)


def clocks_jump(arena: Arena, row: Row) -> None:
    """All clocks jump an hour ahead, and back again: what comes next is handled, and nobody ends for it.

    Emails that could not be sent under the wrong clock go out soon under the right one.
    """
    before = {service: arena.pids(service) for service in SERVICES}
    try:
        for wrong_by in (HOUR_SECONDS, 0.0):
            set_clocks(arena.folder, wrong_by)
            started = time.monotonic()
            arena.load.proceed(5)
            arena.recovered()
            row.recoveries.append(time.monotonic() - started)
        with without_mailbox(arena, row):
            set_clocks(arena.folder, HOUR_SECONDS)
            arena.load.proceed(3)
            set_clocks(arena.folder, 0.0)
    finally:
        for ledger in arena.oracle.ledgers:
            ledger.time_passes()
    assert {service: arena.pids(service) for service in SERVICES} == before, "a process ended"
