"""Tables of the measurements."""

import os
from collections.abc import Iterable, Mapping, Sequence
from statistics import median, quantiles

from rich.table import Table

Latencies = tuple[str, Sequence[float], Sequence[float]]


def rates(title: str, measured: Mapping[str, Sequence[float]], ours: str) -> Table:
    """Return a row for each rate: each round, their median, and the ratio of ours to it in the same round."""
    rounds = len(measured[ours])
    table = _table(title, "", *(f"round {number + 1}" for number in range(rounds)), "median", f"{ours} / this")
    for name, values in measured.items():
        ratio = median(own / other for own, other in zip(measured[ours], values, strict=True))
        table.add_row(name, *(f"{value:,.0f}" for value in (*values, median(values))), f"{ratio:.2f}")
    return table


def speed_ups(measured: Mapping[str, Mapping[int, Sequence[float]]]) -> Table:
    """Return a row for each service: the rate with one process and with two."""
    cores = f"{os.cpu_count()} cores for all"
    table = _table(f"From one process to two, a second ({cores})", "", "1 process", "2 processes", "speed-up")
    for name, values in measured.items():
        one, two = median(values[1]), median(values[2])
        table.add_row(name, f"{one:,.0f}", f"{two:,.0f}", f"{two / one:.2f}")
    return table


def latencies(title: str, measured: Iterable[Latencies], names: tuple[str, str] = ("Lockbox", "stock")) -> Table:
    """Return a row for each measurement: Lockbox, stock Nameko or another reference, and the ratio."""
    heads = [f"{column} p{share}" for share in (50, 99) for column in (*names, "ratio")]
    table = _table(title, "", *heads)
    for name, ours, beside in measured:
        pairs = zip(_percentiles(ours), _percentiles(beside), strict=True)
        table.add_row(name, *(cell for one, other in pairs for cell in _compared(one, other)))
    return table


def spread(title: str, measured: Mapping[str, Sequence[float]]) -> Table:
    """Return a row for each measurement: median, p99, maximum, and the ratio of its median to the first one."""
    table = _table(title, "", "p50", "p99", "max", "p50 / first")
    first = median(next(iter(measured.values())))
    for name, values in measured.items():
        half, most = _percentiles(values)
        table.add_row(name, f"{half:,.1f}", f"{most:,.1f}", f"{max(values):,.1f}", f"{half / first:.2f}")
    return table


def _compared(ours: float, theirs: float) -> tuple[str, str, str]:
    return f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}" if theirs else "-"


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    cut = quantiles(values, n=100)
    return cut[49], cut[98]


def _table(title: str, *heads: str) -> Table:
    table = Table(title=title)
    for head in heads:
        table.add_column(head, justify="right")
    return table
