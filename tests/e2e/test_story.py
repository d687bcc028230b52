"""The story that `make demo` plays, on a stack where much else has happened."""

import json
import subprocess
import sys
from pathlib import Path

from lockbox.embedded.stack import Stack


def play(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "examples.story", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_story_is_as_it_should_be(stack: Stack) -> None:
    played = play("--home", str(stack.home))
    assert played.returncode == 0, played.stdout + played.stderr
    lines = played.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[f"{number}.", "ok"] for number in range(1, 10)]


def test_story_when_the_product_is_not_as_it_should_be_fails(stack: Stack, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps(json.loads(stack.accounts_file.read_text()) | {"content": stack.portal_url}))
    played = play("--home", str(stack.home), "--accounts", str(accounts))
    assert played.returncode == 1
    assert played.stdout.startswith("1. FAILED  ")
