"""Programs that tests of the guard run as processes of their own.

Each prints a line for what it did, at once, so that whoever kills it knows what it had done.
"""

import contextlib
import itertools
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tests.unit.lockbox.guard.scene import USUAL, grant, shown_with
from tests.waiting import eventually

from lockbox import clock
from lockbox.clock import SystemClock
from lockbox.guard import Attempt, Decision, Guard, Options
from lockbox.guard.decision import GRANTED
from lockbox.guard.portal import PortalClient
from lockbox.guard.records import Record, record_of
from lockbox.guard.spool import Spool

ROOT = Path(__file__).parents[4]
CONTENT = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read"}


@contextmanager
def child(*arguments: object, first: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run one of the programs, after some code; it is killed at the end, if it has not ended."""
    code = f"{first}\nimport runpy\nrunpy.run_module({__name__!r}, run_name='__main__')"
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def attempt() -> Record:
    return record_of(Decision(allowed=True, reason=GRANTED, attempt=Attempt(**CONTENT)), clock.now())


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write_forever(url: str, folder: str) -> None:
    """Put attempts into a spool, and tell which are there."""
    spool = Spool(PortalClient(url), Path(folder), SystemClock())
    spool.start()
    while True:
        record = attempt()
        if spool.record(record):
            say(record["access_id"])


def write_some(url: str, folder: str, many: str) -> None:
    """Put so many attempts into a spool, and leave it in good order."""
    spool = Spool(PortalClient(url), Path(folder), SystemClock())
    spool.start()
    for _ in range(int(many)):
        record = attempt()
        assert spool.record(record)
        say(record["access_id"])
    spool.stop()


def hold(url: str, folder: str) -> None:
    """Have a file open, and send nothing."""
    spool = Spool(PortalClient(url), Path(folder), SystemClock())
    record = attempt()
    assert spool.record(record)
    say(record["access_id"])
    signal.pause()


def fill_the_disk(url: str, folder: str, room: str) -> None:
    """Write into files that can't grow, until nothing fits."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    spool = Spool(PortalClient(url), Path(folder), SystemClock())
    while spool.record(record := attempt()):
        say(record["access_id"])


def ask_until_the_disk_is_full(url: str, token_file: str, folder: str, room: str) -> None:
    """Ask a guard whose spool can't grow, until it refuses; tell the reason of each decision."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    with ready(url, token_file, Options(spool=Path(folder))) as guard:
        while (reason := ask(guard)) == GRANTED:
            say(reason)
        say(reason)


def fork(url: str, token_file: str, many: str) -> None:
    """Fork while other threads ask without end; parent and children tell of their guard before and after a while."""
    with ready(url, token_file) as guard:
        token = grant()
        for _ in range(4):
            threading.Thread(target=lambda: [check(guard, token) for _ in iter(int, 1)], daemon=True).start()
        children = [os.fork() or ask_in_child(guard) for _ in range(int(many))]
        say(f"parent {check(guard, token)} {ask(guard)}")
        for process in children:
            assert os.waitpid(process, 0)[1] == 0


def ask_in_child(guard: Guard) -> NoReturn:
    say(f"child {check(guard, grant())}")
    eventually(lambda: guard.ready)
    say(f"child {ask(guard)}")
    os._exit(0)


def fork_before_start(url: str, token_file: str) -> None:
    """Fork with a guard that was made and not started, as a server does that loads the product before it forks."""
    guard = Guard(url, Path(token_file))
    if process := os.fork():
        assert os.waitpid(process, 0)[1] == 0
    else:
        guard.start()
        ask_in_child(guard)


def ask_beside_others(url: str, token_file: str) -> None:
    """Ask from several threads at once; tell the reasons, and how often another thread got its turn meanwhile."""
    turns, done = itertools.count(), threading.Event()

    def take_turns() -> None:
        while not done.wait(0.01):
            next(turns)

    with ready(url, token_file) as guard:
        threading.Thread(target=take_turns, daemon=True).start()
        asking = [threading.Thread(target=lambda: say(ask(guard))) for _ in range(10)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    done.set()
    say(str(next(turns)))


@contextmanager
def ready(url: str, token_file: str, options: Options = USUAL) -> Iterator[Guard]:
    guard = Guard(url, Path(token_file), options)
    guard.start()
    eventually(lambda: guard.ready)
    yield guard
    guard.stop()


def check(guard: Guard, token: str) -> str:
    return guard.check(token, **CONTENT, shown=shown_with(token)).reason


def ask(guard: Guard) -> str:
    token = grant()
    return guard.enforce(token, **CONTENT, shown=shown_with(token)).reason


PROGRAMS = (
    write_forever,
    write_some,
    hold,
    fill_the_disk,
    ask_until_the_disk_is_full,
    fork,
    fork_before_start,
    ask_beside_others,
)

if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        {program.__name__: program for program in PROGRAMS}[sys.argv[1]](*sys.argv[2:])
    sys.stdout.flush()
    os._exit(0)
