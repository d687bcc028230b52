"""Start one program for the supervisor: `python -m lockbox.embedded.run <program> -- <command>`.

End processes that a killed run of the same program left, read the program's environment file if there is one, and
replace this process by the command.
"""

import os
import sys
from pathlib import Path

from lockbox.embedded.processes import HOME_MARK, PROGRAM_MARK, end, started_here
from lockbox.provision.environment import ENVIRONMENT
from lockbox.provision.launch import become


def main() -> None:
    """Replace this process by the command on the command line."""
    program, separator, *command = sys.argv[1:]
    if separator != "--" or not command:
        raise SystemExit("usage: python -m lockbox.embedded.run <program> -- <command> ...")
    home = Path(os.environ[HOME_MARK])
    os.environ[PROGRAM_MARK] = program
    end(list(started_here(home, program)), patience=0)
    become(command, home / "services" / program / ENVIRONMENT)


if __name__ == "__main__":
    main()
