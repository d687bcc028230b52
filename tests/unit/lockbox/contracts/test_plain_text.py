"""Text for people: something shows, nothing hides, and names that look alike are the same."""

import sys
import unicodedata
from typing import Any

import pytest

from lockbox.contracts import plain_text, wire
from lockbox.contracts.approval.operations import RequestInfo
from lockbox.contracts.policy.document import Group, StagePlan
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.errors import Invalid

NOTHING = {
    "nothing": "",
    "blanks": " \t\r\n",
    "no-break spaces": "\u00a0\u202f",
    "ideographic space": "\u3000",
    "zero-width space": "\u200b",
    "zero-width joiners": "\u200c\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "hangul filler": "\u3164",
    "halfwidth hangul filler": "\uffa0",
    "hangul jamo fillers": "\u115f\u1160",
    "braille blank": "\u2800",
    "null notehead": "\U0001d159",
    "tag characters": "".join(chr(0xE0000 + ord(letter)) for letter in "approve"),
    "variation selectors": "\ufe0f\U000e0100",
    "combining grapheme joiner": "\u034f",
    "marks without a letter": "\u0301\u0308",
    "khmer inherent vowels": "\u17b4\u17b5",
    "unassigned": "\U000e0fff",
    "private use": "\ue000",
    "a mixture": " \u2800\u3164\u200b ",
}
SOMETHING = ["a", "ä", "a\u0308", "7", "!", "한", "ᄒ", "⠁", "😀", "👩\u200d💻", "❤\ufe0f", "␢", "\u200bx"]


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_text_when_nothing_shows_is_refused_where_it_is_required(text: str) -> None:
    assert not plain_text.shows(text)
    with pytest.raises(Invalid) as refused:
        ask(text)
    assert [fault["field"] for fault in refused.value.faults] == ["question"] * len(refused.value.faults)


@pytest.mark.parametrize("text", SOMETHING)
def test_text_when_something_shows_is_taken(text: str) -> None:
    assert plain_text.shows(text)
    assert ask(text).question == text


def ask(text: str) -> RequestInfo:
    return wire.decode(
        RequestInfo,
        {"request_id": "123e4567-e89b-12d3-a456-426614174000", "question": text, "idempotency_key": "k"},
    )


def test_text_when_it_is_one_character_that_unicode_calls_ignorable_or_a_space_shows_nothing() -> None:
    invisible = {"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Mc", "Me", "Zl", "Zp", "Zs"}
    shown = [chr(code) for code in range(sys.maxunicode + 1) if plain_text.shows(chr(code))]
    assert len(shown) > 100_000
    wrong = [one for one in shown if unicodedata.category(one) in invisible - {"Cn"}]  # newer data knows more of these
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Read it.\U000e0041\U000e0042", True),
        ("\U000e0041", True),
        ("\N{WAVING BLACK FLAG}\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f wins", False),
        ("plain", False),
    ],
)
def test_text_when_tag_characters_are_of_no_flag_hides_other_text(text: str, hidden: bool) -> None:
    assert plain_text.hides(text) is hidden


@pytest.mark.parametrize(
    "name",
    [
        "a\u0308rzte",  # not composed: it looks like "ärzte"
        "Law\u200b",
        "La\u00adw",
        "Law\u2060",
        "Law\u3164",
        "Law\ufe0f",
        " Law",
        "Law ",
        "Law  and order",
        "Law\u00a0and order",
        "Law\u3000and order",
        "\u2800",
        "Law\U000e0041",
        "\ufeffLaw",
    ],
    ids=ascii,
)
def test_name_when_it_can_look_like_another_is_refused(name: str) -> None:
    assert not plain_text.is_name(name)
    with pytest.raises(Invalid) as refused:
        wire.decode(StagePlan, stage(name))
    assert {fault["field"] for fault in refused.value.faults} == {"name"}


@pytest.mark.parametrize("name", ["Law", "Law and order", "Ärzte", "법무", "Law & Co. (EU)", "Юристы"])
def test_name_when_it_is_plain_is_taken(name: str) -> None:
    assert wire.decode(StagePlan, stage(name)).name == name


def stage(name: str) -> dict[str, Any]:
    return {"name": name, "side": "CUSTOMER", "groups": [{"name": "All", "members": ["customer_admin"]}]}


@pytest.mark.parametrize(
    "address",
    ["al\u3164ice@contoso.example", "ａlice@contoso.example", "ﬁona@contoso.example", "\uffa0@contoso.example"],
)
def test_address_when_its_letters_have_another_form_is_refused(address: str) -> None:
    with pytest.raises(Invalid) as refused:
        wire.decode(Group, {"name": "All", "members": [address]})
    assert [fault["code"] for fault in refused.value.faults] == ["not_an_email"]


def test_event_when_an_earlier_version_wrote_such_a_name_is_read() -> None:
    old = {
        "tenant": "contoso",
        "version": 3,
        "stages": [stage("Law  and order")],
        "freezes": [
            {
                "name": " Always",
                "starts": "0001-01-01T00:00",
                "ends": "9999-12-31T23:59",
                "time_zone": "UTC",
                "effect": "no_access",
            }
        ],
    }
    assert wire.decode(PolicyChanged, old, tolerant=True).stages[0].name == "Law  and order"
