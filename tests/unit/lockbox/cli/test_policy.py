"""`lockbox policy get`, `put`, `schema`: a policy as people read it, as a document, and changed."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.builders import quorum
from tests.unit.lockbox.cli.commands import fails, sent, table, works
from tests.unit.lockbox.cli.documents import policy_of
from tests.unit.lockbox.fake_portal import FakePortal

from approval_service.domain.policy.policy import digest_of
from lockbox.contracts import wire
from lockbox.contracts.policy.document import (
    DEFAULT_SETTINGS,
    BreakGlass,
    Condition,
    Freeze,
    Group,
    Hours,
    PolicySettings,
    Rule,
    Side,
    StagePlan,
)

POLICY = "/api/v1/tenants/contoso/policy"
BOARD = StagePlan(
    name="Board",
    side=Side.CUSTOMER,
    groups=(
        Group(name="Admins", members=("customer_admin",), approvals=2),
        Group(name="Law", members=("lara@contoso.example",)),
    ),
)
NIGHT = Hours(since="18:00", until="08:00", time_zone="Europe/Berlin", days=("MO", "TU"))
RULES = (
    Rule(name="No exports", then="auto_deny", when=Condition(actions=("export",), access=NIGHT), comment="We do it."),
    Rule(name="Board", then="add_stage", stage=BOARD),
)
FREEZE = Freeze(
    name="Christmas",
    starts="2026-12-24T18:00",
    ends="2026-12-27T08:00",
    time_zone="Europe/Berlin",
    effect="no_access",
)
SHORTER = replace(DEFAULT_SETTINGS, maximum_duration=timedelta(hours=3), default_duration=timedelta(hours=3))

pytestmark = pytest.mark.usefixtures("signed_in")


def put(portal: FakePortal, *arguments: str, answer: dict[str, Any] | None = None, text: str | None = None) -> str:
    portal.says(f"GET {POLICY}", policy_of())
    portal.says(f"PUT {POLICY}", answer or policy_of())
    return works("policy", "put", "contoso", *arguments, text=text)


# --- reading -------------------------------------------------------------------------------------------------------


def test_get_when_there_is_everything_shows_it_all(portal: FakePortal) -> None:
    settings = {"stages": (*quorum(2), BOARD), "rules": RULES, "freezes": (FREEZE,)}
    portal.says(f"GET {POLICY}", policy_of(**settings, break_glass=BreakGlass(allowed=True), four_eyes=True))
    said = works("policy", "get", "contoso")
    lines = dict(line.rsplit("  ", 1) for line in map(str.rstrip, said.split("\n\n")[0].splitlines()))
    facts = {label.strip(): value.strip() for label, value in lines.items()}
    assert (facts["Tenant"], facts["Version"], facts["Maximum duration"]) == ("contoso", "1", "PT4H")
    assert facts["Require approval for all data access requests"] == "on"
    assert (facts["Audit only: nobody decides"], facts["Four eyes on a change of the policy"]) == ("off", "on")
    assert facts["Break-glass"] == "on, for PT1H at most"
    assert table(said, "STAGE  NAME") == [
        ["1", "Vendor", "VENDOR", "1", "Vendor approvers", "1", "vendor_approver"],
        ["2", "Customer", "CUSTOMER", "1", "Approvers", "2", "customer_approver"],
        ["3", "Board", "CUSTOMER", "1", "Admins", "2", "customer_admin"],
        ["3", "Board", "CUSTOMER", "1", "Law", "1", "lara@contoso.example"],
    ]
    board = "Board (CUSTOMER): 2 of Admins (customer_admin) and 1 of Law (lara@contoso.example)"
    assert table(said, "RULE") == [
        ["No exports", "auto_deny", "actions export; access MO, TU 18:00 to 08:00 Europe/Berlin", "-", "We do it."],
        ["Board", "add_stage", "always", board, "-"],
    ]
    assert table(said, "FREEZE") == [
        ["Christmas", "2026-12-24T18:00", "2026-12-27T08:00", "Europe/Berlin", "no_access"]
    ]


def test_get_when_there_is_little_shows_no_empty_parts(portal: FakePortal) -> None:
    portal.says(f"GET {POLICY}", policy_of())
    said = works("policy", "get", "contoso")
    assert [part for part in ("Rules", "Freezes", "Proposed") if f"\n{part}" in said] == []
    assert "Break-glass" in said


def test_get_when_a_change_is_proposed_names_the_commands_to_decide(portal: FakePortal) -> None:
    portal.says(f"GET {POLICY}", policy_of(SHORTER, four_eyes=True))
    said = works("policy", "get", "contoso")
    assert said.split("\nProposed\n")[1].splitlines() == [
        "carol@contoso.example proposed a change, 2026-01-31 09:35:00 UTC; another has to agree.",
        "See it:    lockbox policy diff contoso",
        f"Decide:    lockbox policy agree contoso {digest_of(SHORTER)}   (or reject)",
    ]


def test_get_when_json_is_wanted_prints_what_a_policy_may_say_alone(portal: FakePortal) -> None:
    portal.says(f"GET {POLICY}", policy_of(SHORTER, rules=RULES, four_eyes=True))
    document = json.loads(works("policy", "get", "contoso", "--json"))
    assert wire.decode(PolicySettings, document) == replace(DEFAULT_SETTINGS, rules=RULES, four_eyes=True)


def test_schema_is_printed_as_it_is(portal: FakePortal) -> None:
    portal.says("GET /api/v1/schemas/policy", {"type": "object"})
    assert json.loads(works("policy", "schema")) == {"type": "object"}


# --- changing ------------------------------------------------------------------------------------------------------


def test_put_when_settings_are_given_changes_them_alone(portal: FakePortal) -> None:
    put(portal, "require_approval=false", "break_glass.allowed=true", "request_lifetime=PT1H", "freezes=[]")
    changed = {"require_approval": False, "request_lifetime": "PT1H", "freezes": []}
    assert sent(portal, f"PUT {POLICY}") == {
        **policy_of(),
        **changed,
        "break_glass": {"allowed": True, "duration": "PT1H"},
    }


def test_put_when_done_says_which_version_is_in_force(portal: FakePortal) -> None:
    said = put(portal, "four_eyes=true", answer=policy_of() | {"version": 4})
    assert said == "Version 4 of contoso's policy is in force.\n"


def test_put_when_another_administrator_has_to_agree_says_so(portal: FakePortal) -> None:
    said = put(portal, "maximum_duration=PT3H", answer=policy_of(SHORTER, four_eyes=True)).splitlines()
    assert said[0] == "Version 1 of contoso's policy stays in force for now."
    assert said[-1] == f"Decide:    lockbox policy agree contoso {digest_of(SHORTER)}   (or reject)"


def test_put_when_json_is_wanted_prints_the_portals_answer(portal: FakePortal) -> None:
    proposed = policy_of(SHORTER, four_eyes=True)
    assert json.loads(put(portal, "maximum_duration=PT3H", "--json", answer=proposed)) == proposed


def test_put_when_it_comes_from_a_file_or_standard_input_sends_it_whole(portal: FakePortal, tmp_path: Path) -> None:
    document = {"stages": [], "rules": []}
    (tmp_path / "policy.json").write_text(json.dumps(document))
    put(portal, "--file", str(tmp_path / "policy.json"))
    put(portal, "--file", "-", text=json.dumps(document))
    bodies = [json.loads(request.content) for request in portal.asked(f"PUT {POLICY}")]
    assert bodies == [document, document]
    assert portal.asked(f"GET {POLICY}") == []


def test_put_when_it_is_for_one_version_alone_sends_which(portal: FakePortal) -> None:
    put(portal, "--file", "-", "--if-version", "7", text="{}")
    assert sent(portal, f"PUT {POLICY}") == {"version": 7}


@pytest.mark.parametrize("arguments", [[], ["require_approval=false", "--file", "-"]])
def test_put_when_neither_or_both_are_given_says_so(portal: FakePortal, arguments: list[str]) -> None:
    assert (
        fails("policy", "put", "contoso", *arguments) == "give either settings, as in require_approval=false, or --file"
    )
    assert portal.requests == []


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("four_eyes", "'four_eyes' is no setting; write name=value, as in require_approval=false"),
        ("stages.0=x", "stages has no part 0; change it as a whole, or in a file"),
        ("glass.allowed=true", "glass has no part allowed; change it as a whole, or in a file"),
    ],
)
def test_put_when_a_setting_is_none_says_which(portal: FakePortal, setting: str, complaint: str) -> None:
    portal.says(f"GET {POLICY}", policy_of())
    assert fails("policy", "put", "contoso", setting) == complaint
    assert portal.asked(f"PUT {POLICY}") == []


def test_put_when_the_file_is_no_json_says_which(portal: FakePortal, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(b"{\xff")
    (tmp_path / "list.json").write_text("[]")
    for name in ("bad.json", "missing.json", "list.json"):
        assert name in fails("policy", "put", "contoso", "--file", str(tmp_path / name))
    assert portal.requests == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            '{"break_glass": {"allowed": false, "allowed": true}}',
            "break_glass.allowed: expected one value, not several",
        ),
        ('{"version": NaN}', "version: expected a number that is not NaN and not infinite, got NaN"),
    ],
)
def test_put_when_the_file_can_be_read_in_two_ways_names_the_field(
    portal: FakePortal, text: str, complaint: str
) -> None:
    assert fails("policy", "put", "contoso", "--file", "-", text=text) == f"-: {complaint}"
    assert portal.asked(f"PUT {POLICY}") == []


def test_put_when_a_setting_can_be_read_in_two_ways_names_the_field(portal: FakePortal) -> None:
    portal.says(f"GET {POLICY}", policy_of())
    complaint = fails("policy", "put", "contoso", 'break_glass={"allowed": false, "allowed": true}')
    assert complaint == "break_glass: allowed: expected one value, not several"


def test_put_when_the_policy_is_refused_shows_every_fault_with_its_path(portal: FakePortal) -> None:
    portal.says(f"GET {POLICY}", policy_of())
    faults = [
        {"field": "stages.0.groups.1.members.0", "expected": "somebody who is customer_approver", "received": "x@y"},
        {"field": "rules.0.stage", "expected": "a stage"},
    ]
    refusal = {"detail": "stages.0.groups.1.members.0: wrong", "code": "policy_member_unknown", "errors": faults}
    portal.says(f"PUT {POLICY}", refusal, status=422)
    assert fails("policy", "put", "contoso", "rules=[]").splitlines() == [
        "stages.0.groups.1.members.0: wrong [policy_member_unknown]",
        "  stages.0.groups.1.members.0: expected somebody who is customer_approver, got 'x@y'",
        "  rules.0.stage: expected a stage",
    ]
