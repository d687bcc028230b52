"""The policies of docs/policy.md: each is valid, and does what the page says of it."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.unit.builders import terms

from approval_service.domain.people import People, Person
from approval_service.domain.policy.evaluation import Evaluation, PolicyInput, evaluate
from approval_service.domain.policy.validation import check
from lockbox.contracts import wire
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.request.terms import ReasonCode, Severity
from portal_service.api.schemas import json_schema

DOCS = Path(__file__).parents[3] / "docs"
FILES = sorted((DOCS / "policies").glob("*.json"))
ROLES = {
    "vendor": {"erin": "engineer", "victor": "vendor_approver", "vince": "vendor_approver"},
    "contoso": {
        **dict.fromkeys(("alice", "lea", "luis", "sam", "sara"), "customer_approver"),
        **dict.fromkeys(("carol", "ada"), "customer_admin"),
    },
}
PEOPLE = People.of(
    "contoso",
    [
        Person(f"{name}@{organisation}.example", organisation, frozenset({role}))
        for organisation, people in ROLES.items()
        for name, role in people.items()
    ],
)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)  # 10:00 in Berlin


def load(number: str) -> PolicySettings:
    [file] = [file for file in FILES if file.name.startswith(number)]
    return wire.decode(PolicySettings, json.loads(file.read_text()))


def made_of(number: str, now: datetime = TUESDAY, **changes: Any) -> Evaluation:
    asked = terms(**{"duration": timedelta(hours=1), **changes})
    return evaluate(load(number), PolicyInput(asked, "erin@vendor.example", now))


def stages(number: str, now: datetime = TUESDAY, **changes: Any) -> list[str]:
    made = made_of(number, now, **changes)
    return [stage.name for stage in made.stages] or [made.outcome]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_worked_policy_when_checked_is_valid_by_schema_and_by_rules(file: Path) -> None:
    document = json.loads(file.read_text())
    Draft202012Validator(json_schema("Policy", PolicySettings)).validate(document)
    check(wire.decode(PolicySettings, document), PEOPLE)


def test_worked_policies_when_counted_are_all_on_the_page_and_at_least_eight() -> None:
    page = (DOCS / "policy.md").read_text()
    linked = set(re.findall(r"\(policies/([\w-]+\.json)\)", page))
    assert linked == {file.name for file in FILES}
    assert len(FILES) >= 8


def test_small_shop_when_asked_lets_one_approver_decide_and_the_vendor_not() -> None:
    assert stages("01") == ["Customer"]
    assert made_of("01", duration=timedelta(hours=3)).outcome == "deny"


def test_bank_when_asked_needs_legal_and_two_of_security() -> None:
    assert stages("02") == ["Vendor", "Legal and security"]
    groups = made_of("02").stages[1].groups
    assert [(group.name, group.approvals) for group in groups] == [("Legal", 1), ("Security", 2)]
    assert made_of("02", service_request="SR-1").outcome == "deny"


@pytest.mark.parametrize(
    ("hour", "awake"),
    [(7, "Europe is awake"), (14, "Europe is awake"), (16, "Americas are awake"), (2, "Asia is awake")],
)
def test_follow_the_sun_when_asked_adds_those_who_are_awake(hour: int, awake: str) -> None:
    assert stages("03", TUESDAY.replace(hour=hour)) == ["Vendor", "Duty manager", awake]


def test_audit_only_when_asked_opens_and_never_for_deletions() -> None:
    assert stages("04") == ["approve"]
    assert made_of("04", actions=("read", "delete")).rule == "Never delete"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2026, 12, 1, 9, tzinfo=UTC), ["Vendor"]),
        (datetime(2026, 12, 15, 9, tzinfo=UTC), ["Vendor", "Customer"]),
        (datetime(2026, 12, 29, 9, tzinfo=UTC), ["deny"]),
        (datetime(2027, 1, 4, 6, tzinfo=UTC), ["Vendor"]),
    ],
)
def test_quarters_end_when_asked_then(day: datetime, expected: list[str]) -> None:
    assert stages("05", day) == expected


def test_hospital_when_asked_for_patients_adds_data_protection() -> None:
    assert stages("06") == ["Vendor", "Customer"]
    assert stages("06", resources=("patients/17",)) == ["Vendor", "Customer", "Data protection"]
    assert stages("06", resources=("*/17",)) == ["Vendor", "Customer", "Data protection"]
    assert load("06").break_glass.allowed


def test_consent_in_advance_when_all_of_it_fits_leaves_the_vendor_alone() -> None:
    logs = {"resources": ("logs/app/1", "metrics/cpu")}
    assert stages("07", **logs) == ["Vendor"]
    assert stages("07", resources=("logs/app/1", "mailbox/alice")) == ["Vendor", "Customer"]
    assert stages("07", **logs, duration=timedelta(hours=2)) == ["Vendor", "Customer"]
    assert stages("07", TUESDAY.replace(hour=16, minute=30), **logs) == ["Vendor", "Customer"]
    assert stages("07", reason_code=ReasonCode.THIRD_PARTY_DATA_REQUEST) == ["deny"]


def test_vendor_decides_when_asked_needs_two_of_the_vendor() -> None:
    assert stages("08") == ["Vendor"]
    assert made_of("08").stages[0].groups[0].approvals == 2


def test_by_content_when_asked_adds_whom_it_concerns() -> None:
    assert stages("09") == ["Vendor", "Customer"]
    assert stages("09", resources=("payroll/2026/may",)) == ["Vendor", "Customer", "Personnel"]
    assert stages("09", resources=("mailbox/*",)) == ["Vendor", "Customer", "Board office"]
    assert stages("09", duration=timedelta(hours=3)) == ["Vendor", "Customer", "Long access"]


def test_incidents_when_critical_and_known_are_agreed_to_and_at_night_refused() -> None:
    alert = {"severity": Severity.CRITICAL, "reason_code": ReasonCode.VENDOR_RESPONSE_TO_PRODUCTION_ALERT}
    assert stages("10", **alert) == ["Vendor"]
    assert stages("10", **alert, actions=("write",)) == ["Vendor", "Customer"]
    assert stages("10", TUESDAY.replace(hour=22)) == ["deny"]
    assert stages("10", TUESDAY.replace(hour=22), severity=Severity.HIGH) == ["Vendor", "Customer"]
