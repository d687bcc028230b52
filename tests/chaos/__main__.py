"""`make chaos`: the fault list under load for `CHAOS_MINUTES`, with the oracle, repeatable by `CHAOS_SEED`."""

import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.chaos import accesses, crowds, elsewhere, faults, mails, outages, stops
from tests.chaos.arena import SERVERS, TARGETS, Arena
from tests.chaos.report import Report
from tests.load import UNLIMITED

CONTROL_SECONDS = 60.0
LONGEST_STOP = 90.0
SHORT_STOP = 8.0
ACCESSES = 1_000
HANGING_SECONDS, REFUSING_SECONDS = 30.0, 10.0
REFUSALS = ("Unauthorized", "OutOfDiskSpace", "ExceededTimeLimit", "NotWritablePrimary", "WriteConcernFailed")


def main() -> None:
    """Run it all; exit code 1 if anything was lost, doubled or unexpected, too slow, or not caught."""
    minutes = float(os.environ.get("CHAOS_MINUTES", "10"))
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))  # noqa: S311 - no secret
    console = Console(width=140)
    console.print(f"CHAOS_SEED={seed} CHAOS_MINUTES={minutes:g}", highlight=False)
    os.environ.update(UNLIMITED)
    home = Path(tempfile.mkdtemp(prefix="lockbox-chaos-"))
    report = Report(console)
    with Arena(home, seed).open() as arena:
        play(arena, report, int(minutes), time.monotonic() + minutes * 60)
    elsewhere.play(home, seed, report)
    report.show()
    for complaint in report.complaints:
        console.print(complaint, style="red", highlight=False)
    console.print(f"CHAOS_SEED={seed}; logs: {home}" if report.complaints else f"CHAOS_SEED={seed}: all is well")
    if not report.complaints:
        shutil.rmtree(home)
    sys.exit(bool(report.complaints))


def play(arena: Arena, report: Report, quota: int, until: float) -> None:
    """Every fault, each program killed `quota` times, more kills until the time is over, then the controls."""
    for point, services in faults.CRASH_POINTS.items():
        with report.fault(arena, f"SIGKILL {point}") as row:
            faults.crash_points(arena, row, dict.fromkeys(services, point))
    play_crowds(arena, report, min(crowds.KILLED_TIMES, 2 * quota))
    play_refusals(arena, report)
    play_stops(arena, report, min(LONGEST_STOP, 5.0 * quota))
    with report.fault(arena, "SIGKILL on the way of accesses") as row:
        accesses.killed(arena, row, "accesses", ACCESSES)
    for server in SERVERS:
        with report.fault(arena, f"SIGKILL {server}") as row:
            faults.server_kills(arena, row, server, quota)
    with report.fault(arena, "the broker's data wiped", quiet_within=180) as row:
        faults.wiped_broker(arena, row)
    with report.fault(arena, "SIGKILL of services at random") as row:
        faults.random_kills(arena, row, report.kills, quota)
    with report.fault(arena, "SIGKILL of anything") as row:
        while time.monotonic() < until - CONTROL_SECONDS:
            faults.storm(arena, row)
    play_controls(arena, report)


def play_crowds(arena: Arena, report: Report, full: int) -> None:
    """Many clients, many processes, many messages."""
    with report.fault(arena, f"one key {crowds.SAME_KEY} times at once") as row:
        crowds.same_key(arena, row)
    with report.fault(arena, "scaled 1 to 4 to 1") as row:
        crowds.scaled(arena, row, "approval_service", "audit_service")
    with report.fault(arena, "SIGKILL of a full intake") as row:
        crowds.killed_with_full_hands(arena, row, full)


def play_stops(arena: Arena, report: Report, long: float) -> None:
    """Signals that are no SIGKILL, and clocks that jump."""
    with report.fault(arena, "SIGTERM, a handler at work") as row:
        stops.terminated_at_work(arena, row)
    with report.fault(arena, "no open files") as row:
        stops.files_run_out(arena, row, long / 10)
    with report.fault(arena, "MongoDB hangs") as row:
        stops.database_hangs(arena, row)
    for server in SERVERS:
        with report.fault(arena, f"SIGTERM without {server}") as row:
            stops.terminated_without(arena, row, server)
    with report.fault(arena, "clocks an hour ahead and back") as row:
        stops.clocks_jump(arena, row)
    with report.fault(arena, f"SIGSTOP {long:.0f} s") as row:
        stops.frozen(arena, row, stops.HANDLER, long)
    with report.fault(arena, f"SIGSTOP {SHORT_STOP:.0f} s, each") as row:
        for program in TARGETS:
            stops.frozen(arena, row, program, SHORT_STOP)


def play_refusals(arena: Arena, report: Report) -> None:
    """A mail server that hangs, and a MongoDB that refuses."""
    with report.fault(arena, "mail server hangs for a domain") as row:
        mails.hanging(arena, row, HANGING_SECONDS)
    for error in REFUSALS:
        with report.fault(arena, f"MongoDB refuses, {error}") as row:
            outages.refused(arena, row, error, REFUSING_SECONDS)


def play_controls(arena: Arena, report: Report) -> None:
    """That the oracle can see what it looks for."""
    with report.fault(arena, "control: without outbox", control="lost", quiet_within=10) as row:
        faults.without_outbox(arena, row)
    with report.fault(arena, "control: without dedupe", control="doubled", quiet_within=10) as row:
        faults.without_dedupe(arena, row)
    with report.fault(arena, "control: careless guards") as row:
        accesses.careless(arena, row, "careless")


if __name__ == "__main__":
    main()
