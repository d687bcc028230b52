"""Faults in words: by code and parameters, never by the service's English."""

from string import Formatter

import pytest

from lockbox.errors import Conflict, Fault, Invalid, invalid
from lockbox.faults import FAULTS as ENGLISH
from lockbox.faults import Expected
from portal_service.web.wording.faults import FAULTS, expected, explain
from portal_service.web.wording.refusals import details, unchanged

EVENTS_ALONE = {"wrong_content_type", "wrong_header"}
"""Codes of parked messages, which no form can hold."""
SETTINGS_ALONE = {"not_an_origin", "password_without_tls"}
"""Codes of the settings of a guard or a service."""


@pytest.mark.parametrize("code", sorted(ENGLISH.keys() - EVENTS_ALONE - SETTINGS_ALONE))
def test_code_of_a_fault_has_wording_with_the_same_parameters(code: str) -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert names(FAULTS[code]) <= names(ENGLISH[code])


def test_wording_names_no_code_that_is_never_raised() -> None:
    assert FAULTS.keys() <= ENGLISH.keys()


@pytest.mark.parametrize(
    ("code", "params", "text"),
    [
        ("duration_too_long", {"most": "PT4H"}, "at most 4 hours"),
        (
            "longer_than_setting",
            {"setting": "maximum_duration", "most": "PT2H"},
            "at most maximum duration, 2 hours",
        ),
        (
            "start_out_of_range",
            {"earliest": "2026-01-31T09:30:00.000000Z", "days": 30},
            "a moment from 2026-01-31 09:30:00 UTC, within 30 days",
        ),
        (
            "person_without_role",
            {"roles": ["customer_approver", "customer_admin"]},
            "somebody who is customer approver or customer admin",
        ),
        (
            "no_stage_of_side",
            {"side": "CUSTOMER", "require_approval": True},
            "a stage of the customer, as require approval is on",
        ),
        ("not_of_resources", {"resources": ["a/b", "c/d"]}, "something of a/b, c/d"),
    ],
)
def test_fault_with_parameters_is_worded_for_people(code: str, params: dict[str, object], text: str) -> None:
    assert expected(Expected(code, **params).fault("field")) == text


def test_fault_when_the_english_says_something_else_is_worded_by_its_code() -> None:
    fault = Expected("not_a_duration").fault("duration") | {"expected": "une durée"}
    assert expected(fault) == "a duration such as 4h or 1h 30m"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(field="duration", expected="as it was said before"),
        Fault(field="duration", code="of_later", expected="as it was said before", params={}),
        Fault(field="duration", code="duration_too_long", expected="as it was said before", params={}),
        Fault(field="duration", code="duration_too_long", expected="as it was said before", params={"most": "4h"}),
    ],
)
def test_fault_of_another_version_shows_the_text_of_the_service(fault: Fault) -> None:
    assert expected(fault) == "as it was said before"


def test_fault_of_one_of_many_values_names_it() -> None:
    fault = Expected("not_a_resource").fault("terms.resources.1", "nothing")
    assert explain(fault).startswith("“nothing”: expected a resource such as")
    assert explain(Expected("missing").fault("terms.tenant")) == "Expected a value."


def test_details_of_an_error_with_faults_name_each_field() -> None:
    error = invalid("tenant", Expected("tenant_unknown"), "nowhere")
    assert details(error) == ("Customer: Expected the name of a customer.",)


def test_details_of_a_refusal_are_its_sentence() -> None:
    error = Conflict("grant_ended", "anything at all", params={"state": "REVOKED"})
    assert details(error) == ("This grant is revoked.",)
    assert unchanged(error) == "Nothing was changed. This grant is revoked."


def test_details_of_an_error_that_is_not_known_show_its_message() -> None:
    assert details(Invalid("of_later", "something new.")) == ("Something new.",)
