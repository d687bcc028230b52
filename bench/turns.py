"""Two calls in turn, by one caller and by several at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from bench.tables import Latencies

WARM_UP = 200
CALLS = 1_500
CALLERS = 8

Run = Callable[[], Any]
Pair = Callable[[], AbstractContextManager[tuple[Run, Run]]]
"""Opens a caller: the call that is measured, and the one beside it."""


def measure(pair: Pair) -> list[Latencies]:
    """Return the latencies of both calls in milliseconds, for one caller and for several at once."""
    with pair() as calls:
        _alternate(calls, WARM_UP)
        alone = _alternate(calls, CALLS)
    with ThreadPoolExecutor(CALLERS) as threads:
        parts = list(threads.map(lambda _: _one_of_many(pair), range(CALLERS)))
    ours, beside = ([latency for part in parts for latency in part[which]] for which in (0, 1))
    return [("1 caller", *alone), (f"{CALLERS} callers", ours, beside)]


def _one_of_many(pair: Pair) -> tuple[list[float], list[float]]:
    with pair() as calls:
        return _alternate(calls, CALLS // CALLERS)


def _alternate(calls: tuple[Run, Run], times: int) -> tuple[list[float], list[float]]:
    """Make both calls in turn, so that other load on the machine affects both alike."""
    latencies: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for call, into in zip(calls, latencies, strict=True):
            started = time.perf_counter()
            call()
            into.append((time.perf_counter() - started) * 1000)
    return latencies
