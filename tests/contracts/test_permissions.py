"""docs/permissions.md names pages and commands that exist, and leaves out none."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from scripts.reference.permissions_page import COMMANDS, FOR_MACHINES, PAGES, permissions_page
from tests.contracts.openapi import application
from tests.sources import modules, nodes_of

import portal_service.web
from lockbox import cli
from lockbox.cli.main import app as command_line
from lockbox.contracts.registry import OPERATIONS, Operation

WEB = Path(str(portal_service.web.__file__)).parent
CLI = Path(str(cli.__file__)).parent
NAMES = {operation.__name__: operation for operation in OPERATIONS}
THROUGH_THE_EDGE = {"GetRequest", "GetApproval"}


def commands(group: typer.Typer, before: str = "") -> Iterator[str]:
    yield from (before + str(one.name) for one in group.registered_commands)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{before}{inner.name} ")


def sent_by_the_command_line() -> Iterator[str]:
    """The paths in its sources; each value that is put into one is `*`."""
    for node in nodes_of(modules(CLI)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)  # type: ignore[misc]


@cache
def sent() -> set[str]:
    return set(sent_by_the_command_line())


def test_page_when_read_has_a_row_for_each_operation() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`|every service)", permissions_page(OPERATIONS), re.MULTILINE)
    assert set(rows) >= {operation.method for operation in OPERATIONS}


@pytest.mark.parametrize("operation", PAGES)
def test_page_of_the_portal_when_named_exists(operation: Operation) -> None:
    adapter = application().url_map.bind("localhost")
    path = re.sub(r"{\w+_id}", "123e4567-e89b-12d3-a456-426614174000", PAGES[operation])
    assert adapter.match(path)[0].startswith("pages.")


def test_operations_when_a_page_uses_them_are_those_with_a_page() -> None:
    used = {
        alias.name
        for node in nodes_of(modules(WEB))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in NAMES
    }
    assert used | THROUGH_THE_EDGE == {operation.__name__ for operation in PAGES}


def test_commands_when_named_exist() -> None:
    assert {name for names in COMMANDS.values() for name in names} <= set(commands(command_line))


@pytest.mark.parametrize("operation", COMMANDS)
def test_command_when_named_sends_the_operation(operation: Operation) -> None:
    patterns = [re.sub(r"{\w+}", "*", route.path) for route in operation.routes]
    ends = [re.sub(r"/(revoke|complete)$", "/*", pattern) for pattern in patterns]
    assert sent() & {*patterns, *ends}


def test_operations_when_neither_page_nor_command_uses_them_are_for_machines() -> None:
    assert set(OPERATIONS) - set(PAGES) - set(COMMANDS) == set(FOR_MACHINES)
