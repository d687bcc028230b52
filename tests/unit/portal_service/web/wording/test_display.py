import json
from typing import Any

import pytest
from hypothesis import given
from tests.unit.strategies import JSON

from portal_service.web.wording import display


@pytest.mark.parametrize(
    ("text", "after", "shown"),
    [
        ("mailbox/alice", "/@", "mailbox/<wbr>alice"),
        ("alice@contoso.example", "/@", "alice@<wbr>contoso.example"),
        ("stages[Customer].groups", ".", "stages[Customer].<wbr>groups"),
        ("<script>/x", "/@", "&lt;script&gt;/<wbr>x"),
        ("a&b@c", "/@", "a&amp;b@<wbr>c"),
        ("", "/@", ""),
    ],
)
def test_long_text_breaks_after_its_separators_and_is_escaped(text: str, after: str, shown: str) -> None:
    assert str(display.breakable(text, after)) == shown


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"a": None, "b": 1}, {"b": 1}),
        ({"a": {"b": None}, "c": [{"d": None, "e": None}, 1]}, {"a": {}, "c": [{}, 1]}),
        ([None, 1], [None, 1]),
        ("x", "x"),
        (None, None),
    ],
)
def test_document_without_nulls_keeps_the_rest(data: Any, shown: Any) -> None:
    assert display.without_nulls(data) == shown


@given(JSON)
def test_pretty_json_is_the_same_document(data: Any) -> None:
    assert json.loads(display.pretty(data)) == data


def test_pretty_json_shows_characters_that_could_disguise_it_as_their_codes() -> None:
    assert display.pretty("a\u202eb\u2066c") == '"a\\u202eb\\u2066c"'


def test_pretty_json_is_sorted_unless_its_order_says_something() -> None:
    data = {"b": 1, "a": 2}
    assert display.pretty(data).index('"a"') < display.pretty(data).index('"b"')
    assert display.pretty(data, sort=False).index('"b"') < display.pretty(data, sort=False).index('"a"')
