import io
import json
from typing import Any

import pytest

from lockbox.cli import output
from lockbox.cli.output import cell, head, say, show_fields, show_json, show_part, show_rows, show_texts

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
    show_texts([{"a": text, "b": text}], [("A", "a"), ("B", "b")])
    shown = capsys.readouterr().out
    assert shown.count(text) == 5
    assert f"read, {text}" in shown


def test_show_rows_when_a_row_lacks_a_field_shows_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"a": "x"}, {"a": "y", "b": "z"}], [("A", "a"), ("B", "b")])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["A", "B"], ["x", "-"], ["y", "z"]]


def test_show_rows_when_wide_keeps_a_row_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"a": "x" * 100, "b": "y" * 100}], [("A", "a"), ("B", "b")])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_show_texts_when_the_last_column_is_long_folds_it_and_loses_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_texts([{"a": "x" * 100, "b": "y" * 500}, {"a": "z", "b": None}], [("A", "a"), ("B", "b")])
    first, row, *more, last = capsys.readouterr().out.splitlines()
    assert first.split() == ["A", "B"]
    assert row.split()[0] == "x" * 100
    assert row.count("y") + sum(line.count("y") for line in more) == 500
    assert {line.index("y") for line in (row, *more)} == {row.index("y")}
    assert last.split() == ["z", "-"]


def test_show_texts_when_several_columns_are_long_folds_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    show_texts([{"a": "x x", "b": "y" * 500, "c": "z" * 500}], [("A", "a"), ("B", "b"), ("C", "c")], texts=2)
    _, *rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("x x  y")
    assert [sum(row.count(letter) for row in rows) for letter in "yz"] == [500, 500]
    assert all(len(row) <= 100 for row in rows)


def test_show_part_when_there_are_rows_has_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    show_part("Notes", [{"a": "x"}], [("A", "a")])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == ["", "Notes", "A", "x"]


def test_show_part_when_there_are_none_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_part("Notes", [], [("A", "a")])
    assert capsys.readouterr().out == ""


def test_head_when_a_text_looks_like_markup_shows_it_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    head("Extension [1] [/]")
    assert capsys.readouterr().out == "\nExtension [1] [/]\n"


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
