import pytest

from lockbox.errors import Invalid
from lockbox.values.json_text import read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ('{"a": 1, "b": [{"a": 1}, {"a": 2}]}', {"a": 1, "b": [{"a": 1}, {"a": 2}]}),
        (b'{"a": "\xc3\xa4"}', {"a": "ä"}),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\ud83d"', r"\ud83d"),
        ("-0.5e1", -5.0),
        ("null", None),
    ],
)
def test_json_when_it_is_read_in_one_way_is_read(text: str | bytes, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize(
    ("text", "code", "field", "fault"),
    [
        ('{"decision": "deny", "decision": "approve"}', "repeated_field", "decision", "repeated"),
        ('{"decision": "deny", "decision": "deny"}', "repeated_field", "decision", "repeated"),
        (r'{"decision": "deny", "decisio\u006e": "approve"}', "repeated_field", "decision", "repeated"),
        ('{"changes": {"duration": "PT1H", "duration": "PT9H"}}', "repeated_field", "changes.duration", "repeated"),
        ('{"stages": [{}, {"name": "a", "name": "b"}]}', "repeated_field", "stages.1.name", "repeated"),
        ('{"a": {"b": 1, "b": 2}, "a": 3}', "repeated_field", "a", "repeated"),
        ('{"version": NaN}', "invalid_version", "version", "not_finite"),
        ('{"version": -Infinity}', "invalid_version", "version", "not_finite"),
        ('{"items": [1, 1e999]}', "invalid_items", "items.1", "not_finite"),
        ("NaN", "invalid_body", "body", "not_finite"),
        (r'{"password": "\ud800"}', "invalid_password", "password", "half_characters"),
        (r'{"a": ["\uDE00\uD83D"]}', "invalid_a", "a.0", "half_characters"),
        (r'{"\ud800": 1}', "invalid_body", r"\ud800", "half_characters"),
        (r'{"a b": {"c": "\udfff"}}', "invalid_body", "a b.c", "half_characters"),
    ],
)
def test_json_when_two_readers_differ_about_it_is_refused_by_name(text: str, code: str, field: str, fault: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_json(text)
    assert refused.value.code == code
    assert [(one["field"], one["code"]) for one in refused.value.faults] == [(field, fault)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{'a': 1}",
        '{"a": 1,}',
        "1_0",
        "+1",
        "01",
        "\ufeff{}",
        b"\xff\xfe{\x00}\x00",
        b'"\xed\xa0\x80"',
        b'"\x00"',
    ],
)
def test_json_when_it_is_other_text_raises(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(text)


def test_json_when_text_is_refused_does_not_show_it_again() -> None:
    with pytest.raises(Invalid) as refused:
        read_json(r'{"password": "hunter2 \ud800"}')
    assert "hunter2" not in repr(refused.value.args)
