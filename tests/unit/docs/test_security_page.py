"""docs/security.md: each claim names the tests that hold it, and each of them exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text()
HOLDS = PAGE.partition("\n## What holds\n")[2].partition("\n### Claims without a test\n")[0]
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
NAMED = sorted(set(TEST.findall(PAGE)))


def claims() -> Iterator[tuple[str, str]]:
    """The claims of the tables, each with the cell that names its tests."""
    for line in HOLDS.splitlines():
        if line.startswith("| ") and not line.startswith("| Claim "):
            claim, tests = (cell.strip() for cell in line.strip("|").split(" | "))
            yield claim, tests


@cache
def functions(path: str) -> frozenset[str]:
    """The functions of a module."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_claims_when_counted_are_each_in_one_row() -> None:
    listed = [claim for claim, _ in claims()]
    assert len(listed) > 45
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(("claim", "tests"), list(claims()))
def test_claim_when_made_names_a_test(claim: str, tests: str) -> None:
    assert TEST.sub("", tests).replace(",", "").strip() == "", claim
    assert TEST.search(tests), claim


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_test_when_named_exists(path: str, name: str) -> None:
    assert name in functions(path)


def test_page_when_read_says_what_has_no_test_and_what_a_theft_breaks() -> None:
    for title in ("### Claims without a test", "## When something is stolen", "## What does not hold yet"):
        assert PAGE.count(f"\n{title}\n") == 1
