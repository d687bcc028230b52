"""A guard in a process of its own: `python -m bench.guard_process <portal> <token file>`.

It reads grants, a line each, and says `open` when it lets one in, and then why and when it first does not, by the clock
that all processes of a machine share.
"""

import sys
import time
from pathlib import Path

from lockbox.guard import Certificate, Decision, Guard

THUMBPRINT = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
LOOK_SECONDS = 0.001


def main(portal: str, token_file: str) -> None:
    """Watch one grant after the other."""
    guard = Guard(portal, Path(token_file))
    guard.start()
    for line in sys.stdin:
        grant = line.strip()
        while not _check(guard, grant).allowed:
            time.sleep(LOOK_SECONDS)
        _say("open")
        while (decision := _check(guard, grant)).allowed:
            time.sleep(LOOK_SECONDS)
        _say(f"{decision.reason} {time.monotonic()}")


def _check(guard: Guard, grant: str) -> Decision:
    return guard.check(grant, "contoso", "mailbox/alice", "read", Certificate(THUMBPRINT))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
