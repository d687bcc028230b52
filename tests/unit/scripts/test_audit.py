from typing import Any

import pytest
from scripts.audit import NOT_CHECKED, VULNERABLE, Finding

SKIPPED = {"name": "httpx", "skip_reason": "Dependency not found on PyPI and could not be audited: httpx (0.28.1)"}
FINE = {"name": "jinja2", "version": "3.1.6", "vulns": []}
FLAWED = {
    "name": "flask",
    "version": "3.1.3",
    "vulns": [{"id": "CVE-2099-1", "fix_versions": ["3.1.4"], "aliases": [], "description": ""}],
}
LOCKBOX = {"name": "lockbox", "skip_reason": "distribution marked as editable"}


def finding(*packages: dict[str, Any]) -> Finding:
    return Finding.of({"dependencies": list(packages), "fixes": []})


def test_finding_when_every_package_was_looked_up_is_no_known_vulnerability() -> None:
    found = finding(FINE, LOCKBOX)
    assert (found.exit_code, list(found.lines)) == (0, ["no known vulnerability in 1 packages"])


@pytest.mark.parametrize("packages", [[SKIPPED], [SKIPPED, LOCKBOX], [FINE, SKIPPED], [LOCKBOX], []])
def test_finding_when_a_package_was_not_looked_up_is_never_fine(packages: list[dict[str, Any]]) -> None:
    found = finding(*packages)
    assert found.exit_code == NOT_CHECKED
    assert any(line.startswith("COULD NOT CHECK") for line in found.lines)
    assert not any(line.startswith("no known vulnerability") for line in found.lines)


def test_finding_when_a_package_is_vulnerable_names_it_with_its_fix() -> None:
    found = finding(FINE, SKIPPED, FLAWED)
    assert found.exit_code == VULNERABLE
    assert "VULNERABLE flask 3.1.3: CVE-2099-1, fixed in 3.1.4" in found.lines
    assert any(line.startswith("COULD NOT CHECK 1 of 3") for line in found.lines)
