"""Each step of the test on a line of its own, with its seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopwatch(step: str) -> Iterator[None]:
    print(step, end=" ", flush=True)  # noqa: T201
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)  # noqa: T201
        raise
    print(f"{time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
