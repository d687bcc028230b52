"""What a service that a vendor adds may do on the broker."""

import json
import re
import stat
from pathlib import Path

import pytest
from tests.unit.lockbox.provision.test_broker import exchanges, queues
from typer.testing import CliRunner

from lockbox.contracts.events import FACTS
from lockbox.contracts.grant.facts import AccessGranted, GrantRevoked
from lockbox.contracts.request.facts import RequestCreated
from lockbox.provision.__main__ import app
from lockbox.provision.broker import CALLS, addon_definitions
from lockbox.provision.secrets import ADMIN, SERVICES

MADE = addon_definitions("addon", "password of addon", [AccessGranted, GrantRevoked, RequestCreated])
[PERMISSION] = MADE["permissions"]
TOPICS: dict[str, dict[str, str]] = {each["exchange"]: each for each in MADE["topic_permissions"]}
SOURCES = {"approval_service.events", "request_service.events", "audit_service.reconcile"}


def may(what: str, name: str) -> bool:
    return re.search(PERMISSION[what], name) is not None


def may_hear(exchange: str, key: str) -> bool:
    return re.search(TOPICS[exchange]["read"], key) is not None


def test_addon_when_made_is_a_user_without_tags_whose_password_is_not_told() -> None:
    assert json.loads(json.dumps(MADE)) == MADE
    assert [(user["name"], user["tags"]) for user in MADE["users"]] == [("addon", [])]
    assert "password of" not in json.dumps(MADE)
    assert {PERMISSION["user"], *(each["user"] for each in TOPICS.values())} == {"addon"}


def test_addon_when_a_name_is_its_own_may_do_everything() -> None:
    for name in queues("addon")[:2] + exchanges("addon"):
        assert all(may(what, name) for what in ("configure", "write", "read")), name


@pytest.mark.parametrize("other", SERVICES)
def test_addon_when_a_name_is_anothers_may_do_nothing_but_hear_events(other: str) -> None:
    for name in [*queues(other), *exchanges(other), f"{other}.reconcile", CALLS, "", "amq.topic", "addon2.x"]:
        assert not may("configure", name), name
        assert not may("write", name), name
        assert may("read", name) is (name in SOURCES), name


def test_addon_when_it_listens_hears_the_kinds_that_it_named_and_no_others() -> None:
    assert TOPICS.keys() == SOURCES
    heard = {(kind.source, kind.type) for kind in FACTS.values() if f"{kind.source}.events" in SOURCES}
    for source, kind in heard:
        named = kind in ("access_granted", "grant_revoked", "request_created")
        assert may_hear(f"{source}.events", kind) is named, kind
    for wide in ("#", "*", "access_*", "access_granted.#", "xaccess_granted", ""):
        assert not may_hear("approval_service.events", wide), wide
    assert may_hear("audit_service.reconcile", "addon")
    assert not may_hear("audit_service.reconcile", "approval_service")
    assert {each["write"] for each in TOPICS.values()} == {"^$"}


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["addon", *arguments])
    return done.exit_code, done.output


def test_addon_command_when_run_again_keeps_the_password(tmp_path: Path) -> None:
    file = tmp_path / "password"
    code, printed = run("addon", "grant_revoked", "--password-file", str(file))
    assert (code, json.loads(printed)["users"][0]["name"]) == (0, "addon")
    password = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("addon", "grant_revoked", "--password-file", str(file))[0] == 0
    assert file.read_text() == password
    assert password not in printed


@pytest.mark.parametrize("name", [*SERVICES, ADMIN, "rpc", "amq", "Addon", "a.b", "x-y", ".*", ""])
def test_addon_command_when_the_name_is_not_free_refuses(tmp_path: Path, name: str) -> None:
    assert run(name, "grant_revoked", "--password-file", str(tmp_path / "password"))[0] == 2
    assert not (tmp_path / "password").exists()


def test_addon_command_when_there_is_no_such_event_refuses(tmp_path: Path) -> None:
    assert run("addon", "grant_revokd", "--password-file", str(tmp_path / "password"))[0] == 2
    assert not (tmp_path / "password").exists()
