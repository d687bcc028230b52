"""`lockbox policy diff`, `agree`, `reject`."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.builders import quorum
from tests.unit.lockbox.cli.commands import fails, run, sent, table, works
from tests.unit.lockbox.cli.documents import policy_of
from tests.unit.lockbox.fake_portal import FakePortal

from approval_service.domain.policy.diff import differences
from approval_service.domain.policy.policy import digest_of
from lockbox.contracts import wire
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, Condition, PolicySettings, Rule
from lockbox.contracts.policy.views import PolicyDiff

POLICY = "/api/v1/tenants/contoso/policy"
DIFF, SETTLE = f"POST {POLICY}/diff", f"POST {POLICY}/proposal"
DENY = Rule(name="No exports", when=Condition(actions=("export",)), then="auto_deny")
CHANGED = replace(DEFAULT_SETTINGS, maximum_duration=timedelta(hours=6), stages=quorum(2), rules=(DENY,))
ROWS = [
    ["maximum_duration", "PT4H", "PT6H"],
    ["stages[Customer].groups[Approvers].approvals", "1", "2"],
    [
        "rules[No exports]",
        "-",
        '{"name": "No exports", "when": {"actions": ["export"]}, "then": "auto_deny", "comment": ""}',
    ],
]
NOW_IN_FORCE = policy_of() | {"version": 2}

pytestmark = pytest.mark.usefixtures("signed_in")


def compared(after: PolicySettings) -> dict[str, Any]:
    found = differences(DEFAULT_SETTINGS, after)
    return wire.encode(PolicyDiff(version=1, digest=digest_of(after), differences=found))


@pytest.fixture
def proposed(portal: FakePortal) -> FakePortal:
    """A portal to which a change was proposed."""
    portal.says(f"GET {POLICY}", policy_of(CHANGED, four_eyes=True))
    portal.says(DIFF, compared(CHANGED))
    portal.says(SETTLE, NOW_IN_FORCE)
    return portal


# --- comparing -----------------------------------------------------------------------------------------------------


def test_diff_when_something_differs_shows_what_was_and_what_would_be(portal: FakePortal, tmp_path: Path) -> None:
    portal.says(DIFF, compared(CHANGED))
    (tmp_path / "policy.json").write_text('{"rules": []}')
    said = works("policy", "diff", "contoso", "--file", str(tmp_path / "policy.json"))
    assert sent(portal, DIFF) == {"rules": []}
    rows, _, digest = said.rpartition("Digest: ")
    assert table(rows, "PATH") == ROWS
    assert digest == f"{digest_of(CHANGED)}\n"


def test_diff_when_nothing_differs_says_so(portal: FakePortal) -> None:
    portal.says(DIFF, compared(DEFAULT_SETTINGS))
    said = works("policy", "diff", "contoso", "--file", "-", text="{}")
    assert said.splitlines()[0] == "Nothing differs from version 1."


@pytest.mark.parametrize(
    ("options", "after", "code"),
    [
        ([], CHANGED, 0),
        (["--exit-code"], CHANGED, 3),
        (["--exit-code", "--json"], CHANGED, 3),
        (["--exit-code"], DEFAULT_SETTINGS, 0),
    ],
)
def test_diff_when_done_ends_with_a_code_for_scripts(
    portal: FakePortal, options: list[str], after: PolicySettings, code: int
) -> None:
    portal.says(DIFF, compared(after))
    assert run("policy", "diff", "contoso", "--file", "-", *options, text="{}").exit_code == code


def test_diff_when_json_is_wanted_prints_the_portals_answer(portal: FakePortal) -> None:
    portal.says(DIFF, compared(CHANGED))
    assert json.loads(works("policy", "diff", "contoso", "--file", "-", "--json", text="{}")) == compared(CHANGED)


def test_diff_when_no_file_is_given_is_about_what_is_proposed(proposed: FakePortal) -> None:
    said = works("policy", "diff", "contoso")
    assert sent(proposed, DIFF) == wire.encode(CHANGED)
    assert "PT6H" in said


@pytest.mark.parametrize("command", ["diff", "agree", "reject"])
def test_proposal_when_there_is_none_says_so(portal: FakePortal, command: str) -> None:
    portal.says(f"GET {POLICY}", policy_of())
    assert fails("policy", command, "contoso") == "nothing is proposed for contoso"


# --- settling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("agree", "Version 2 of contoso's policy is in force."),
        ("reject", "Rejected. Version 2 of contoso's policy stays in force."),
    ],
)
def test_proposal_when_its_digest_is_given_is_settled_unasked(proposed: FakePortal, decision: str, said: str) -> None:
    assert works("policy", decision, "contoso", "0123abcd", "-m", "fine") == f"{said}\n"
    assert sent(proposed, SETTLE) == {"decision": decision, "digest": "0123abcd", "comment": "fine"}
    assert len(proposed.requests) == 1


@pytest.mark.parametrize("decision", ["agree", "reject"])
def test_proposal_when_no_digest_is_given_is_shown_first(proposed: FakePortal, decision: str) -> None:
    said = works("policy", decision, "contoso", text="y\n")
    assert said.startswith("Proposed by carol@contoso.example, 2026-01-31 09:35:00 UTC:\n")
    assert table(said, "PATH")[0] == ROWS[0]
    assert sent(proposed, DIFF) == wire.encode(CHANGED)
    assert sent(proposed, SETTLE) == {"decision": decision, "digest": digest_of(CHANGED), "comment": ""}


@pytest.mark.parametrize("text", ["n\n", ""])
def test_proposal_when_one_does_not_confirm_stays(proposed: FakePortal, text: str) -> None:
    assert run("policy", "agree", "contoso", text=text).exit_code == 1
    assert proposed.asked(SETTLE) == []


def test_proposal_when_nothing_shall_be_asked_is_settled(proposed: FakePortal) -> None:
    assert json.loads(works("policy", "agree", "contoso", "--yes", "--json")) == NOW_IN_FORCE
    assert sent(proposed, SETTLE)["digest"] == digest_of(CHANGED)


def test_proposal_when_json_is_wanted_is_not_settled_unseen(proposed: FakePortal) -> None:
    assert fails("policy", "reject", "contoso", "--json") == (
        "with --json, give the digest of what is proposed, or --yes"
    )
    assert proposed.asked(SETTLE) == []


def test_proposal_when_the_digest_is_empty_is_not_whatever_there_is(proposed: FakePortal) -> None:
    works("policy", "agree", "contoso", "", "--yes")
    assert sent(proposed, SETTLE)["digest"] == ""


def test_proposal_when_it_can_not_be_in_force_any_more_can_be_rejected(proposed: FakePortal) -> None:
    refusal = {"detail": "stages.0.groups.0.members.0: nobody", "code": "policy_member_unknown"}
    proposed.says(DIFF, refusal, status=422)
    said = works("policy", "reject", "contoso", text="y\n")
    assert "It can't be in force: stages.0.groups.0.members.0: nobody [policy_member_unknown]\n" in said
    assert len(proposed.asked(SETTLE)) == 1
