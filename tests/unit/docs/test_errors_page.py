"""docs/errors.md lists every code of an error and of a fault, with its parameters."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from tests.sources import modules, nodes_of

import lockbox.contracts
import portal_service
from lockbox.faults import FAULTS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "errors.md").read_text()
SOURCES = (Path(portal_service.__file__).parents[1], Path(lockbox.contracts.__file__).parents[1])
KINDS = {"Invalid", "Forbidden", "NotFound", "Conflict", "Unavailable", "Unauthenticated", "TooMany", "Wrong"}


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of the tables in a text."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def named(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z_0-9<>]+)`", cell))


LISTED = {code: named(row[2]) for row in rows(section("Codes of errors")) for code in named(row[1])}
INTERNAL = {code for row in rows(section("Codes in logs")) for code in named(row[1])}
GUARDS = {code for row in rows(section("What a guard answers")) for code in named(row[1])}
LISTED_FAULTS = {row[0].strip("`"): row for row in rows(section("Faults of fields")) if row[0].startswith("`")}


def errors() -> Iterator[tuple[str, set[str]]]:
    """The code and the parameters of each error that is made in services and shared."""
    for node in nodes_of(modules(*SOURCES)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in KINDS and node.args:
            yield from ((code, parameters(node)) for code in codes(node.args[0]))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "invalid" and len(node.args) > 3:
            yield from ((code, set()) for code in codes(node.args[3]))


def codes(code: ast.expr) -> Iterator[str]:
    """A code as a regular expression; parts that are filled in stand for any letters."""
    if isinstance(code, ast.Constant):
        yield re.escape(str(code.value))
    elif isinstance(code, ast.JoinedStr):
        yield "".join(re.escape(part.value) if isinstance(part, ast.Constant) else "[a-z_]+" for part in code.values)


def parameters(error: ast.Call) -> set[str]:
    params = next((one.value for one in error.keywords if one.arg == "params"), None)
    keys = params.keys if isinstance(params, ast.Dict) else []
    return {str(key.value) for key in keys if isinstance(key, ast.Constant)}


def is_listed(code: str, params: set[str]) -> bool:
    if code.startswith("invalid_") and code not in INTERNAL:
        return "invalid_<field>" in LISTED
    listed = [name for name in LISTED if re.fullmatch(code, name)]
    return code in INTERNAL | GUARDS or any(params <= LISTED[name] for name in listed)


def test_code_of_an_error_is_listed_with_its_parameters() -> None:
    assert [(code, params) for code, params in errors() if not is_listed(code, params)] == []


def test_codes_are_found_in_the_sources() -> None:
    found = {code for code, _ in errors()}
    assert {"role_required", "policy_contradictory", "earlier_than_asked", "too_many_attempts"} <= found


@pytest.mark.parametrize("code", FAULTS)
def test_code_of_a_fault_is_listed_with_its_parameters(code: str) -> None:
    text = FAULTS[code]
    _, params, expected = LISTED_FAULTS[code]
    assert named(params) == {name for _, name, _, _ in Formatter().parse(text) if name}
    assert expected == re.sub(r"\{(\w+)(:\w+)?\}", r"`\1`", text)


def test_page_lists_no_code_of_a_fault_that_does_not_exist() -> None:
    assert LISTED_FAULTS.keys() == FAULTS.keys()
