"""Processes of one home: each carries the home and the name of its program in its environment."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

HOME_MARK = "LOCKBOX_HOME"
PROGRAM_MARK = "LOCKBOX_PROGRAM"


def marks(home: Path, program: str) -> dict[str, str]:
    """Return the environment variables that mark a process."""
    return {HOME_MARK: str(home), PROGRAM_MARK: program}


def started_here(home: Path, program: str | None = None) -> Iterator[psutil.Process]:
    """Yield the processes of this home, without the calling process and its ancestors."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if process.pid in own or environment.get(HOME_MARK) != str(home):
            continue
        if program in (None, environment.get(PROGRAM_MARK)):
            yield process


def end(processes: list[psutil.Process], patience: float) -> None:
    """Send SIGTERM to processes, wait `patience` seconds, then send SIGKILL to those that still run."""
    for process in processes:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=10)


def _quietly(act: Callable[[], object]) -> None:
    with suppress(psutil.NoSuchProcess):
        act()
