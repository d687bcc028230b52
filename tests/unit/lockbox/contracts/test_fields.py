import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from tests.unit.strategies import DURATIONS, MOMENTS

from lockbox.contracts.fields import (
    Action,
    Comment,
    Count,
    Duration,
    Email,
    Flag,
    IdempotencyKey,
    Justification,
    NumberField,
    Resource,
    TenantName,
    Timestamp,
    Uuid,
    format_duration,
    parse_duration,
)
from lockbox.values.timestamps import format_timestamp, parse_timestamp

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = [
    chr(code)
    for code in range(0x3000)  # the last of these categories is U+2029
    if unicodedata.category(chr(code)) in {"Cc", "Zl", "Zp"} and chr(code) not in "\t\n\r"
]
TEXTS = {
    "tenant": TenantName,
    "resource": Resource,
    "action": Action,
    "email": Email,
    "uuid": Uuid,
    "key": IdempotencyKey,
    "justification": Justification,
    "comment": Comment,
}
every_text = pytest.mark.parametrize("kind", TEXTS.values(), ids=TEXTS)
every_prose = pytest.mark.parametrize("kind", [Justification, Comment], ids=["justification", "comment"])


def read(kind: Any, value: object) -> Any:
    [field] = kind.__metadata__
    return field().deserialize(value)


def refused(kind: Any, value: object) -> bool:
    try:
        read(kind, value)
    except ValidationError:
        return True
    return False


# --- durations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT4H", timedelta(hours=4)),
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("PT90M", timedelta(minutes=90)),
        ("P1DT1S", timedelta(days=1, seconds=1)),
        ("P2W", timedelta(weeks=2)),
        ("PT1,5H", timedelta(minutes=90)),
        ("PT0S", timedelta(0)),
        ("-PT4H", -timedelta(hours=4)),
        ("P999999999D", timedelta(days=999_999_999)),
    ],
)
def test_duration_when_of_fixed_length_is_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration
    assert read(Duration, text) == duration


@pytest.mark.parametrize("text", ["PT0.5S", "PT0.000001S", "PT1.5S", "PT0.01M", "PT4H0.25S", "-PT0.5S"])
def test_duration_when_it_has_a_part_of_a_second_is_refused(text: str) -> None:
    assert refused(Duration, text)


@pytest.mark.parametrize(
    "text", ["P1Y", "P1M", "P1Y2M", "P0.5Y", "P1MT1H", "P1Y1D", "P0001-01-01T00:00:00", "P2026-01-31"]
)
def test_duration_when_in_years_or_months_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_duration(text)
    assert refused(Duration, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "4h",
        "4",
        "PT",
        "pt4h",
        "PT4",
        "PT4X",
        "4PT",
        "PTH",
        " PT4H",
        "PT4H ",
        "PT4H\n",
        "PT-4H",
        "PT٤H",
        "P-1D",
    ],
)
def test_duration_when_it_is_garbage_is_refused(text: str) -> None:
    assert refused(Duration, text)


@pytest.mark.parametrize(
    "text", ["P9999999999D", "PT" + "9" * 37 + "H", "PT" + "0" * 100 + "4H", "P" + "1" * 10**6 + "D"]
)
def test_duration_when_very_long_is_refused(text: str) -> None:
    assert refused(Duration, text)


@pytest.mark.parametrize("value", [14400, 4.0, True, None, ["PT4H"], {"hours": 4}, b"PT4H"])
def test_duration_when_not_a_string_is_refused(value: object) -> None:
    assert refused(Duration, value)


def test_duration_when_refused_says_what_was_expected() -> None:
    with pytest.raises(ValidationError, match="an ISO 8601 duration such as PT4H"):
        read(Duration, "4h")


@given(DURATIONS | DURATIONS.map(lambda duration: -duration) | st.timedeltas())
def test_duration_when_written_reads_back_the_same(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


# --- timestamps ----------------------------------------------------------------------------------------------------

MORNING = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T09:30:00Z", MORNING),
        ("2026-01-31T09:30:00.000000Z", MORNING),
        ("2026-01-31T10:30:00+01:00", MORNING),
        ("2026-01-31T04:00:00-05:30", MORNING),
        ("2026-01-31T09:30:00-00:00", MORNING),
        ("2026-01-31T09:30:00.5Z", MORNING + timedelta(milliseconds=500)),
        ("2026-01-31T09:30:00.123456789Z", MORNING + timedelta(microseconds=123456)),
    ],
)
def test_timestamp_when_it_has_an_offset_is_read_as_utc(text: str, moment: datetime) -> None:
    assert parse_timestamp(text) == moment
    assert parse_timestamp(text).tzinfo is UTC
    assert read(Timestamp, text) == moment


@pytest.mark.parametrize("text", ["2026-01-31T09:30:00", "2026-01-31T09:30:00.000000", "2026-01-31T09:30"])
def test_timestamp_when_naive_is_refused(text: str) -> None:
    assert refused(Timestamp, text)


@pytest.mark.parametrize("text", ["2026-01-31", "2026-01-31Z", "20260131", "09:30:00Z", "2026-W05-6"])
def test_timestamp_when_only_a_date_or_a_time_is_refused(text: str) -> None:
    assert refused(Timestamp, text)


@pytest.mark.parametrize("zone", ["Z", "+00:00", "-00:00", "+23:59", "-23:59", "+14:00", "-12:00"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "1969-12-30T00:00:00", "9999-12-31T23:59:59.999999"])
def test_timestamp_when_at_an_end_of_the_calendar_in_any_zone_is_refused(moment: str, zone: str) -> None:
    assert refused(Timestamp, f"{moment}{zone}")


@pytest.mark.parametrize("offset", ["+00:60", "+24:00", "-23:60", "+99:99", "+0100", "+01", "+1:00", "-00:0"])
def test_timestamp_when_the_offset_is_none_is_refused(offset: str) -> None:
    assert refused(Timestamp, f"2026-01-31T09:30:00{offset}")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z"])
def test_timestamp_when_outside_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(text)
    assert refused(Timestamp, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-02-30T09:30:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T09:30:61Z",
        "2026-01-31 09:30:00Z",
        "2026-01-31T09:30:00Z\n",
        " 2026-01-31T09:30:00Z",
        "2026-01-31T09:30:00+24:00",
        "２０２６-01-31T09:30:00Z",
        "2026-01-31T09:30:00Z" * 10_000,
    ],
)
def test_timestamp_when_it_is_garbage_is_refused(text: str) -> None:
    assert refused(Timestamp, text)


@pytest.mark.parametrize(
    "text",
    [
        "20260131T093000Z",
        "2026-W05-6T09:30:00Z",
        "2026-01-31T09Z",
        "2026-01-31T09:30Z",
        "2026-01-31T09:30:00,5Z",
        "2026-01-31T09:30:00+01",
        "2026-01-31T09:30:00+0100",
        "2026-01-31T09:30:00+01:00:30",
    ],
)
def test_timestamp_when_iso_8601_but_not_rfc_3339_is_refused(text: str) -> None:
    assert refused(Timestamp, text)


@pytest.mark.parametrize(
    "value", [1769851800, 1769851800.5, True, None, ["2026-01-31T09:30:00Z"], b"2026-01-31T09:30:00Z"]
)
def test_timestamp_when_not_a_string_is_refused(value: object) -> None:
    assert refused(Timestamp, value)


@given(MOMENTS)
def test_timestamp_when_written_reads_back_the_same(moment: datetime) -> None:
    assert parse_timestamp(format_timestamp(moment)) == moment


@pytest.mark.parametrize("year", [1, 999, 1000, 2026, 9999])
def test_timestamp_when_written_has_27_characters_in_every_year(year: int) -> None:
    moment = datetime(year, 1, 2, tzinfo=UTC)
    assert len(format_timestamp(moment)) == 27
    assert parse_timestamp(format_timestamp(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_timestamp_when_written_sorts_as_text_as_it_does_in_time(one: datetime, other: datetime) -> None:
    assert (one < other) == (format_timestamp(one) < format_timestamp(other))


def test_timestamp_when_written_from_another_zone_is_in_utc() -> None:
    moment = datetime(2026, 1, 31, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert format_timestamp(moment) == "2026-01-31T09:30:00.000000Z"


# --- text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "longest"), [(Justification, 4000), (Comment, 2000)], ids=["justification", "comment"]
)
def test_prose_when_of_the_greatest_length_is_taken_and_no_longer(kind: Any, longest: int) -> None:
    assert read(kind, "x" * longest) == "x" * longest
    assert refused(kind, "x" * (longest + 1))
    assert refused(kind, "x" * longest + " ")


@pytest.mark.parametrize("text", ["", " ", "\n\t \r\n", "\u00a0\u3000"])
def test_justification_when_there_is_nothing_to_read_is_refused(text: str) -> None:
    assert refused(Justification, text)


@pytest.mark.parametrize("text", ["", " ", "fine"])
def test_comment_when_short_or_empty_is_taken(text: str) -> None:
    assert read(Comment, text) == text


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "a\tb", "Zürich, Ελλάδα, 東京, עברית, 👩‍👩‍👧, [b]<i>&amp;", "'; DROP TABLE --"]
)
def test_prose_when_it_is_just_unusual_is_taken(text: str) -> None:
    assert read(Justification, text) == text
    assert read(Comment, text) == text


@every_prose
def test_prose_when_it_has_control_characters_is_refused(kind: Any) -> None:
    assert [f"U+{ord(one):04X}" for one in CONTROLS if not refused(kind, f"a{one}b")] == []


@every_prose
def test_prose_when_it_changes_the_direction_of_text_is_refused(kind: Any) -> None:
    assert [f"U+{ord(one):04X}" for one in BIDI_CONTROLS if not refused(kind, f"a{one}b")] == []


@every_text
def test_text_when_it_has_a_lone_surrogate_is_refused(kind: Any) -> None:
    for surrogate in ("\ud800", "\udfff"):
        assert refused(kind, f"a{surrogate}b"), kind
        assert refused(kind, f"a{surrogate}@b"), kind


@every_text
@pytest.mark.parametrize("value", [None, 1, True, ["a"], {"a": 1}, 1.5])
def test_text_when_not_a_string_is_refused(kind: Any, value: object) -> None:
    assert refused(kind, value)


@pytest.mark.parametrize("name", ["contoso", "a", "7", "a-b", "x1", "a" * 63, "xn--bcher-kva"])
def test_tenant_name_when_a_dns_label_is_taken(name: str) -> None:
    assert read(TenantName, name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "a-",
        "A",
        "Contoso",
        "a" * 64,
        "a.b",
        "a_b",
        "a b",
        " a",
        "a\n",
        "a/b",
        "ä",
        "a\u0000",
        "аpple",
        "*",
        "..",
        "٣",
    ],
)
def test_tenant_name_when_not_a_dns_label_is_refused(name: str) -> None:
    assert refused(TenantName, name)


@pytest.mark.parametrize(
    "resource",
    ["mailbox/alice", "a/b/c", "Files/Report-2026_v1.pdf", "mailbox/alice+x@contoso.example", "a/...", "..a/b"],
)
def test_resource_when_named_exactly_is_taken(resource: str) -> None:
    assert read(Resource, resource) == resource


@pytest.mark.parametrize("resource", ["mailbox/*", "*/alice", "mailbox/*/inbox", "files/**", "*/*", "*/**"])
def test_resource_when_whole_segments_are_wildcards_is_a_pattern(resource: str) -> None:
    assert not refused(Resource, resource)


@pytest.mark.parametrize("resource", ["mailbox/..", "../mailbox", "a/../b", "a/./b", "./a", "a/.", "..", ".", "a/b/.."])
def test_resource_when_it_has_dot_segments_is_refused(resource: str) -> None:
    assert refused(Resource, resource)


@pytest.mark.parametrize("resource", ["", "/", "mailbox", "/mailbox", "mailbox/", "/a/b", "a//b", "a/b/", "//"])
def test_resource_when_a_segment_is_empty_or_the_only_one_is_refused(resource: str) -> None:
    assert refused(Resource, resource)


@pytest.mark.parametrize(
    "resource",
    [
        "mailbox/a*",
        "mailbox/*a",
        "mailbox/***",
        "**/alice",
        "mailbox/**/inbox",
        "mailbox/a?",
        "mailbox/[ab]",
        "mailbox/%2e%2e",
        "mailbox%2Falice",
        "mailbox/a%00",
        "mailbox/{a,b}",
    ],
)
def test_resource_when_it_has_other_wildcards_or_encodings_is_refused(resource: str) -> None:
    assert refused(Resource, resource)


@pytest.mark.parametrize(
    "resource",
    [
        "mailbox/alice\n",
        "mailbox/alice\n/../x",
        "mailbox/alice ",
        "mailbox\\alice",
        "mailbox/älice",
        "a/b\u0000",
        "a/b\u2028c/d",
    ],
)
def test_resource_when_it_has_other_characters_is_refused(resource: str) -> None:
    assert refused(Resource, resource)


def test_resource_when_of_the_greatest_length_is_taken_and_no_longer() -> None:
    assert read(Resource, "a/" + "b" * 510) == "a/" + "b" * 510
    assert refused(Resource, "a/" + "b" * 511)


@given(st.text("./a%*\n\\", max_size=12))
def test_resource_when_taken_cannot_leave_its_place(text: str) -> None:
    if not refused(Resource, text):
        *inner, last = text.split("/")
        assert not {"", ".", ".."} & {*inner, last}
        assert set(text) <= set("./a*")
        assert all("*" not in segment or segment == "*" for segment in inner)
        assert "*" not in last or last in {"*", "**"}


@pytest.mark.parametrize("action", ["read", "r", "export-all", "a_b", "a" * 32])
def test_action_when_a_word_is_taken(action: str) -> None:
    assert read(Action, action) == action


@pytest.mark.parametrize("action", ["", "Read", "*", "7", "-a", "a b", "read\n", "a" * 33, "réad"])
def test_action_when_not_a_word_is_refused(action: str) -> None:
    assert refused(Action, action)


@pytest.mark.parametrize("address", ["Alice@Contoso.Example", "ALICE@CONTOSO.EXAMPLE", "alice@contoso.example"])
def test_email_when_read_is_in_lower_case(address: str) -> None:
    assert read(Email, address) == "alice@contoso.example"


@pytest.mark.parametrize(
    "address", ["a@b", "a.b+c@d-e.example", "o_o@x.example", "o'brien@x.example", "a" * 64 + "@x.example"]
)
def test_email_when_it_is_an_address_is_taken(address: str) -> None:
    assert read(Email, address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a b@c",
        "a@b c",
        "a@b\n",
        "\na@b",
        "<a@b>",
        '"a"@b',
        "a" * 65 + "@b",
        "a@" + "b" * 256,
    ],
)
def test_email_when_it_is_no_address_is_refused(address: str) -> None:
    assert refused(Email, address)


@pytest.mark.parametrize(
    "address", ["a,b@c.example", "a@b.example,c@d.example", "a;b@c", "(a)b@c", "a@b(c)", "g:a@b", "a@b;", "a\\b@c"]
)
def test_email_when_a_mail_header_would_read_it_otherwise_is_refused(address: str) -> None:
    assert refused(Email, address)


def test_email_when_it_has_control_or_direction_characters_is_refused() -> None:
    hostile = [one for one in CONTROLS + list(BIDI_CONTROLS) if not refused(Email, f"a{one}b@c.example")]
    assert [f"U+{ord(one):04X}" for one in hostile] == []


@pytest.mark.parametrize("key", ["k", "566924bd-d58b-45eb-a91f-e689a1d37c43", "!~", "x" * 255])
def test_idempotency_key_when_printable_is_taken(key: str) -> None:
    assert read(IdempotencyKey, key) == key


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "ä", "x" * 256, "a\u0000", "\x7f"])
def test_idempotency_key_when_not_printable_is_refused(key: str) -> None:
    assert refused(IdempotencyKey, key)


def test_uuid_when_in_its_canonical_form_is_taken() -> None:
    assert read(Uuid, "566924bd-d58b-45eb-a91f-e689a1d37c43") == "566924bd-d58b-45eb-a91f-e689a1d37c43"


@pytest.mark.parametrize(
    "text",
    [
        "566924BD-D58B-45EB-A91F-E689A1D37C43",
        "566924bdd58b45eba91fe689a1d37c43",
        "{566924bd-d58b-45eb-a91f-e689a1d37c43}",
        "urn:uuid:566924bd-d58b-45eb-a91f-e689a1d37c43",
        "566924bd-d58b-45eb-a91f-e689a1d37c43\n",
        "566924bd-d58b-45eb-a91f-e689a1d37c4",
        "",
    ],
)
def test_uuid_when_in_another_form_is_refused(text: str) -> None:
    assert refused(Uuid, text)


# --- flags and counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, False])
def test_flag_when_true_or_false_is_taken(value: bool) -> None:
    assert read(Flag, value) is value


@pytest.mark.parametrize("value", ["true", "false", "on", "", 1, 0, 1.0, None, [], {}])
def test_flag_when_it_merely_looks_like_one_is_refused(value: object) -> None:
    assert refused(Flag, value)


@pytest.mark.parametrize("value", [0, 1, -1, 10, 2**53 - 1])
def test_count_when_a_whole_number_is_taken(value: int) -> None:
    assert read(Count, value) == value


@pytest.mark.parametrize("value", ["1", "", True, False, 1.0, 1.5, None, [1], "one"])
def test_count_when_it_merely_looks_like_one_is_refused(value: object) -> None:
    assert refused(Count, value)


@pytest.mark.parametrize("value", [2**53, -(2**53), 10**400], ids=["2^53", "-2^53", "10^400"])
def test_count_when_json_cannot_hold_it_exactly_is_refused(value: int) -> None:
    assert refused(Count, value)


# --- numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "number"), [("7", 7), ("0", 0), ("-3", -3), (7, 7), ("200", 200)])
def test_number_when_it_is_its_digits_is_read(value: object, number: int) -> None:
    assert NumberField().deserialize(value) == number


@pytest.mark.parametrize(
    "value",
    [
        "1_0",
        "+7",
        " 7",
        "7 ",
        "07",
        "7.0",
        "7e0",
        "\u0667",
        "\uff17",
        "",
        "-",
        "-0x1",
        "0b1",
        "9" * 16,
        "9" * 5_000,
        True,
        7.0,
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_number_when_it_is_written_in_another_way_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        NumberField().deserialize(value)
