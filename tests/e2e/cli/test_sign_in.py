"""Signing in and out by commands, and the token file."""

import os
import stat
import subprocess
from pathlib import Path

from tests.e2e.cli.commands import COMMAND, Lockbox
from tests.people import People


def test_login_keeps_the_token_for_its_owner_alone_and_logout_removes_it(lockbox: Lockbox, tmp_path: Path) -> None:
    assert lockbox("engineer", "list").returncode == 0
    [session] = (tmp_path / "sessions").iterdir()
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    session.chmod(0o644)
    refused = lockbox("engineer", "list")
    assert refused.returncode == 1
    assert "can be read by others; run `chmod 600" in refused.stderr
    session.chmod(0o600)
    assert lockbox("engineer", "logout").returncode == 0
    assert not session.exists()


def test_login_when_it_can_not_be_says_why_and_keeps_nothing(lockbox: Lockbox, people: People, tmp_path: Path) -> None:
    nobody = lockbox("engineer", "login", "--url", people.portal, "--email", "nobody@vendor.example")
    nowhere = lockbox("engineer", "login", "--url", "http://127.0.0.1:1", "--email", "nobody@vendor.example")
    assert (nobody.returncode, nowhere.returncode) == (1, 1)
    assert "[sign_in_failed]" in nobody.stderr
    assert "http://127.0.0.1:1 does not answer" in nowhere.stderr
    assert not (tmp_path / "sessions").exists()


def test_command_when_not_signed_in_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "LOCKBOX_SESSION": str(tmp_path / "none.json")}
    done = subprocess.run([COMMAND, "list"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "lockbox: you are not signed in; run `lockbox login`\n")
