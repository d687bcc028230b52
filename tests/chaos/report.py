"""What came of each fault, as a table, and whether it is good enough."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from rich.console import Console
from rich.table import Table

from tests.chaos.arena import Arena
from tests.oracle import Findings

LONGEST_RECOVERY = 30.0


@dataclass
class Row:
    """One fault."""

    fault: str
    kills: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    points: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    findings: Findings = field(default_factory=Findings)
    slow: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    control: str = ""

    def killed(self, recovery: float, *programs: str, steps: Mapping[str, float] = MappingProxyType({})) -> None:
        """Some were killed, and all worked again after so many seconds; `steps` say when what did."""
        self.kills.update(programs)
        self.recoveries.append(recovery)
        if recovery > LONGEST_RECOVERY:
            told = ", ".join(f"{step} after {seconds:.0f} s" for step, seconds in steps.items())
            self.slow.append(f"{self.fault}: recovery of {', '.join(programs)} took {recovery:.0f} s: {told}")

    @property
    def complaints(self) -> list[str]:
        """Why this is not good enough, however long it took."""
        if self.control:
            caught = getattr(self.findings, self.control)
            return [] if caught else [f"{self.fault}: the oracle did not see it"]
        found = [f"{self.fault}: {line}" for line in str(self.findings).splitlines()] if self.findings else []
        return found + self.failures


class Report:
    """The rows so far."""

    def __init__(self, console: Console) -> None:
        self.rows: list[Row] = []
        self._console = console

    @contextmanager
    def fault(self, arena: Arena, name: str, control: str = "", quiet_within: float = 60.0) -> Iterator[Row]:
        """One fault: what is done to the arena inside is judged at the end."""
        row, before, started = Row(name, control=control), arena.acknowledged, time.monotonic()
        self.rows.append(row)
        try:
            yield row
        except Exception as error:  # noqa: BLE001 - whatever it is, the other faults are tried too
            row.failures.append(f"{name}: {type(error).__name__}: {str(error)[:500]}")
        with arena.load.paused(within=240):
            row.findings = arena.oracle.judge(quiet_within)
        row.acknowledged = arena.acknowledged - before
        self._say(row, time.monotonic() - started)

    @property
    def kills(self) -> Counter[str]:
        """All of them, by program."""
        return sum((row.kills for row in self.rows), Counter[str]())

    @property
    def complaints(self) -> list[str]:
        """Why all of it is not good enough."""
        return [complaint for row in self.rows for complaint in (*row.slow, *row.complaints)]

    def show(self) -> None:
        """Print the tables."""
        table = Table("fault", title="chaos")
        for title in ("kills", "acknowledged", "lost", "doubled", "unexpected", "recovery max", "p50"):
            table.add_column(title, justify="right")
        for row in self.rows:
            table.add_row(row.fault, str(row.kills.total()), str(row.acknowledged), *_counts(row), *_times(row))
        self._console.print(table)
        self._console.print(_counted("kills", self.kills))
        self._console.print(_counted("crash point", sum((row.points for row in self.rows), Counter[str]())))

    def _say(self, row: Row, seconds: float) -> None:
        self._console.print(
            f"{row.fault}: {seconds:.0f} s, {row.kills.total()} kills, {row.acknowledged} acknowledged, "
            f"recovery max {_times(row)[0]}",
            highlight=False,
        )
        for complaint in (*row.slow, *row.complaints):
            self._console.print(f"  [red]{complaint}[/]", highlight=False)


def _counts(row: Row) -> tuple[str, str, str]:
    found = row.findings
    counts = (len(found.lost | found.waiting), len(found.doubled), len(found.unexpected | found.parked))
    caught = ("lost", "doubled", "unexpected")
    return tuple(  # type: ignore[return-value]
        f"{count} (caught)" if name == row.control and count else str(count)
        for name, count in zip(caught, counts, strict=True)
    )


def _times(row: Row) -> tuple[str, str]:
    if not row.recoveries:
        return "-", "-"
    return f"{max(row.recoveries):.1f} s", f"{statistics.median(row.recoveries):.1f} s"


def _counted(title: str, counts: Counter[str]) -> Table:
    table = Table(title, "count")
    for name, count in sorted(counts.items()):
        table.add_row(name, str(count))
    return table
