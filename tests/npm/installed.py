"""The npm packages of the tests: where they are, and a skip that says how to get them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
NODE = Path(sys.executable).with_name("node")


def run_script(name: str, *arguments: object) -> Any:
    """Run a script of this folder on Node.js; return the JSON that it prints."""
    if not NODE.exists() or not (FOLDER / "node_modules").is_dir():
        pytest.skip("Node.js or the packages of tests/npm are not installed; `make setup` installs them from npm")
    command = [NODE, FOLDER / name, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
