"""What the command prints: a readable table, or JSON for scripts."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Row = Mapping[str, Any]

_console = Console()
_wide = Console(width=max(_console.width, 240))


def show_json(document: Any) -> None:
    """Print a document."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def show_rows(rows: Iterable[Row], columns: Sequence[tuple[str, str]]) -> None:
    """Print rows as a table, a row a line however wide; a column is its heading and the name of the field."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading, _ in columns:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell(row.get(field))) for _, field in columns))
    _wide.print(table)


def show_fields(row: Row, fields: Sequence[tuple[str, str]]) -> None:
    """Print one thing, a field a line."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for heading, field in fields:
        table.add_row(heading, Text(cell(row.get(field))))
    _console.print(table)


def say(text: str) -> None:
    """Print a line."""
    _console.print(text, markup=False, highlight=False, soft_wrap=True)


def cell(value: Any) -> str:
    """A value as people read it; moments to the second."""
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return ", ".join(map(cell, value))
    text = str(value)
    return f"{text[:10]} {text[11:19]} UTC" if TIMESTAMP.fullmatch(text) else text
