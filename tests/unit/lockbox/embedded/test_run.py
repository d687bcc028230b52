"""The pause before a program is started again: short, and the same however often it ended."""

from pathlib import Path

import pytest

from lockbox.embedded.run import MOMENT_SECONDS, PAUSE_SECONDS, last_start, pause


@pytest.mark.parametrize(
    ("last", "seconds"),
    [(None, 0), (100.0, PAUSE_SECONDS), (99.0, PAUSE_SECONDS), (100.0 - MOMENT_SECONDS, 0), (3_700.0, 0)],
)
def test_pause_when_the_last_start_was_a_moment_ago_is_short(last: float | None, seconds: float) -> None:
    assert pause(last, 100.0) == seconds


def test_last_start_when_marked_is_known_at_the_next(tmp_path: Path) -> None:
    mark = tmp_path / "mongodb.started"
    assert last_start(mark) is None
    first = mark.stat().st_mtime
    assert last_start(mark) == first
