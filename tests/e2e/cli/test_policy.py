"""The policy by commands: kept in a file, compared, tried, put, agreed to."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.cli.commands import Lockbox


def test_policy_is_kept_in_a_file_compared_tried_and_put(
    lockbox: Lockbox, northwind: Callable[..., str], tmp_path: Path
) -> None:
    kept, sample = tmp_path / "policy.json", tmp_path / "sample.json"
    policy = ("--file", str(kept))
    kept.write_text(lockbox("northwind_admin", "policy", "get", "northwind", "--json").stdout)
    same = lockbox("northwind_admin", "policy", "diff", "northwind", *policy, "--exit-code")
    assert (same.returncode, "Nothing differs" in same.stdout) == (0, True)

    document = json.loads(kept.read_text())
    admins = {"name": "Admins", "members": ["customer_admin"], "approvals": 2}
    document["stages"].append({"name": "Board", "side": "CUSTOMER", "groups": [admins]})
    document["rules"] = [{"name": "No exports", "when": {"actions": ["export"]}, "then": "auto_deny"}]
    kept.write_text(json.dumps(document))
    changed = lockbox("northwind_admin", "policy", "diff", "northwind", *policy, "--exit-code")
    assert changed.returncode == 3
    assert [line.split()[0] for line in changed.stdout.splitlines() if "[" in line.split()[0]] == [
        "stages[Board]",
        "rules[No",
    ]

    terms = {"service_request": "SR-1", "reason_code": "CUSTOMER_INITIATED_SUPPORT", "justification": "A trial."}
    sample.write_text(json.dumps({**terms, "resources": ["files/x"], "actions": ["export"]}))
    trial = ("policy", "test", "northwind", "--request", str(sample))
    before = lockbox("northwind_auditor", *trial, "--expect", "deny")
    assert (before.returncode, before.stderr) == (3, "lockbox: expected deny, not decide\n")
    after = lockbox("northwind_auditor", *trial, *policy, "--expect", "deny")
    assert (after.returncode, "denied by the rule 'No exports'" in after.stdout) == (0, True)

    assert "is in force" in lockbox("northwind_admin", "policy", "put", "northwind", *policy).stdout
    assert lockbox("northwind_admin", "policy", "diff", "northwind", *policy, "--exit-code").returncode == 0
    overview = lockbox("northwind_auditor", "policy", "get", "northwind").stdout
    assert [words for words in ("Board", "customer_admin", "No exports", "auto_deny") if words not in overview] == []
    assert "customer_admin" in lockbox("engineer", "show", northwind()).stdout
    denied = lockbox("engineer", "show", northwind("--action", "export")).stdout
    assert [words for words in ("DENIED", "denied by the rule 'No exports'") if words not in denied] == []
    late = lockbox("northwind_admin", "policy", "put", "northwind", *policy, "--if-version", "1")
    assert (late.returncode, "[policy_version_stale]" in late.stderr) == (1, True)


@pytest.mark.usefixtures("northwind")
def test_policy_when_it_can_not_be_in_force_shows_every_fault(lockbox: Lockbox) -> None:
    bad = ('stages=[{"name": "S", "side": "CUSTOMER", "groups": [{"name": "G", "members": ["x@northwind.example"]}]}]',)
    refused = lockbox("northwind_admin", "policy", "put", "northwind", "maximum_duration=PT9H", *bad)
    assert refused.returncode == 1
    faults = [line.split(":")[0].strip() for line in refused.stderr.splitlines()[1:]]
    assert [path for path in ("maximum_duration", "stages.0.groups.0.members.0") if path not in faults] == []


@pytest.mark.usefixtures("northwind")
def test_policy_of_four_eyes_changes_when_another_administrator_agrees(lockbox: Lockbox) -> None:
    assert "is in force" in lockbox("northwind_admin", "policy", "put", "northwind", "four_eyes=true").stdout
    proposed = lockbox(
        "northwind_admin", "policy", "put", "northwind", "maximum_duration=PT2H", "default_duration=PT2H"
    )
    assert "stays in force for now" in proposed.stdout
    digest = json.loads(lockbox("northwind_admin_2", "policy", "diff", "northwind", "--json").stdout)["digest"]
    assert (
        f"lockbox policy agree northwind {digest}" in lockbox("northwind_admin_2", "policy", "get", "northwind").stdout
    )
    own = lockbox("northwind_admin", "policy", "agree", "northwind", digest)
    assert (own.returncode, "[own_proposal]" in own.stderr) == (1, True)
    unasked = lockbox("northwind_admin_2", "policy", "agree", "northwind")
    assert (unasked.returncode, "maximum_duration" in unasked.stdout) == (1, True)
    rejected = lockbox("northwind_admin_2", "policy", "reject", "northwind", digest, "-m", "Too short.")
    assert rejected.stdout.startswith("Rejected.")
    late = lockbox("northwind_admin_2", "policy", "agree", "northwind", digest)
    assert (late.returncode, "[proposal_stale]" in late.stderr) == (1, True)

    lockbox("northwind_admin", "policy", "put", "northwind", "maximum_duration=PT3H", "default_duration=PT3H")
    agreed = lockbox("northwind_admin_2", "policy", "agree", "northwind", "--yes")
    assert "is in force" in agreed.stdout
    assert "PT3H" in lockbox("northwind_admin", "policy", "get", "northwind").stdout


def test_policy_schema_is_json(lockbox: Lockbox) -> None:
    assert "stages" in json.dumps(json.loads(lockbox("engineer", "policy", "schema").stdout))
