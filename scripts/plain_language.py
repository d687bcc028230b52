"""Checks of language and size that no linter has: first lines of docstrings, length of files, names of classes.

A first line names the thing: it has no word of `AVOIDED`. A source file has at most `LONGEST` lines, unless the first
paragraph of its docstring says why it is longer ("longer than 250 lines: ..."). No two classes have the same name.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENTED = ("services", "shared", "clients", "deploy", "bench", "examples", "scripts")
SIZED = ("services", "shared", "clients", "deploy")
AVOIDED = re.compile(r"\b(what|who|whose|whom|somebody|someone|nobody|anybody|anyone)\b", re.IGNORECASE)
LONGEST = 250
REASON = "longer than 250 lines"
TWICE = frozenset({"PolicyChanged"})
"""The names of events that have several versions, each with a class of its own."""

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def first_lines(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line number and text of the first line of each docstring, those of constants and fields included."""
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), text.splitlines()[0]
        if isinstance(node, ast.Module | ast.ClassDef):
            yield from _of_assignments(node.body)


def _of_assignments(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    for before, node in pairwise(body):
        if isinstance(before, ast.Assign | ast.AnnAssign) and isinstance(node, ast.Expr):
            text = getattr(node.value, "value", None)
            if isinstance(text, str) and text.strip():
                yield node.lineno, text.strip().splitlines()[0]


def faults(path: Path) -> Iterator[str]:
    """Yield the faults of one Python file, each with its place."""
    source = path.read_text()
    tree = ast.parse(source)
    name = path.relative_to(ROOT)
    for line, text in first_lines(tree):
        if found := AVOIDED.search(text):
            yield f"{name}:{line}: a docstring's first line names the thing, without {found[0]!r}: {text}"
    length = len(source.splitlines())
    reason = (ast.get_docstring(tree) or "").split("\n\n")
    if name.parts[0] in SIZED and length > LONGEST and REASON not in " ".join(reason[:2]):
        yield f"{name}: {length} lines; at most {LONGEST}, or the docstring says why: {REASON!r}"


def class_names(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield each class at the top of a file."""
    for path in paths:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name not in TWICE:
                yield node.name, path.relative_to(ROOT)


def repeated(paths: Iterable[Path]) -> Iterator[str]:
    """Yield a fault for each class name that stands for two things."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, path in class_names(paths):
        places[name].append(str(path))
    yield from (f"class {name}: one name for two things: {', '.join(at)}" for name, at in places.items() if at[1:])


def main() -> int:
    """Print all faults; return 1 if there are any."""
    files = sorted(path for folder in DOCUMENTED for path in (ROOT / folder).rglob("*.py"))
    found = [fault for path in files for fault in faults(path)]
    found += repeated(path for folder in SIZED for path in sorted((ROOT / folder).rglob("*.py")))
    sys.stderr.write("".join(f"{fault}\n" for fault in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
