"""The REST API as programs know it: paths, methods, statuses, bodies and answers stay as they are.

A change that is meant: `python -m tests.contracts.write_openapi`, and say in the changelog what changed.
"""

import json
from typing import Any

import pytest
from tests.contracts.openapi import GOLDEN, content, current

DOCUMENT = current()
NOW, BEFORE = content(DOCUMENT), content(json.loads(GOLDEN.read_text()))
METHODS = [(path, method) for path, item in sorted(BEFORE.items()) for method in item if method != "parameters"]


def test_document_when_compared_has_the_paths_and_methods_of_the_golden_file() -> None:
    paths = {path: sorted(item) for path, item in NOW.items()}
    assert paths == {path: sorted(item) for path, item in BEFORE.items()}


@pytest.mark.parametrize(("path", "method"), METHODS)
def test_route_when_compared_is_that_of_the_golden_file(path: str, method: str) -> None:
    now, before = NOW[path], BEFORE[path]
    assert now[method] == before[method]
    assert now["parameters"] == before["parameters"]


@pytest.mark.parametrize(("path", "method"), METHODS)
def test_route_when_described_has_a_summary(path: str, method: str) -> None:
    operation: dict[str, Any] = DOCUMENT["paths"][path][method]
    assert operation["summary"].strip()
