"""`python -m tests.soak`: load for SOAK_MINUTES, a table of what grew, and 1 as exit status if anything did."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from rich.console import Console
from rich.table import Table

from lockbox.embedded.plan import Plan
from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN
from tests.load import UNLIMITED, Load
from tests.oracle import Oracle
from tests.people import People
from tests.soak.samples import Sampler, pids_of, unacked
from tests.soak.trend import Trend
from tests.waiting import eventually

WARM_UP = 0.25
QUIET_WITHIN = 300.0
WARM_UP_SAYS = (
    "The first quarter is warm-up and not looked at: pools of connections fill, every path of the code is imported and "
    "every cache reaches its bound. Of the rest, the lowest value of the first and of the last third are shown. Growth "
    "of memory is that of the line of least squares (at most 2 %), of all else the difference of these two (none)."
)


def main() -> None:
    """Run it on a stack of its own."""
    seconds = 60 * float(os.environ.get("SOAK_MINUTES", "20"))
    home = Path(tempfile.mkdtemp(prefix="lockbox-soak-"))
    os.environ.update(UNLIMITED)
    stack = Stack(home, Plan(random_ports=True))
    try:
        stack.up()
        trends, faults = soak(stack, seconds)
    finally:
        stack.down()
        if "LOCKBOX_KEEP_HOME" not in os.environ:
            shutil.rmtree(home)
    show(trends)
    sys.exit("\n".join(faults) if faults else 0)


def soak(stack: Stack, seconds: float) -> tuple[list[Trend], list[str]]:
    """What came of it: the trends, and what is wrong."""
    console = Console()
    deadline = time.monotonic() + seconds
    people = People(stack.accounts_file)
    with Load(people) as load, Sampler(stack) as sampler:
        while time.monotonic() < deadline:
            load.proceed(30)
    people.close()
    console.print(f"{load.ledger.acknowledged} commands in {seconds / 60:g} minutes, {load.ledger.repeated} repeated")
    series = sampler.since(WARM_UP * seconds)
    trends = [Trend(*name, samples) for name, samples in sorted(series.items())]
    eventually(lambda: not unacked(stack), within=60)
    faults = [f"{trend.program}: {trend.measure} grow" for trend in trends if trend.grows]
    if pids_of(stack) != sampler.pids:
        faults.append("a process has been started again")
    return trends, faults + list(promises_broken(stack, load))


def promises_broken(stack: Stack, load: Load) -> Iterator[str]:
    """What is lost, doubled or unexpected."""
    broker = stack.servers.broker_uri(ADMIN, stack.secrets.broker)
    with MongoClient[dict[str, Any]](stack.servers.database_uri(ADMIN, stack.secrets.database)) as mongo:
        found = Oracle(mongo, broker, load.ledger).judge(QUIET_WITHIN)
    if found:
        yield str(found)


def show(trends: list[Trend]) -> None:
    """Print the table."""
    table = Table(title="After warm-up", caption=WARM_UP_SAYS)
    for heading in ("program", "measure"):
        table.add_column(heading)
    for heading in ("first third", "last third", "slope per hour", "growth"):
        table.add_column(heading, justify="right")
    for trend in trends:
        growth = f"{trend.growth:+.2%}" if trend.is_memory else f"{trend.growth:+g}"
        style = "bold red" if trend.grows else ""
        cells = (f"{trend.first:.1f}", f"{trend.last:.1f}", f"{trend.slope_per_hour:+.2f}", growth)
        table.add_row(trend.program, trend.measure, *cells, style=style)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
