"""Finding what was started here: each process carries its home and its program's name in its environment."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

HOME_MARK = "LOCKBOX_HOME"
PROGRAM_MARK = "LOCKBOX_PROGRAM"


def marks(home: Path, program: str) -> dict[str, str]:
    """The environment that marks a process."""
    return {HOME_MARK: str(home), PROGRAM_MARK: program}


def started_here(home: Path, program: str | None = None) -> Iterator[psutil.Process]:
    """Processes that were started for this home, but for this one and those that it descends from."""
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
    """Ask processes to end, wait so many seconds, then make them."""
    for process in processes:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=10)


def _quietly(act: Callable[[], object]) -> None:
    with suppress(psutil.NoSuchProcess):
        act()
