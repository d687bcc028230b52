"""docs/approvers.md and docs/auditors.md: labels, event types, roles and commands are those of the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from lockbox.cli.main import app
from lockbox.contracts import registry
from lockbox.contracts.events import FACTS
from lockbox.contracts.grant.operations import RevokeGrant
from lockbox.contracts.identity import Role

ROOT = Path(__file__).parents[3]
PORTAL = ROOT / "services" / "portal_service"
PAGES = {name: (ROOT / "docs" / name).read_text() for name in ("approvers.md", "auditors.md")}
SHOWN = "\n".join(
    path.read_text() for suffix in ("html", "py") for path in sorted(PORTAL.rglob(f"*.{suffix}")) if path.is_file()
)
every_page = pytest.mark.parametrize("page", PAGES)


@every_page
def test_labels_when_named_are_shown_by_the_portal(page: str) -> None:
    labels = set(re.findall(r"\*\*([A-Z][^*.]*)\*\*", PAGES[page]))
    assert len(labels) > 4
    assert {label for label in labels if label not in SHOWN} == set()


@every_page
def test_commands_when_shown_exist_with_their_options(page: str) -> None:
    lines = re.findall(r"^lockbox (.*)$", PAGES[page], re.MULTILINE)
    assert len(lines) > 5
    command: Any = typer.main.get_command(app)
    for line in lines:
        name, *words = re.sub(r'<[^>]*>|"[^"]*"', "x", line).split()
        known = {option for param in command.commands[name].params for option in (*param.opts, *param.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known, line


def test_event_types_when_an_auditor_filters_by_them_exist() -> None:
    table = PAGES["auditors.md"].partition("| Question | Filter by type |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", table))
    assert len(named) > 8
    registry.check()
    assert named <= {kind.type for kind in FACTS.values()}


def test_revocation_when_explained_to_approvers_is_one_of_their_operations() -> None:
    assert "Choose **Revoke** to end it." in PAGES["approvers.md"]
    assert Role.CUSTOMER_APPROVER in RevokeGrant.roles
