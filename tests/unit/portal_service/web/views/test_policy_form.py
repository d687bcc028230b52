from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.portal_service.web.portal import POLICY

from lockbox.contracts.policy.document import BreakGlass, Condition, Rule
from lockbox.errors import Invalid
from portal_service.web.shell.forms import Form
from portal_service.web.views.policy_form import form_of, needs_confirmation, settings_of

NIGHT = Rule(name="At night", then="auto_deny", when=Condition(actions=("export",)))


def typed(**changes: str | None) -> Form:
    form = form_of(POLICY)
    values = {**form.typed, **{name: value for name, value in changes.items() if value is not None}}
    return Form({name: value for name, value in values.items() if changes.get(name, "") is not None}, form.key)


def test_form_that_was_not_changed_leaves_the_policy_as_it_is() -> None:
    assert settings_of(POLICY, form_of(POLICY)).settings() == POLICY.settings()


def test_form_shows_durations_as_people_type_them() -> None:
    form = form_of(replace(POLICY, maximum_duration=timedelta(minutes=90)))
    assert (form.text("maximum_duration"), form.text("version")) == ("1h 30m", "3")


@pytest.mark.parametrize("name", ["audit_only", "four_eyes", "comment_on_denial"])
def test_switch_that_is_ticked_is_on(name: str) -> None:
    settings = settings_of(replace(POLICY, require_approval=False), typed(**{name: "on", "require_approval": None}))
    assert getattr(settings, name) is True


def test_switch_that_is_not_sent_is_off() -> None:
    assert settings_of(POLICY, typed(require_approval=None)).require_approval is False


def test_form_keeps_the_settings_that_it_does_not_show() -> None:
    policy = replace(POLICY, rules=(NIGHT,))
    settings = settings_of(policy, typed(maximum_total="2d", break_glass_allowed="on", break_glass="30 min"))
    assert (settings.rules, settings.stages) == (policy.rules, policy.stages)
    assert settings.maximum_total == timedelta(days=2)
    assert settings.break_glass == BreakGlass(allowed=True, duration=timedelta(minutes=30))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("maximum_duration", "25h"),
        ("request_lifetime", "soon"),
        ("service_request_pattern", "nonsense"),
        ("break_glass", ""),
    ],
)
def test_value_that_can_not_be_names_its_field(field: str, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        settings_of(POLICY, typed(**{field: text}))
    assert refused.value.faults[0]["field"].split(".")[0] == field


@pytest.mark.parametrize(
    ("before", "after", "asks"),
    [
        ({"require_approval": True}, {"require_approval": False}, True),
        ({"require_approval": False}, {"require_approval": True}, False),
        ({"require_approval": False}, {"require_approval": False, "audit_only": True}, True),
        ({"require_approval": False, "audit_only": True}, {"require_approval": False, "audit_only": True}, False),
        ({}, {"comment_on_denial": True}, False),
    ],
)
def test_change_that_opens_access_with_fewer_people_is_confirmed(
    before: dict[str, Any], after: dict[str, Any], *, asks: bool
) -> None:
    assert needs_confirmation(replace(POLICY, **before), replace(POLICY, **after)) is asks
