from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.request.terms import ReasonCode, RequestState
from lockbox.values.timestamps import parse_timestamp
from portal_service.web.shell.forms import as_duration
from portal_service.web.wording import words

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
DURATIONS = st.integers(0, 30 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "spoken", "compact"),
    [
        (0, "0 seconds", "0s"),
        (1, "1 second", "1s"),
        (61, "1 minute 1 second", "1m 1s"),
        (5_400, "1 hour 30 minutes", "1h 30m"),
        (14_400, "4 hours", "4h"),
        (86_400, "1 day", "1d"),
        (2 * 86_400 + 3_600, "2 days 1 hour", "2d 1h"),
    ],
)
def test_duration_has_a_spoken_and_a_compact_form(seconds: int, spoken: str, compact: str) -> None:
    duration = timedelta(seconds=seconds)
    assert (words.spoken(duration), words.compact(duration)) == (spoken, compact)


@given(DURATIONS)
def test_compact_duration_is_read_back_by_the_form(duration: timedelta) -> None:
    code = as_duration(words.compact(duration))
    assert words.spoken_within(code) == words.spoken(duration)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "ended"),
        (0, "ended"),
        (1, "1 s"),
        (59, "59 s"),
        (60, "1 min 00 s"),
        (899, "14 min 59 s"),
        (3_600, "1 h 00 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d 0 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_remaining_time_has_its_two_largest_units(seconds: int, text: str) -> None:
    assert words.remaining(NOON + timedelta(seconds=seconds), NOON) == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("longer than PT4H", "longer than 4 hours"),
        ("at most P1DT12H, until 2026-01-31T09:30:00.1Z", "at most 1 day 12 hours, until 2026-01-31 09:30:00 UTC"),
        ("PT", "PT"),
        ("SPORT1H", "SPORT1H"),
        ("P1M", "P1M"),
        ("nothing here", "nothing here"),
    ],
)
def test_codes_within_a_text_are_spoken(text: str, spoken: str) -> None:
    assert words.spoken_within(text) == spoken


def test_moment_is_shown_to_the_second_or_to_the_minute() -> None:
    at = parse_timestamp("2026-01-31T09:30:59.9Z")
    assert (words.moment(at), words.minute(at)) == ("2026-01-31 09:30:59", "2026-01-31 09:30")


@pytest.mark.parametrize("state", [*RequestState, *GrantState, "PENDING", "APPROVED", "LAPSED"])
def test_state_has_words_and_a_tone(state: str) -> None:
    assert words.state(state)
    assert "_" not in words.state(state)
    assert words.tone(state) in {"waiting", "good", "bad", "info", "quiet"}


@pytest.mark.parametrize(
    ("state", "text", "tone"),
    [
        ("PENDING_VENDOR", "Pending vendor", "waiting"),
        ("INFO_REQUESTED", "Information requested", "waiting"),
        ("DENIED", "Denied", "bad"),
        ("CANCELLED", "Cancelled", "quiet"),
        ("REVOKED", "Revoked", "bad"),
        ("ACTIVE", "Active", "good"),
        ("SOMETHING_NEW", "Something new", "quiet"),
    ],
)
def test_state_is_shown_in_words(state: str, text: str, tone: str) -> None:
    assert (words.state(state), words.tone(state)) == (text, tone)


@pytest.mark.parametrize("reason", ReasonCode)
def test_reason_has_words(reason: ReasonCode) -> None:
    assert reason in words.REASONS
    assert "_" not in words.reason(reason)


def test_codes_without_words_are_shown_plainly() -> None:
    assert words.reason("SOME_OTHER") == "Some other"
    assert words.side("AUDITOR") == "Auditor"
    assert words.opened("by_magic") == "By magic"
    assert words.plain("grant_completed") == "Grant completed"


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("tenant", "Customer"),
        ("starts_at", "Start"),
        ("maximum_duration", "Maximum duration"),
        ("break_glass", "Break-glass"),
    ],
)
def test_field_has_the_label_of_its_form(field: str, label: str) -> None:
    assert words.label(field) == label


@pytest.mark.parametrize(
    ("opened", "text"),
    [
        ("approval", "By approval"),
        ("policy", "By the policy, without people"),
        ("break_glass", "By break-glass, without the customer"),
    ],
)
def test_grant_shows_how_it_was_opened(opened: str, text: str) -> None:
    assert words.opened(opened) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [("customer_approver", "any customer approver"), ("alice@contoso.example", "alice@contoso.example")],
)
def test_member_of_a_group_is_a_person_or_a_role(name: str, text: str) -> None:
    assert words.member(name) == text


def test_organisation_is_the_vendor_or_a_tenant() -> None:
    assert (words.organisation("vendor"), words.organisation("contoso")) == ("Vendor", "contoso")


@pytest.mark.parametrize(("count", "text"), [(0, "0 approvals"), (1, "1 approval"), (2, "2 approvals")])
def test_number_of_things_has_its_plural(count: int, text: str) -> None:
    assert words.counted(count, "approval") == text


@pytest.mark.parametrize(
    ("names", "text"), [(["read"], "read"), (["read", "list"], "read and list"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed_in_text(names: list[str], text: str) -> None:
    assert words.listed(names) == text
