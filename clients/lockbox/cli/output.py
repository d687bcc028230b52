"""The output of the command line: tables and lines for people, JSON for scripts."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
TEXT_WIDTH, GAP = 40, 2
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="A comment, kept in the record.")]
Row = Mapping[str, Any]

_console = Console()
_wide = Console(width=max(_console.width, 240))
_endless = Console(width=10_000)


def show_json(document: Any) -> None:
    """Print a document."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def show_rows(rows: Iterable[Row], columns: Sequence[tuple[str, str]]) -> None:
    """Print rows as a table, one line for each; a column is its heading and the name of the field."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading, _ in columns:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell(row.get(field))) for _, field in columns))
    _wide.print(table)


def show_page(page: Row, columns: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    """Print a part of a list as a table that says whether there is more, or as JSON."""
    if as_json:
        show_json(page)
    else:
        show_rows(page["items"], columns)
        say_end(page)


def say_end(page: Row) -> None:
    """Print that a list is empty, or goes on."""
    if not page["items"]:
        say("Nothing was found.")
    say_more(page)


def say_more(page: Row) -> None:
    """Print that a list goes on, if it does."""
    if page.get("next_cursor"):
        say(f"There are more; see `--all`. Shown: {len(page['items'])}.")


def show_texts(rows: Iterable[Row], columns: Sequence[tuple[str, str]], texts: int = 1) -> None:
    """Print rows as a table; its last columns, `texts` of them, wrap when they are long."""
    cells = [[heading for heading, _ in columns], *([cell(row.get(field)) for _, field in columns] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading, _ in columns[:-texts]:
        table.add_column(heading, no_wrap=True)
    for heading, _ in columns[-texts:]:
        table.add_column(heading, overflow="fold")
    for row in cells[1:]:
        table.add_row(*map(Text, row))
    needed = sum(widths[:-texts]) + sum(min(width, TEXT_WIDTH) for width in widths[-texts:]) + GAP * len(columns)
    _endless.print(table, width=max(_console.width, needed))


def show_part(title: str, rows: Sequence[Row], columns: Sequence[tuple[str, str]], texts: int = 1) -> None:
    """Print a heading with its table; nothing if there are no rows."""
    if rows:
        head(title)
        show_texts(rows, columns, texts)


def show_fields(row: Row, fields: Sequence[tuple[str, str]]) -> None:
    """Print the fields of one document, one line for each."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for heading, field in fields:
        table.add_row(heading, Text(cell(row.get(field))))
    _console.print(table)


def head(text: str) -> None:
    """Print a heading after an empty line."""
    _console.print(Text(f"\n{text}", style="bold"), soft_wrap=True)


def say(text: str) -> None:
    """Print a line."""
    _console.print(text, markup=False, highlight=False, soft_wrap=True)


def cell(value: Any) -> str:
    """Return a value as text; a moment to the second."""
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return ", ".join(map(cell, value))
    text = str(value)
    return f"{text[:10]} {text[11:19]} UTC" if TIMESTAMP.fullmatch(text) else text
