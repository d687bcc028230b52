"""`lockbox policy test`."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.builders import NOW, policy, terms
from tests.unit.lockbox.cli.commands import fails, run, sent, table, works
from tests.unit.lockbox.fake_portal import FakePortal

from approval_service.domain.people import People, Person
from approval_service.domain.policy.evaluation import PolicyInput, evaluate
from approval_service.domain.policy.policy import forecast
from lockbox.contracts import wire

TRIAL = "POST /api/v1/tenants/contoso/policy/evaluate"
SAMPLE = {"service_request": "SR-1", "actions": ["read"]}
KNOWN = [
    Person("alice@contoso.example", "contoso", frozenset({"customer_approver"})),
    Person("ann@contoso.example", "contoso", frozenset({"customer_approver"})),
    Person("victor@vendor.example", "vendor", frozenset({"vendor_approver"})),
]

pytestmark = pytest.mark.usefixtures("signed_in")


def forecasted(version: int | None = 1, **asked: Any) -> dict[str, Any]:
    what = terms(**asked)
    evaluation = evaluate(policy(), PolicyInput(what, "erin@vendor.example", NOW))
    return wire.encode(forecast(evaluation, what, People.of("contoso", KNOWN), "erin@vendor.example", version))


def test_trial_when_people_decide_shows_the_stages_and_who_could(portal: FakePortal) -> None:
    portal.says(TRIAL, forecasted())
    said = works("policy", "test", "contoso", "--request", "-", text=json.dumps(SAMPLE))
    assert sent(portal, TRIAL) == {"request": {"tenant": "contoso", **SAMPLE}}
    assert [line.split(maxsplit=1) for line in map(str.strip, said.split("\n\n")[0].splitlines())] == [
        ["Outcome", "decide"],
        ["Reasons", "-"],
        ["Rule", "-"],
        ["Duration", "PT4H"],
        ["Under", "version 1"],
    ]
    assert [(row[1], row[4], row[-1]) for row in table(said, "STAGE")] == [
        ("Vendor", "Vendor approvers", "victor@vendor.example"),
        ("Customer", "Approvers", "alice@contoso.example, ann@contoso.example"),
    ]


def test_trial_when_the_policy_denies_says_why_and_shows_no_stages(portal: FakePortal) -> None:
    portal.says(TRIAL, forecasted(duration=timedelta(hours=5)))
    said = works("policy", "test", "contoso", "--request", "-", text="{}")
    assert "the tenant's policy allows at most PT4H" in said
    assert "STAGE" not in said


def test_trial_when_everything_is_given_sends_it(
    portal: FakePortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    portal.says(TRIAL, forecasted(version=None))
    Path("sample.json").write_text(json.dumps(SAMPLE | {"tenant": "fabrikam"}))
    Path("policy.json").write_text('{"rules": []}')
    options = ("--requester", "eve@vendor.example", "--at", "2026-02-01T00:00:00Z")
    said = works("policy", "test", "contoso", "--request", "sample.json", "--file", "policy.json", *options)
    assert sent(portal, TRIAL) == {
        "request": SAMPLE | {"tenant": "fabrikam"},
        "requester": "eve@vendor.example",
        "at": "2026-02-01T00:00:00Z",
        "policy": {"rules": []},
    }
    assert "Under     policy.json\n" in "\n".join(map(str.rstrip, said.splitlines()))


@pytest.mark.parametrize(
    ("asked", "expected", "code"),
    [
        ({}, "decide", 0),
        ({}, "approve", 3),
        ({}, "deny", 3),
        ({"duration": timedelta(hours=5)}, "deny", 0),
        ({"duration": timedelta(hours=5)}, "decide", 3),
    ],
)
def test_trial_when_an_outcome_is_expected_ends_with_a_code_for_scripts(
    portal: FakePortal, asked: dict[str, Any], expected: str, code: int
) -> None:
    found = forecasted(**asked)
    portal.says(TRIAL, found)
    done = run("policy", "test", "contoso", "--request", "-", "--expect", expected, "--json", text="{}")
    assert done.exit_code == code
    assert json.loads(done.stdout) == found
    assert done.stderr == (f"lockbox: expected {expected}, not {found['outcome']}\n" if code else "")


def test_trial_when_no_such_outcome_exists_says_which_do(portal: FakePortal) -> None:
    done = run("policy", "test", "contoso", "--request", "-", "--expect", "allow", text="{}")
    assert (done.exit_code, "approve" in done.stderr) == (2, True)
    assert portal.requests == []


def test_trial_when_the_policy_can_not_be_in_force_shows_every_fault(portal: FakePortal) -> None:
    faults = [{"field": "rules.0.stage", "expected": "a stage"}, {"field": "stages", "expected": "a stage"}]
    refusal = {"detail": "rules.0.stage: expected a stage", "code": "policy_rule_incomplete", "errors": faults}
    portal.says(TRIAL, refusal, status=422)
    said = fails("policy", "test", "contoso", "--request", "-", text="{}")
    assert said.splitlines()[1:] == ["  rules.0.stage: expected a stage", "  stages: expected a stage"]
