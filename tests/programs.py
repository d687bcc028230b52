"""The processes of a stack."""

from contextlib import suppress
from pathlib import Path

import psutil

from lockbox.embedded.processes import PROGRAM_MARK, started_here


def running(home: Path) -> dict[str, psutil.Process]:
    """The process of each program that was started for this home; the parent where there are several."""
    found: dict[str, psutil.Process] = {}
    for process in sorted(started_here(home), key=lambda one: one.create_time()):
        with suppress(psutil.Error, KeyError):  # it has ended, or becomes another program just now
            found.setdefault(process.environ()[PROGRAM_MARK], process)
    return found
