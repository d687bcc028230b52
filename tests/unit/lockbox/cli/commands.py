"""Runs `lockbox` commands, as somebody who types them."""

import itertools
import json
import re
from typing import Any

from click.testing import Result
from tests.unit.lockbox.fake_portal import FakePortal
from typer.testing import CliRunner

from lockbox.cli.main import app
from lockbox.cli.session import CommandError


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=text)


def works(*arguments: str, text: str | None = None) -> str:
    """What it prints on standard output."""
    result = run(*arguments, text=text)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def fails(*arguments: str, text: str | None = None) -> str:
    """What it complains of."""
    result = run(*arguments, text=text)
    assert isinstance(result.exception, CommandError), (result.output, result.exception)
    return str(result.exception)


def sent(portal: FakePortal, route: str) -> Any:
    """The body of the one request of this route."""
    [request] = portal.asked(route)
    return json.loads(request.content)


def table(said: str, heading: str) -> list[list[str]]:
    """The cells of the table that begins with this heading, row by row; what goes on below a cell belongs to it."""
    lines = said.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(heading))
    places = [found.start() for found in re.finditer(r"\S+(?: \S+)*", lines[start])]
    spans = list(zip(places, [*places[1:], None], strict=True))
    rows: list[list[str]] = []
    for line in itertools.takewhile(str.strip, lines[start + 1 :]):
        cells = [line[since:until].strip() for since, until in spans]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1] = [f"{above} {below}".strip() for above, below in zip(rows[-1], cells, strict=True)]
    return rows
