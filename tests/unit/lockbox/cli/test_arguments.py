"""Ids and names on the command line: one that leads elsewhere is refused by its argument, and nothing is sent."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from tests.unit.builders import REQUEST_ID
from tests.unit.lockbox.cli.commands import run
from tests.unit.lockbox.fake_portal import URL, FakePortal

from lockbox.cli.app import SingleValueCommand
from lockbox.cli.main import app

pytestmark = pytest.mark.usefixtures("signed_in")

HERE = "HERE"
QUEUE = "audit_service.on_event.v1"
COMMANDS = {
    "REQUEST_ID": [
        ("show", HERE),
        ("answer", HERE, "text"),
        ("cancel", HERE),
        ("approve", HERE),
        ("deny", HERE),
        ("ask", HERE, "text"),
        ("break-glass", "use", HERE, "-m", "x"),
        ("break-glass", "acknowledge", HERE),
    ],
    "GRANT_ID": [
        ("token", HERE),
        ("revoke", HERE),
        ("complete", HERE),
        ("extend", HERE, "--duration", "PT1H", "--justification", "x"),
    ],
    "GRANT": [("fetch", HERE, f"{URL}/a"), ("proof", HERE, "GET", f"{URL}/a")],
    "TENANT": [
        ("policy", "get", HERE),
        ("policy", "put", HERE, "audit_only=true"),
        ("policy", "diff", HERE),
        ("policy", "agree", HERE, "digest"),
        ("policy", "reject", HERE, "digest"),
        ("audit", HERE),
        ("usage", HERE),
        ("break-glass", "list", HERE),
    ],
    "KID": [("ops", "keys", "revoke", HERE, "--yes")],
    "QUEUE": [("ops", "parked", "show", HERE, REQUEST_ID), ("ops", "parked", "drop", HERE, "--all", "--yes")],
    "PARKED_ID": [
        ("ops", "parked", "show", QUEUE, HERE),
        ("ops", "parked", "replay", QUEUE, HERE),
        ("ops", "parked", "drop", QUEUE, HERE),
    ],
    "--grant": [("usage", "contoso", "--grant", HERE)],
    "--tenant": [("list", "--tenant", HERE), ("grants", "--tenant", HERE)],
    "--queue": [("ops", "parked", "list", "--queue", HERE)],
}
HOSTILE = ["%2e%2e/tenants", "a/b", "a?limit=1", "a#b", "", " ", "a\nb", "a%00", "..", "A b", "ä"]
EVERY = [(name, command) for name, commands in COMMANDS.items() for command in commands]
FIRST = [(name, commands[0]) for name, commands in COMMANDS.items()]


def refuse(portal: FakePortal, name: str, command: tuple[str, ...], value: str) -> None:
    result = run(*(value if part == HERE else part for part in command))
    assert result.exit_code == 2, result.output
    assert f"invalid value for '{name.lower()}'" in result.stderr.lower()
    assert portal.requests == []


@pytest.mark.parametrize(("name", "command"), EVERY)
def test_argument_when_it_leads_elsewhere_is_refused_by_every_command(
    portal: FakePortal, name: str, command: tuple[str, ...]
) -> None:
    refuse(portal, name, command, "../tenants")


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
@pytest.mark.parametrize(("name", "command"), FIRST)
def test_argument_when_it_is_no_id_or_name_is_refused(
    portal: FakePortal, name: str, command: tuple[str, ...], value: str
) -> None:
    refuse(portal, name, command, value)


@pytest.mark.parametrize(
    "command",
    [
        ("list", "--state", "APPROVED", "--state", "DENIED"),
        ("grants", "--tenant=contoso", "--tenant", "fabrikam"),
        ("revoke", REQUEST_ID, "-m", "one", "--comment", "two"),
        ("audit", "contoso", "--newest-first", "--oldest-first"),
        ("approve", REQUEST_ID, "--duration", "PT1H", "--duration", "PT2H"),
    ],
)
def test_option_when_it_is_given_twice_is_refused(portal: FakePortal, command: tuple[str, ...]) -> None:
    result = run(*command)
    assert result.exit_code == 2, result.output
    assert "expected one value, not several" in result.stderr
    assert portal.requests == []


def below(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(group, "commands"):
        yield path, group
        return
    for name, command in group.commands.items():
        yield from below(command, *path, name)


CHECKED = {name.strip("-").lower() for name in COMMANDS}
IN_A_BODY = {("request",)}


def test_arguments_that_are_ids_or_names_when_counted_are_checked_by_every_command() -> None:
    unchecked = [
        (path, param.name)
        for path, command in below(typer.main.get_command(app))
        for param in command.params
        if param.name in CHECKED and param.callback is None and path not in IN_A_BODY
    ]
    assert unchecked == []


def test_options_when_counted_can_not_be_given_twice_in_any_command() -> None:
    assert {type(command) for _, command in below(typer.main.get_command(app))} == {SingleValueCommand}
