"""The sources of the project as syntax trees; a file that several tests read is parsed once in a process."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


def modules(*folders: str | Path) -> list[Path]:
    """The Python files below these folders of the project, in order of their paths."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parsed(path)))


def nodes_of(paths: Iterable[Path]) -> Iterator[ast.AST]:
    for path in paths:
        yield from nodes(path)
