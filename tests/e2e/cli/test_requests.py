"""Asking for access by commands, and reading what became of it."""

import pytest
from tests.e2e.cli.commands import ASK, Lockbox


def test_list_and_show_are_tables_for_people(lockbox: Lockbox, asked: str) -> None:
    table = lockbox("engineer", "list", "--limit", "5").stdout.splitlines()
    assert table[0].split("  ")[0] == "REQUEST ID"
    assert any(asked in line and "SR-700001" in line for line in table)
    assert "Justification" in lockbox("engineer", "show", asked).stdout


def test_deny_and_cancel_end_a_request(lockbox: Lockbox, asked: str) -> None:
    assert "CANCELLED" in lockbox("engineer", "cancel", asked).stdout
    late = lockbox("vendor_approver", "deny", asked)
    assert late.returncode == 1
    assert "[request_cancelled]" in late.stderr


@pytest.mark.parametrize(
    ("service_request", "duration", "named"),
    [("SR 1", "PT1H", "--service-request"), ("SR-700002", "-PT1H", "duration"), ("SR-700002", "4h", "duration")],
)
def test_request_when_a_field_is_wrong_names_it(
    lockbox: Lockbox, service_request: str, duration: str, named: str
) -> None:
    refused = lockbox("engineer", *ASK, "--service-request", service_request, f"--duration={duration}")
    assert refused.returncode == 1
    assert named in refused.stderr
    assert refused.stdout == ""
