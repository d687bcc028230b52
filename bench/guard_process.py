"""A guard in a process of its own: `python -m bench.guard_process <portal> <token file>`.

It reads grants, a line each. It prints `open` when it allows a grant, then the reason and the moment of the first
refusal, by the monotonic clock that all processes of a machine share.
"""

import sys
import time
from pathlib import Path

from lockbox.guard import Certificate, Decision, Guard

THUMBPRINT = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
LOOK_SECONDS = 0.001


def main(portal: str, token_file: str) -> None:
    """Check one grant after the other until each is refused."""
    guard = Guard(portal, Path(token_file))
    guard.start()
    for line in sys.stdin:
        grant = line.strip()
        while not _check(guard, grant).allowed:
            time.sleep(LOOK_SECONDS)
        _print("open")
        while (decision := _check(guard, grant)).allowed:
            time.sleep(LOOK_SECONDS)
        _print(f"{decision.reason} {time.monotonic()}")


def _check(guard: Guard, grant: str) -> Decision:
    return guard.check(grant, "contoso", "mailbox/alice", "read", Certificate(THUMBPRINT))


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
