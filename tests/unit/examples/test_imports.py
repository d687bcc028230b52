"""Every name that an example, a benchmark or a script imports from the project exists."""

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OWN = ("lockbox", "examples", "bench", "scripts", "approval_service", "audit_service", "notify_service")


def imports() -> Iterator[tuple[str, str, str]]:
    for folder in ("examples", "bench", "scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OWN:
                    yield from ((str(path.relative_to(ROOT)), node.module, name.name) for name in node.names)


@pytest.mark.parametrize("path", sorted({path for path, _, _ in imports()}))
def test_names_when_imported_exist(path: str) -> None:
    for importer, module, name in imports():
        if importer == path:
            found = hasattr(import_module(module), name) or find_spec(f"{module}.{name}") is not None
            assert found, f"{module} has no {name}"
