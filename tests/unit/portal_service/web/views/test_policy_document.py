import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.portal_service.web.portal import POLICY

from lockbox.contracts.policy.document import DEFAULT_SETTINGS, Condition, Rule
from lockbox.errors import Invalid
from lockbox.faults import Fault
from portal_service.web.views.policy_document import document_of, faults_of_document, settings_in

NIGHT = Rule(name="At night", then="auto_deny", when=Condition(actions=("export",)), comment="Not without us.")
MINIMAL: dict[str, Any] = {"require_approval": True, "stages": json.loads(document_of(DEFAULT_SETTINGS))["stages"]}


def refused(document: str, tenant: str = "contoso") -> Invalid:
    with pytest.raises(Invalid) as error:
        settings_in(document, tenant)
    return error.value


def test_document_holds_the_settings_that_it_was_made_of() -> None:
    policy = replace(POLICY, rules=(NIGHT,), maximum_duration=timedelta(hours=5))
    assert settings_in(document_of(policy), "contoso").settings() == policy.settings()


def test_document_leaves_out_fields_that_are_not_set() -> None:
    [rule] = json.loads(document_of(replace(POLICY, rules=(NIGHT,))))["rules"]
    assert rule["when"] == {"actions": ["export"]}


def test_document_as_the_api_shows_a_policy_can_be_sent_back() -> None:
    shown = {**MINIMAL, "tenant": "contoso", "version": 3, "changed_at": "x", "changed_by": "y", "proposal": None}
    assert settings_in(json.dumps(shown), "contoso").require_approval is True


def test_document_without_a_setting_takes_its_default() -> None:
    assert settings_in(json.dumps(MINIMAL), "contoso").maximum_duration == DEFAULT_SETTINGS.maximum_duration


def test_document_has_to_say_whether_and_by_whom_access_is_approved() -> None:
    faults = {fault["field"]: fault["expected"] for fault in refused("{}").faults}
    assert faults == {"require_approval": "a value", "stages": "a value"}


def test_document_of_another_tenant_is_refused() -> None:
    [fault] = refused(json.dumps({**MINIMAL, "tenant": "fabrikam"})).faults
    assert fault["field"] == "tenant"
    assert fault["expected"].startswith("contoso")


@pytest.mark.parametrize("document", ["", '{"require_approval": tru', "[" * 100_000], ids=["empty", "cut", "deep"])
def test_document_that_is_not_json_is_refused(document: str) -> None:
    assert refused(document).code == "malformed_json"


def test_document_with_a_setting_twice_is_refused_by_name() -> None:
    error = refused('{"require_approval": true, "stages": [], "require_approval": false}')
    assert (error.code, [fault["field"] for fault in error.faults]) == ("repeated_field", ["require_approval"])


@pytest.mark.parametrize("document", ["[]", "1", '"x"', "null"])
def test_document_that_is_no_object_is_refused(document: str) -> None:
    assert refused(document).faults


def test_document_with_faults_names_each_of_them() -> None:
    stage = {**MINIMAL["stages"][0], "side": "NOBODY"}
    faults = refused(json.dumps({**MINIMAL, "maximum_duration": "PT25H", "stages": [stage], "unknown": 1})).faults
    assert {fault["field"] for fault in faults} >= {"maximum_duration", "stages.0.side", "unknown"}


def test_faults_of_a_trial_are_told_apart_from_those_of_its_document() -> None:
    faults = [
        Fault(field="policy.stages.1.groups.0.approvals", expected="so many people"),
        Fault(field="terms.resources.0", expected="a resource"),
        Fault(field="stages.0.side", expected="a side"),
    ]
    assert [fault["field"] for fault in faults_of_document(faults)] == [
        "stages.1.groups.0.approvals",
        "stages.0.side",
    ]
