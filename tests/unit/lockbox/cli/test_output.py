import io
import json
from typing import Any

import pytest

from lockbox.cli import output
from lockbox.cli.output import cell, say, show_fields, show_json, show_rows

HOSTILE = [
    "[red]x[/red]",
    "[/]",
    "[/foo]",
    "\\[/foo]",
    "\\[bold]x",
    "\\\\[/]",
    "[link=https://evil.example]x[/link]",
    "[",
    "]",
    "\\",
    "a\\",
    "[[x]]",
]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", "-"),
        ("contoso", "contoso"),
        (0, "0"),
        (7, "7"),
        (True, "True"),
        (False, "False"),
        ([], ""),
        (["read", "export"], "read, export"),
        ("PT4H", "PT4H"),
        ("2026-01-31T09:30:00.123456Z", "2026-01-31 09:30:00 UTC"),
    ],
)
def test_cell_when_given_a_value_shows_it_to_people(value: object, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize("text", ["2026-01-31T09:30:00Z", "2026-01-31", "x" * 27])
def test_cell_when_it_is_not_one_of_our_timestamps_leaves_it(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize("text", ["DELETE ALLT data for everyZ", "xxxxxxxxxxTxxxxxxxxxxxxxxxZ"])
def test_cell_when_a_text_merely_has_the_shape_of_a_timestamp_leaves_it(text: str) -> None:
    assert len(text) == 27
    assert cell(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_tables_when_a_text_looks_like_markup_show_it_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"a": text}], [("A", "a")])
    show_fields({"a": text}, [("A", "a")])
    show_rows([{"a": ["read", text]}], [("A", "a")])
    shown = capsys.readouterr().out
    assert shown.count(text) == 3
    assert f"read, {text}" in shown


def test_show_rows_when_a_row_lacks_a_field_shows_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"a": "x"}, {"a": "y", "b": "z"}], [("A", "a"), ("B", "b")])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["A", "B"], ["x", "-"], ["y", "z"]]


def test_show_rows_when_wide_keeps_a_row_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"a": "x" * 100, "b": "y" * 100}], [("A", "a"), ("B", "b")])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_show_fields_when_long_folds_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_fields({"a": "x" * 500}, [("A", "a")])
    assert capsys.readouterr().out.count("x") == 500


@pytest.mark.parametrize("document", [{"a": [1, None, "ä", "[red]"]}, [], None])
def test_show_json_when_read_back_is_the_same(document: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(output.sys, "stdout", written)
    show_json(document)
    assert json.loads(written.getvalue()) == document


def test_say_when_a_text_looks_like_markup_shows_it_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say("Signed in as [red]x[/red] [/]")
    assert capsys.readouterr().out == "Signed in as [red]x[/red] [/]\n"


def test_say_when_long_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("a word " * 50)
    assert len(capsys.readouterr().out.splitlines()) == 1
