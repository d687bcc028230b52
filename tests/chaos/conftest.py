"""One stack of test builds for the short set."""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.arena import Arena
from tests.chaos.report import Report, Row

Judged = Callable[..., AbstractContextManager[Row]]


@pytest.fixture(scope="package")
def arena() -> Iterator[Arena]:
    """Lockbox under load, in a folder of its own."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))  # noqa: S311 - no secret
    home = Path(tempfile.mkdtemp(prefix="lockbox-chaos-"))
    with Arena(home, seed, workers=2, pause=0.4).open() as arena:
        yield arena
    if "LOCKBOX_KEEP_HOME" not in os.environ:
        shutil.rmtree(home)


@pytest.fixture
def judged(arena: Arena) -> Judged:
    """A fault whose end is judged: it fails on any complaint."""

    @contextmanager
    def judging(name: str, **options: object) -> Iterator[Row]:
        with Report(Console()).fault(arena, name, **options) as row:
            yield row
        assert row.complaints == []

    return judging
