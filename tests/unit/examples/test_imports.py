"""Every name that an example, a benchmark or a script imports from the project exists."""

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from tests.sources import ROOT, modules, nodes

OWN = ("lockbox", "examples", "bench", "scripts", "approval_service", "audit_service", "notify_service")


def imports() -> Iterator[tuple[str, str, str]]:
    for path in modules("examples", "bench", "scripts"):
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OWN:
                yield from ((str(path.relative_to(ROOT)), node.module, name.name) for name in node.names)


def exists(module: str, name: str) -> bool:
    return hasattr(import_module(module), name) or find_spec(f"{module}.{name}") is not None


def test_names_when_imported_exist() -> None:
    assert len({path for path, _, _ in imports()}) > 20
    assert [(path, module, name) for path, module, name in imports() if not exists(module, name)] == []
