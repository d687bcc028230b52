"""`make tiers`: a handler that always fails, through the retry tiers as they are; takes 11 minutes.

It must be tried exactly five times, 5 s, 30 s, 5 min and 5 min apart (each up to 20 % more or less), then be parked;
replayed by an operator after the repair, it must do its work.
"""

import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from amqp.exceptions import NotFound
from kombu import Connection
from rich.console import Console
from rich.table import Table

from lockbox.contracts.events import event_id
from lockbox.embedded.plan import Plan
from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN
from lockbox.runtime.broker.topology import RETRY_SECONDS, mark_exchange
from lockbox.runtime.events.subscription import ATTEMPTS
from tests.chaos.arena import build_command
from tests.chaos.orders import FAIL, FOLDER, Order
from tests.people import People
from tests.waiting import eventually

SERVICE = "approval_service"
QUEUE = "approval_service.on_request_created.v1"
DELAYS = (*RETRY_SECONDS, RETRY_SECONDS[-1])
TOLERANCE = 0.2


def main() -> None:
    """Play it on a stack of its own; exit code 1 if anything is otherwise."""
    home = Path(tempfile.mkdtemp(prefix="lockbox-tiers-"))
    folder = home / "chaos"
    folder.mkdir()
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), FOLDER: str(folder)}
    stack = Stack(home, Plan(random_ports=True, command=build_command, environment=environment))
    try:
        stack.up(lambda line: None)
        eventually(lambda: known(stack), within=120)
        play(People(stack.accounts_file), folder)
    finally:
        stack.down()
        shutil.rmtree(home)


def known(stack: Stack) -> bool:
    """Whether request_service has given this new broker all events that it had: from now on each comes once."""
    with Connection(stack.servers.broker_uri(ADMIN, stack.secrets.broker)) as connection, suppress(NotFound):
        mark_exchange("request_service")(connection.channel()).declare(passive=True)
        return True
    return False


def play(people: People, folder: Path) -> None:
    """Fail, be parked, repair, replay."""
    Order("before_state_write", act=FAIL).place(folder, SERVICE)
    request_id = people.engineer.ask()
    created = event_id("request_service", f"requests/{request_id}", 1, "request_created")
    attempts = watch(folder / f"{SERVICE}.handled", created, people)
    delays = [later - earlier for earlier, later in pairwise(attempts)]
    show(delays)
    [parked] = people.operator.get("/ops/parked", queue=QUEUE)["items"]
    assert "as told" in parked["reason"], parked
    assert len(attempts) == ATTEMPTS, attempts
    assert all(abs(delay / tier - 1) <= TOLERANCE for delay, tier in zip(delays, DELAYS, strict=True)), delays
    (folder / f"{SERVICE}.order").unlink()
    replayed = people.operator.post(f"/ops/parked/{QUEUE}/{parked['parked_id']}/replay")
    assert replayed.is_success, replayed.text
    eventually(lambda: people.engineer.get(f"/requests/{request_id}")["state"] == "PENDING_VENDOR")
    print("parked after the last attempt; replayed after the repair, it did its work")  # noqa: T201 - what it is for


def watch(handled: Path, event: str, people: People) -> list[float]:
    """When each attempt at the event was made, until the message is parked."""
    made: list[float] = []

    def look() -> bool:
        made.extend([time.monotonic()] * (handled.read_text().split().count(event) - len(made)))
        return len(made) >= ATTEMPTS and bool(people.operator.get("/ops/parked", queue=QUEUE)["items"])

    eventually(look, within=2 * sum(DELAYS))
    return made


def show(delays: list[float]) -> None:
    """The delays beside what they should be."""
    table = Table(
        "before attempt", "tier s", "seen s", title=f"A handler that always fails: {len(delays) + 1} attempts"
    )
    for number, (delay, tier) in enumerate(zip(delays, DELAYS, strict=False), start=2):
        table.add_row(str(number), str(tier), f"{delay:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
