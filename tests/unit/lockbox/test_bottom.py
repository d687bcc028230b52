"""The modules directly under `shared/lockbox`: import-linter reads packages alone, so this test reads these."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sources import nodes

import lockbox.errors

ROOT = Path(lockbox.errors.__file__).parent
BOTTOM = {f"lockbox.{path.stem}": path for path in ROOT.glob("*.py")}


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                f"lockbox.{alias.name}" if node.module == "lockbox" else str(node.module) for alias in node.names
            )


@pytest.mark.parametrize("name", sorted(BOTTOM))
def test_module_at_the_bottom_when_read_imports_no_package_of_lockbox(name: str) -> None:
    assert {module for module in imported(BOTTOM[name]) if module.startswith("lockbox")} <= BOTTOM.keys()
