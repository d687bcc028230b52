"""What tests of the `lockbox` command have in common."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.people import People

COMMAND = str(Path(sys.executable).with_name("lockbox"))
Environment = Callable[[str], dict[str, str]]
Lockbox = Callable[..., "subprocess.CompletedProcess[str]"]
ASK = (
    *("request", "--tenant", "contoso", "--reason", "CUSTOMER_INITIATED_SUPPORT"),
    *("--justification", "She can't sign in.", "--resource", "mailbox/alice", "--action", "read"),
)
ALICE = "contoso/mailbox/alice"


def address(people: People, path: str = ALICE) -> str:
    """Of a document of the product."""
    return f"{people.content}/documents/{path}"


def shown(lockbox: Lockbox, name: str, request_id: str) -> Any:
    return json.loads(lockbox(name, "show", request_id, "--json").stdout)


def granted(lockbox: Lockbox, request_id: str) -> str:
    """The id of the grant, when everybody has approved."""
    lockbox("vendor_approver", "approve", request_id, "--yes")
    approved = lockbox("contoso_approver", "approve", request_id, "--yes", "--json")
    return str(json.loads(approved.stdout)["grant"]["id"])


def fetched(lockbox: Lockbox, people: People, grant: str, path: str = ALICE) -> tuple[int, str]:
    """How `lockbox fetch` of a document ends, and what it complains of; it prints the document, or nothing."""
    done = lockbox("engineer", "fetch", grant, address(people, path))
    assert done.stdout.startswith("From: ") == (done.returncode == 0), done
    return done.returncode, done.stderr
