"""The `lockbox` command as people use it: its tables, its JSON, its token file, and what it says to mistakes."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import amqp
import pytest
from kombu import Connection
from tests.people import People
from tests.waiting import eventually

Lockbox = Callable[..., "subprocess.CompletedProcess[str]"]
ASK = (
    *(
        "request",
        "--tenant",
        "contoso",
        "--reason",
        "CUSTOMER_INITIATED_SUPPORT",
        "--justification",
        "She can't sign in.",
    ),
    *("--resource", "mailbox/alice", "--action", "read"),
)


@pytest.fixture
def lockbox(tmp_path: Path, people: People) -> Lockbox:
    """Runs the command as somebody, signing them in first."""

    def run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        session = tmp_path / "sessions" / f"{name}.json"
        if not session.exists() and arguments[0] != "login":
            signed_in = run(name, "login", "--url", people.portal, "--email", people.accounts[name]["email"])
            assert signed_in.returncode == 0, signed_in.stderr
        return subprocess.run(
            [str(Path(sys.executable).with_name("lockbox")), *arguments],
            env={
                **os.environ,
                "LOCKBOX_SESSION": str(session),
                "LOCKBOX_PASSWORD": people.accounts[name]["password"],
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def asked(lockbox: Lockbox) -> str:
    """The id of a request that was made by command."""
    made = lockbox("engineer", *ASK, "--service-request", "SR-700001", "--duration", "PT1H", "--json")
    assert made.returncode == 0, made.stderr
    return str(json.loads(made.stdout)["id"])


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


def test_life_of_a_grant_by_commands(lockbox: Lockbox, people: People, asked: str) -> None:
    assert "PENDING_CUSTOMER" in lockbox("vendor_approver", "approve", asked, "-m", "fine").stdout
    approved = lockbox("contoso_approver", "approve", asked, "--json")
    grant = json.loads(approved.stdout)["grant"]["id"]
    token = json.loads(lockbox("engineer", "token", grant, "--json").stdout)["token"]
    assert people.use(token, "contoso/mailbox/alice").status_code == 200

    shown = lockbox("contoso_auditor", "show", asked).stdout
    for words in ("SR-700001", "APPROVED", "fine", "access_granted", grant):
        assert words in shown
    assert grant in lockbox("contoso_approver", "grants").stdout
    assert lockbox("contoso_approver", "revoke", grant).returncode == 0
    people.recorded(asked, "grant_revoked")
    trail = lockbox("contoso_auditor", "audit", "contoso", "--type", "grant_revoked", "--json").stdout
    assert grant in {record["data"]["grant_id"] for record in json.loads(trail)["items"]}


def test_grant_when_completed_by_its_engineer_opens_nothing_any_more(
    lockbox: Lockbox, people: People, asked: str
) -> None:
    lockbox("vendor_approver", "approve", asked)
    grant = json.loads(lockbox("contoso_approver", "approve", asked, "--json").stdout)["grant"]["id"]
    token = json.loads(lockbox("engineer", "token", grant, "--json").stdout)["token"]
    assert people.use(token, "contoso/mailbox/alice").status_code == 200
    assert f"Grant {grant} is COMPLETED since" in lockbox("engineer", "complete", grant, "-m", "Solved.").stdout
    eventually(lambda: people.use(token, "contoso/mailbox/alice").status_code == 403, within=5)
    people.recorded(asked, "grant_completed")
    eventually(lambda: "Solved." in lockbox("contoso_auditor", "show", asked).stdout)


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


def test_policy_is_shown_and_set(lockbox: Lockbox) -> None:
    shown = json.loads(lockbox("northwind_admin", "policy", "get", "northwind", "--json").stdout)
    changed = lockbox("northwind_admin", "policy", "put", "northwind", "maximum_duration=PT3H", "--json")
    assert json.loads(changed.stdout)["maximum_duration"] == "PT3H"
    back = lockbox("northwind_admin", "policy", "put", "northwind", f"maximum_duration={shown['maximum_duration']}")
    assert back.returncode == 0


@pytest.mark.parametrize(
    ("service_request", "duration", "named"),
    [("SR 1", "PT1H", "service_request"), ("SR-700002", "-PT1H", "duration"), ("SR-700002", "4h", "duration")],
)
def test_request_when_a_field_is_wrong_names_it(
    lockbox: Lockbox, service_request: str, duration: str, named: str
) -> None:
    refused = lockbox("engineer", *ASK, "--service-request", service_request, f"--duration={duration}")
    assert refused.returncode == 1
    assert named in refused.stderr
    assert refused.stdout == ""


def test_login_when_it_can_not_be_says_why_and_keeps_nothing(lockbox: Lockbox, people: People, tmp_path: Path) -> None:
    nobody = lockbox("engineer", "login", "--url", people.portal, "--email", "nobody@vendor.example")
    nowhere = lockbox("engineer", "login", "--url", "http://127.0.0.1:1", "--email", "nobody@vendor.example")
    assert (nobody.returncode, nowhere.returncode) == (1, 1)
    assert "[sign_in_failed]" in nobody.stderr
    assert "http://127.0.0.1:1 does not answer" in nowhere.stderr
    assert not (tmp_path / "sessions").exists()


def test_command_when_not_signed_in_says_what_to_do(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("lockbox")), "list"]
    environment = {**os.environ, "LOCKBOX_SESSION": str(tmp_path / "none.json")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "lockbox: you are not signed in; run `lockbox login`\n")


def test_operator_settles_what_is_parked_by_commands(lockbox: Lockbox, people: People, admin_amqp_uri: str) -> None:
    queue = "request_service.on_policy_changed.v1"
    body = f"not JSON: {uuid4()}"
    with Connection(admin_amqp_uri) as broker:
        message = amqp.Message(body, content_type="application/json")
        broker.default_channel.basic_publish(message, exchange="approval_service.events", routing_key="policy_changed")

    def listed() -> list[str]:
        found = json.loads(lockbox("operator", "ops", "parked", "list", "--queue", queue, "--json").stdout)["items"]
        return [item["parked_id"] for item in found if item["sha256"] == sha256(body.encode()).hexdigest()]

    [parked_id] = eventually(listed)
    assert parked_id in lockbox("operator", "ops", "parked", "list", "--queue", queue).stdout
    assert body in lockbox("operator", "ops", "parked", "show", queue, parked_id).stdout
    assert f"Replayed {parked_id}" in lockbox("operator", "ops", "parked", "replay", queue, parked_id).stdout
    [again] = eventually(lambda: [each for each in listed() if each != parked_id])
    dropped = lockbox("operator", "ops", "parked", "drop", queue, again)
    assert (dropped.returncode, f"Dropped {again}" in dropped.stdout) == (0, True)
    assert listed() == []
    for subject, kind in ((parked_id, "read"), (parked_id, "replayed"), (again, "dropped")):
        found = eventually(
            lambda subject=subject, kind=kind: people.vendor_auditor.trail(
                "vendor", subject=subject, type=f"parked_message_{kind}"
            )
        )
        assert [record["actor"] for record in found] == [people.operator.email]


def test_operator_sees_outboxes_and_topology(lockbox: Lockbox) -> None:
    outbox = lockbox("operator", "ops", "outbox").stdout
    assert "audit_service" in outbox
    checked = lockbox("operator", "ops", "topology", "check")
    assert (checked.returncode, "as they should be" in checked.stdout) == (0, True), checked.stderr
    refused = lockbox("engineer", "ops", "outbox")
    assert (refused.returncode, "[role_required]" in refused.stderr) == (1, True)
