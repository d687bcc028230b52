"""`python -m bench`: measure, and print a table for each."""

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.command import measure, percentiles
from lockbox.embedded.stack import Plan, Stack


def main() -> None:
    """Start what is measured on servers of its own, and print what came out."""
    with tempfile.TemporaryDirectory(prefix="lockbox-bench-") as home:
        stack = Stack(Path(home), Plan(random_ports=True, services=("request_service",)))
        try:
            stack.up()
            results = measure(stack)
        finally:
            stack.down()
    table = Table(title="RPC + one majority write + one event (milliseconds)")
    for heading in ("", "Lockbox p50", "stock p50", "ratio p50", "Lockbox p99", "stock p99", "ratio p99"):
        table.add_column(heading, justify="right")
    for name, lockbox, stock in results:
        ours, theirs = percentiles(lockbox), percentiles(stock)
        cells = [f"{value:.2f}" for pair in zip(ours, theirs, strict=True) for value in (*pair, pair[0] / pair[1])]
        table.add_row(name, *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
