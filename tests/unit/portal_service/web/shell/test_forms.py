from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from lockbox.contracts.fields import KeyField, parse_duration
from lockbox.errors import Conflict, Fault, Forbidden, Invalid
from lockbox.values.timestamps import parse_timestamp
from portal_service.web.shell import forms
from portal_service.web.shell.forms import Form

APP = Flask(__name__)


def sent(**typed: Any) -> Form:
    with APP.test_request_context(method="POST", data=typed):
        return Form.sent()


def refused(form: Form, *faults: Fault) -> Form:
    return form.refused(Invalid("invalid_x", "x", list(faults)))


# --- the form that was sent ----------------------------------------------------------------------------------------


def test_fresh_form_has_a_key_of_its_own() -> None:
    assert Form.fresh().key != Form.fresh().key
    assert KeyField.pattern.fullmatch(Form.fresh().key)


def test_sent_form_keeps_the_key_that_makes_it_count_once() -> None:
    form = sent(idempotency_key="k-1", comment="x")
    assert (form.key, dict(form.typed)) == ("k-1", {"comment": "x"})


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "\u00e4"])
def test_sent_form_with_a_malformed_key_gets_another(key: str) -> None:
    form = sent(idempotency_key=key)
    assert form.key != key
    assert KeyField.pattern.fullmatch(form.key)


def test_sent_form_has_boxes_of_one_name_on_lines_of_their_own() -> None:
    form = sent(actions=["read", "export"], comment="a\r\nb")
    assert form.text("actions") == "read\nexport"
    assert form.text("comment") == "a\nb"


def test_text_of_a_field_has_no_spaces_around_it() -> None:
    assert Form.fresh(comment="  x ").text("comment") == "x"
    assert Form.fresh().text("comment") == ""


def test_box_that_the_sent_form_did_not_have_is_ticked() -> None:
    assert Form.fresh().ticks("actions", "read")
    form = sent(asked_actions="read\nexport", actions=["read"])
    assert form.ticks("actions", "read")
    assert not form.ticks("actions", "export")


# --- faults --------------------------------------------------------------------------------------------------------


def test_refused_form_keeps_its_typed_values_and_its_key() -> None:
    fault = Fault(field="duration", expected="a duration", received="SOON")
    form = refused(Form({"duration": "soon"}, "k-1"), fault)
    assert (form.text("duration"), form.key) == ("soon", "k-1")
    assert form.faults == {"duration": ("Expected a duration.",)}
    assert form.problem == ""


@pytest.mark.parametrize("part", ["terms", "settings", "changes", "policy"])
def test_fault_within_a_part_of_the_message_stands_beside_its_field(part: str) -> None:
    form = refused(
        Form.fresh(),
        Fault(field=f"{part}.duration", expected="at most PT2H", code="duration_too_long", params={"most": "PT2H"}),
    )
    assert form.faults == {"duration": ("Expected at most 2 hours.",)}


def test_fault_of_one_item_names_the_item() -> None:
    expected = "a resource such as mailbox/alice"
    form = refused(Form.fresh(), Fault(field="terms.resources.1", expected=expected, received="nothing"))
    assert form.faults == {"resources": ("“nothing”: expected a resource such as mailbox/alice.",)}


def test_faults_of_one_field_stand_together() -> None:
    faults = [Fault(field=f"terms.resources.{at}", expected="a resource", received=f"r{at}") for at in (0, 2)]
    expected = ("“r0”: expected a resource.", "“r2”: expected a resource.")
    assert refused(Form.fresh(), *faults).faults == {"resources": expected}


def test_fault_of_an_unknown_field_stands_under_its_own_name() -> None:
    assert refused(Form.fresh(), Fault(field="body", expected="an object")).faults == {"body": ("Expected an object.",)}


def test_refusal_without_faults_is_the_problem_of_the_form() -> None:
    form = Form.fresh().refused(Forbidden("not_requester", "only the requester answers"))
    assert (form.problem, form.faults) == ("Only the engineer who asked can do this.", {})


def test_form_after_a_conflict_is_another_command() -> None:
    form = Form({}, "k-1")
    refused = form.refused(Conflict("request_cancelled", "this request is CANCELLED"))
    assert refused.key != "k-1"
    assert refused.problem == "This request is cancelled; nothing can change that."
    assert form.refused(Forbidden("role_required", "no")).key == "k-1"


def test_changed_form_keeps_its_typed_values_and_is_another_command() -> None:
    form = Form({"comment": "x"}, "k-1").changed("It has changed.")
    assert (form.text("comment"), form.problem) == ("x", "It has changed.")
    assert form.key != "k-1"


# --- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "duration"),
    [
        ("4h", timedelta(hours=4)),
        ("4 hours", timedelta(hours=4)),
        ("1h 30m", timedelta(minutes=90)),
        ("90 minutes", timedelta(minutes=90)),
        ("90 MIN", timedelta(minutes=90)),
        ("40 min", timedelta(minutes=40)),
        ("1:30", timedelta(minutes=90)),
        ("1 day 2 hrs", timedelta(hours=26)),
        ("45 secs", timedelta(seconds=45)),
        ("PT4H", timedelta(hours=4)),
        ("pt1h30m", timedelta(minutes=90)),
    ],
)
def test_duration_is_read_as_people_type_it(typed: str, duration: timedelta) -> None:
    assert parse_duration(forms.as_duration(typed)) == duration


@pytest.mark.parametrize("typed", ["soon", "-1h", "1h30", "1:3", "1:60", "1:75", "١h", "٤:٣٠", "4 fortnights"])
def test_duration_of_other_text_is_left_for_the_service_to_judge(typed: str) -> None:
    assert forms.as_duration(typed) == typed.upper()
    with pytest.raises(ValueError, match=r".+"):
        parse_duration(forms.as_duration(typed))


def test_no_duration_stays_none() -> None:
    assert forms.as_duration("  ") == ""


@given(st.text(max_size=30))
def test_any_text_is_taken_by_every_reader_of_values(text: str) -> None:
    assert isinstance(forms.as_duration(text), str)
    assert isinstance(forms.as_count(text), int | str)
    assert all(line.strip() for line in forms.as_lines(text))
    assert all(forms.as_list(text))


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-01-31T09:30", "2026-01-31T09:30:00Z"),
        ("2026-01-31 09:30", "2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:15", "2026-01-31T09:30:15Z"),
        ("2026-01-31T09:30:15.5", "2026-01-31T09:30:15.5Z"),
    ],
)
def test_local_moment_of_a_browser_is_taken_as_utc(typed: str, moment: str) -> None:
    assert forms.as_moment(typed) == moment
    assert parse_timestamp(moment)


def test_moment_of_any_other_text_is_left_for_the_service_to_judge() -> None:
    assert forms.as_moment("2026-01-31T09:30:00+01:00") == "2026-01-31T09:30:00+01:00"
    assert forms.as_moment("tomorrow") == "tomorrow"
    assert forms.as_moment("  ") is None


def test_lines_and_lists_are_split_without_empty_parts() -> None:
    assert forms.as_lines(" mailbox/alice \n\n mailbox/bob\n") == ["mailbox/alice", "mailbox/bob"]
    assert forms.as_list(" read, export;list  delete,") == ["read", "export", "list", "delete"]


@pytest.mark.parametrize(
    ("text", "count"), [("3", 3), ("003", 3), ("", ""), ("-1", "-1"), ("1e3", "1e3"), ("²", "²"), ("9" * 10, "9" * 10)]
)
def test_count_is_a_whole_number_or_the_text_as_it_is(text: str, count: int | str) -> None:
    assert forms.as_count(text) == count
