"""Codes of faults and their English."""

import json
from string import Formatter

import pytest

from lockbox.faults import FAULTS, Expected


@pytest.mark.parametrize(
    ("code", "params", "text"),
    [
        ("not_one_of", {"choices": ["approve", "deny"]}, "one of approve, deny"),
        ("person_without_role", {"roles": ["a", "b"]}, "somebody who is a or b"),
        (
            "no_stage_of_side",
            {"side": "CUSTOMER", "require_approval": True},
            "a stage of the customer, as require_approval is true",
        ),
        ("freezes_overlap", {"name": "Year's end"}, 'a time that does not overlap with "Year\'s end"'),
        ("wrong_count", {"least": 1, "most": 100, "of": "resources"}, "1 to 100 resources"),
    ],
)
def test_expected_when_it_has_parameters_names_them_in_english(code: str, params: dict[str, object], text: str) -> None:
    expected = Expected(code, **params)
    assert (expected.text, expected.params) == (text, params)


def test_fault_when_nothing_was_received_has_no_such_member() -> None:
    fault = Expected("missing").fault("tenant")
    assert json.loads(json.dumps(fault)) == {"field": "tenant", "code": "missing", "expected": "a value", "params": {}}


def test_fault_when_null_was_received_says_so() -> None:
    assert Expected("null").fault("tenant", None)["received"] == "None"


def test_expected_when_the_code_is_unknown_is_refused() -> None:
    with pytest.raises(KeyError, match="no_such_code"):
        Expected("no_such_code")


@pytest.mark.parametrize("params", [{}, {"most": 7, "least": 1}, {"longest": 7}])
def test_expected_when_the_parameters_are_not_those_of_the_code_is_refused(params: dict[str, int]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Expected("too_long", **params)


@pytest.mark.parametrize("code", FAULTS)
def test_code_when_it_has_parameters_names_each_by_a_word(code: str) -> None:
    names = [name for _, name, _, _ in Formatter().parse(FAULTS[code]) if name is not None]
    assert all(name.isidentifier() for name in names)
