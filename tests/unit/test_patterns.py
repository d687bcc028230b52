"""No regular expression of the code takes more than linear time, whatever text it gets."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.sources import ROOT, modules, nodes, nodes_of
from tests.unit.growth import superlinear

from lockbox.contracts.fields import KeyField, NameField, UuidField
from lockbox.contracts.policy.document import MemberField
from lockbox.guard.templates import Template

SOURCES = ("services", "shared", "clients", "deploy")
USES = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
SEARCHES = {"search", "sub", "subn", "findall", "finditer"}
RULES = {"TextPattern", "Regexp", "matching"}
BUILT = {
    "portal_service.web.wording.display": ["([/@.])"],
    "notify_service.store": [r"@(?:example\.org|mail\.example)$"],
    "lockbox.contracts.request.terms": [r"SR\-[0-9][0-9]+", r"S[0-9]\-[0-9][0-9][0-9]"],
    "lockbox.contracts.access": [r"[^\ud800-\udfff]{0,512}\Z"],
    "lockbox.contracts.fields": [NameField.pattern, UuidField.pattern, KeyField.pattern],
    "lockbox.contracts.policy.document": [MemberField.rule[0].regex],
    "lockbox.guard.tables": [],
    "lockbox.guard.templates": [
        Template("mailbox/{user}/{rest...}").pattern,
        Template("/a/{one}/b/{two}").pattern,
    ],
}
"""The expressions that code builds of values, as far as it goes; those of tables are given where they are used."""


@dataclass(frozen=True)
class Use:
    """A place where an expression is written, the expression if it stands in the module, and how it is used."""

    module: str
    line: int
    pattern: str | re.Pattern[str] | None
    how: str


def name_of(path: Path) -> str:
    _, *parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def called(*methods: str) -> set[str]:
    """Return the names on which one of these methods is called anywhere."""
    return {
        getattr(node.func.value, "id", "") or getattr(node.func.value, "attr", "")
        for node in nodes_of(modules(*SOURCES))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods
    }


@cache
def written() -> list[Use]:
    searched, full = called(*SEARCHES), called("fullmatch")
    return [use for path in modules(*SOURCES) for use in written_in(path, searched, full)]


def written_in(path: Path, searched: set[str], full: set[str]) -> Iterator[Use]:
    module, names = name_of(path), assigned(path)
    for node in nodes(path):
        if isinstance(node, ast.Call) and node.args and (function := regex_function(node)):
            name = names.get(node, "")
            how = function
            if function == "compile":
                how = "search" if name in searched else "fullmatch" if name in full else "match"
            yield Use(module, node.lineno, value_of(module, node), how if function in USES else "match")


def assigned(path: Path) -> dict[ast.AST, str]:
    return {
        node.value: node.targets[0].id
        for node in nodes(path)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def regex_function(node: ast.Call) -> str | None:
    called = node.func
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "re":
        return called.attr if called.attr in USES else None
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name if name in RULES else None


def value_of(module: str, node: ast.Call) -> str | re.Pattern[str] | None:
    """Return the expression; None where it is made of what the module alone does not know."""
    known = vars(importlib.import_module(module))
    whole = isinstance(node.func, ast.Attribute) and node.func.attr == "compile"
    source: ast.expr = node if whole else node.args[0]
    try:
        found: Any = eval(compile(ast.Expression(source), f"<{module}>", "eval"), dict(known))  # noqa: S307 - the code itself
    except NameError:
        return None
    return found if isinstance(found, str | re.Pattern) else None


def known() -> list[Use]:
    return [use for use in written() if use.pattern is not None]


def test_pattern_when_the_text_is_hostile_takes_linear_time() -> None:
    found = {f"{use.module}:{use.line}": superlinear(use.pattern, use.how) for use in known()}
    assert {place: text for place, text in found.items() if text is not None} == {}


def test_patterns_when_built_from_values_are_listed_here() -> None:
    built = {(use.module, use.line) for use in written() if use.pattern is None}
    assert {module for module, _ in built} == set(BUILT), sorted(built)


@pytest.mark.parametrize("pattern", [pattern for patterns in BUILT.values() for pattern in patterns])
def test_pattern_when_built_from_values_takes_linear_time(pattern: str | re.Pattern[str]) -> None:
    assert superlinear(pattern, "fullmatch") is None


def test_patterns_when_collected_are_those_of_all_sources() -> None:
    assert len(known()) > 40
    assert {use.module.split(".")[0] for use in known()} >= {"portal_service", "lockbox", "approval_service"}


@pytest.mark.parametrize(
    ("pattern", "use"),
    [
        (r"(a+)+b", "match"),
        (r"(a|a)*b", "match"),
        (r"(a|ab|b)*c", "match"),
        (r"(?:a*)*b", "match"),
        (r"\s*\s*!", "match"),
        (r"(?:\d{1,9}\s*d)?\s*(?:\d{1,9}\s*h)?\s*", "fullmatch"),
        (r"\s+x", "search"),
        (r".*.*x", "match"),
        (r"(?!.*.*x)y", "match"),
        (r"a(?i:[a-z]*)[A-Z]*!", "match"),
    ],
)
def test_superlinear_when_loops_share_text_finds_it(pattern: str, use: str) -> None:
    assert superlinear(pattern, use)


@pytest.mark.parametrize(
    ("pattern", "use"),
    [
        (r"(?:/[a-z]+)*\Z", "match"),
        (r"\s+x", "match"),
        (r";\s*domain=[^;]*", "search"),
        (r"[^\s,;]+", "findall"),
        (r"[a-z][a-z0-9-]*[a-z]\Z", "match"),
        (r"a*b*c*\Z", "match"),
    ],
)
def test_superlinear_when_each_text_has_one_way_finds_nothing(pattern: str, use: str) -> None:
    assert superlinear(pattern, use) is None
