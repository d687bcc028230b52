"""Start one program for the supervisor: `python -m lockbox.embedded.run <program> -- <command>`.

End processes that a killed run of the same program left, read the program's environment file if there is one, and
replace this process by the command. A program that was started a moment ago, and has ended since, is started after a
pause that is always the same, so that it runs again soon after the end of a long outage.
"""

import os
import sys
import time
from pathlib import Path

from lockbox.embedded.processes import HOME_MARK, PROGRAM_MARK, end, started_here
from lockbox.provision.environment import ENVIRONMENT
from lockbox.provision.launch import become

MOMENT_SECONDS = 5.0
PAUSE_SECONDS = 2.0


def pause(last_start: float | None, now: float) -> float:
    """Return the seconds to wait before a start, by the time of the last one."""
    return PAUSE_SECONDS if last_start is not None and 0 <= now - last_start < MOMENT_SECONDS else 0.0


def last_start(mark: Path) -> float | None:
    """Return the time of the last start, and mark this one."""
    last = mark.stat().st_mtime if mark.exists() else None
    mark.touch()
    return last


def main() -> None:
    """Replace this process by the command on the command line."""
    program, separator, *command = sys.argv[1:]
    if separator != "--" or not command:
        raise SystemExit("usage: python -m lockbox.embedded.run <program> -- <command> ...")
    home = Path(os.environ[HOME_MARK])
    os.environ[PROGRAM_MARK] = program
    end(list(started_here(home, program)), patience=0)
    time.sleep(pause(last_start(home / "log" / f"{program}.started"), time.time()))
    become(command, home / "services" / program / ENVIRONMENT)


if __name__ == "__main__":
    main()
