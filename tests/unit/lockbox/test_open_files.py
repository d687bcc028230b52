import resource
import subprocess
import sys

import pytest

from lockbox import open_files

RAISE = """
import resource, sys
from lockbox import open_files
soft, hard, most = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(open_files.raise_limit(most), open_files.room_for_clients())
"""


def limits(*given: int) -> list[int]:
    """What another process makes of its limits."""
    command = [sys.executable, "-c", RAISE, *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(number) for number in done.stdout.split()]


@pytest.mark.parametrize(
    ("soft", "hard", "most", "limit", "room"),
    [(100, 100, 65_536, 100, 50), (200, 1_024, 65_536, 1_024, 768), (200, 5_000, 2_000, 2_000, 1_744)],
)
def test_limit_when_raised_is_the_hard_one_and_leaves_room_for_others(
    soft: int, hard: int, most: int, limit: int, room: int
) -> None:
    assert limits(soft, hard, most) == [limit, room]


def test_limit_when_it_can_be_read_is_that_of_this_process() -> None:
    assert open_files.limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
