"""The `lockbox` command as people use it: its tables, its JSON, its token file, and what it says to mistakes."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import amqp
import pytest
from kombu import Connection
from tests.people import People
from tests.waiting import eventually

from lockbox.contracts.fields import parse_timestamp as moment

Lockbox = Callable[..., "subprocess.CompletedProcess[str]"]
ASK = (
    *("request", "--tenant", "contoso", "--reason", "CUSTOMER_INITIATED_SUPPORT"),
    *("--justification", "She can't sign in.", "--resource", "mailbox/alice", "--action", "read"),
)
NORTHWIND = "/tenants/northwind/policy"


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


@pytest.fixture
def northwind(lockbox: Lockbox, people: People) -> Iterator[Callable[..., str]]:
    """Makes requests to northwind; whatever a test does to its policy is undone."""
    admin = people.northwind_admin
    before = admin.get(NORTHWIND)

    def ask(*options: str) -> str:
        asked = ("--tenant", "northwind", "--service-request", "SR-700003", *options, "--json")
        made = lockbox("engineer", *ASK, *asked)
        assert made.returncode == 0, made.stderr
        return str(json.loads(made.stdout)["id"])

    yield ask
    if proposal := admin.get(NORTHWIND)["proposal"]:
        admin.post(f"{NORTHWIND}/proposal", {"decision": "reject", "digest": proposal["digest"]})
    put = admin.http.put(NORTHWIND, json={**before, "version": None})
    if put.status_code == 202:
        agreed = {"decision": "agree", "digest": put.json()["proposal"]["digest"]}
        assert people.northwind_admin_2.post(f"{NORTHWIND}/proposal", agreed).status_code == 200
    after = admin.get(NORTHWIND)
    assert {name for name in after if after[name] != before[name]} <= {"version", "changed_at", "changed_by"}


def shown(lockbox: Lockbox, name: str, request_id: str) -> Any:
    return json.loads(lockbox(name, "show", request_id, "--json").stdout)


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


# --- deciding ------------------------------------------------------------------------------------------------------


def test_approval_of_less_grants_less(lockbox: Lockbox, people: People) -> None:
    wide = ("--service-request", "SR-700001", "--resource", "mailbox/bob", "--duration", "PT2H", "--json")
    request_id = json.loads(lockbox("engineer", *ASK, *wide).stdout)["id"]
    more = lockbox("vendor_approver", "approve", request_id, "--duration", "PT3H")
    assert (more.returncode, "[longer_than_asked]" in more.stderr) == (1, True)
    once = lockbox("vendor_approver", "approve", request_id, "--duration", "PT1H")
    assert "mailbox/alice, mailbox/bob for PT2H; of that only duration PT1H.\n" in once.stdout
    assert "Of that only     duration PT1H " in lockbox("contoso_approver", "show", request_id).stdout

    approved = lockbox("contoso_approver", "approve", request_id, "--resource", "mailbox/alice", "--json")
    grant = json.loads(approved.stdout)["grant"]
    token = json.loads(lockbox("engineer", "token", grant["id"], "--json").stdout)["token"]
    assert grant["resources"] == ["mailbox/alice"]
    assert people.use(token, "contoso/mailbox/alice").status_code == 200
    assert people.use(token, "contoso/mailbox/bob").status_code == 403


def test_question_and_answer_change_what_is_decided_on(lockbox: Lockbox, asked: str) -> None:
    seen = shown(lockbox, "vendor_approver", asked)["request_digest"]
    assert "is INFO_REQUESTED" in lockbox("vendor_approver", "ask", asked, "Which folder?").stdout
    assert lockbox("engineer", "answer", asked, "Only the inbox.").returncode == 0
    eventually(lambda: shown(lockbox, "vendor_approver", asked)["state"] == "PENDING_VENDOR")
    said = lockbox("vendor_approver", "show", asked).stdout
    assert [text for text in ("Which folder?", "Only the inbox.", "You may decide") if text not in said] == []

    stale = lockbox("vendor_approver", "approve", asked, "--digest", seen)
    assert (stale.returncode, "[request_changed]" in stale.stderr) == (1, True)
    fresh = shown(lockbox, "vendor_approver", asked)["request_digest"]
    assert f"Digest: {fresh}\n" in said
    assert lockbox("vendor_approver", "approve", asked, "--digest", fresh).returncode == 0


def test_decision_when_one_can_not_says_why(lockbox: Lockbox, asked: str) -> None:
    early = lockbox("contoso_approver", "approve", asked)
    assert (early.returncode, early.stderr) == (1, "lockbox: the vendor's people decide now [not_your_stage]\n")
    assert "You can't decide: the vendor's people decide now" in lockbox("contoso_approver", "show", asked).stdout
    assert "Denied in stage 1, Vendor: request of" in lockbox("vendor_approver", "deny", asked).stdout
    over = lockbox("vendor_approver", "approve", asked)
    assert (over.returncode, "[request_denied]" in over.stderr) == (1, True)


def test_queue_holds_what_waits_for_somebody_as_long_as_it_does(lockbox: Lockbox, asked: str) -> None:
    def waiting(name: str) -> list[str]:
        return [item["request_id"] for item in json.loads(lockbox(name, "queue", "--json").stdout)["items"]]

    later = json.loads(lockbox("engineer", *ASK, "--service-request", "SR-700002", "--json").stdout)["id"]
    assert shown(lockbox, "engineer", later)["duration"] == "PT4H", "what the policy says, as nothing was asked for"
    queue = waiting("vendor_approver")
    assert queue.index(asked) < queue.index(later)
    assert asked not in waiting("contoso_approver")
    lockbox("vendor_approver", "approve", asked)
    assert asked not in waiting("vendor_approver")
    row = next(line for line in lockbox("contoso_approver", "queue").stdout.splitlines() if asked in line)
    assert "2, Customer" in row
    assert "read on mailbox/alice for PT1H" in row


def test_extension_goes_on_from_the_end_of_the_access(lockbox: Lockbox, asked: str) -> None:
    lockbox("vendor_approver", "approve", asked)
    grant = json.loads(lockbox("contoso_approver", "approve", asked, "--json").stdout)["grant"]
    extend = ("extend", grant["id"], "--justification", "It is large.", "--duration")
    beyond = lockbox("engineer", *extend, "PT23H")
    assert (beyond.returncode, "[extension_beyond_cap]" in beyond.stderr) == (1, True)
    assert "Extension 1, PT2H more, is PENDING." in lockbox("engineer", *extend, "PT2H").stdout

    queue = lockbox("vendor_approver", "queue").stdout.splitlines()
    assert "extension 1" in next(line for line in queue if asked in line)
    assert "It is large." in lockbox("contoso_auditor", "show", asked).stdout
    assert "PT2H more to read on mailbox/alice" in lockbox("vendor_approver", "approve", asked).stdout
    last = lockbox("contoso_approver", "approve", asked, "--duration", "PT1H").stdout
    assert "Extension 1 is APPROVED.\n" in last
    after = shown(lockbox, "engineer", asked)["grant"]
    assert (after["state"], after["starts_at"]) == ("ACTIVE", grant["starts_at"])
    assert moment(after["ends_at"]) - moment(grant["ends_at"]) == timedelta(hours=1)


def test_break_glass_opens_at_once_and_waits_to_be_acknowledged(
    lockbox: Lockbox, northwind: Callable[..., str]
) -> None:
    refused = lockbox("vendor_approver", "break-glass", "use", northwind(), "-m", "It burns.")
    assert (refused.returncode, "[break_glass_not_allowed]" in refused.stderr) == (1, True)
    allowed = lockbox("northwind_admin", "policy", "put", "northwind", "break_glass.allowed=true")
    assert "is in force" in allowed.stdout

    request_id = northwind()
    assert "the policy allows it" in lockbox("vendor_approver", "show", request_id).stdout
    use = ("break-glass", "use", request_id, "-m")
    assert "Nothing is open yet" in lockbox("vendor_approver", *use, "It burns.").stdout
    assert "is ACTIVE until" in lockbox("lead", *use, "It does.").stdout

    def listed(*options: str) -> str:
        return lockbox("northwind_auditor", "break-glass", "list", "northwind", *options).stdout

    assert request_id in listed("--unacknowledged")
    assert request_id not in listed("--acknowledged")
    assert "not acknowledged yet" in lockbox("northwind_auditor", "show", request_id).stdout
    known = lockbox("northwind_admin", "break-glass", "acknowledge", request_id, "-m", "Seen.")
    assert known.stdout == "Acknowledged: the access of erin.engineer@vendor.example for SR-700003.\n"
    assert request_id not in listed("--unacknowledged")
    assert request_id in listed("--acknowledged")


# --- the policy ----------------------------------------------------------------------------------------------------


def test_policy_is_kept_in_a_file_compared_tried_and_put(
    lockbox: Lockbox, northwind: Callable[..., str], tmp_path: Path
) -> None:
    kept, sample = tmp_path / "policy.json", tmp_path / "sample.json"
    policy = ("--file", str(kept))
    kept.write_text(lockbox("northwind_admin", "policy", "get", "northwind", "--json").stdout)
    same = lockbox("northwind_admin", "policy", "diff", "northwind", *policy, "--exit-code")
    assert (same.returncode, "Nothing differs" in same.stdout) == (0, True)

    document = json.loads(kept.read_text())
    admins = {"name": "Admins", "members": ["customer_admin"], "approvals": 2}
    document["stages"].append({"name": "Board", "side": "CUSTOMER", "groups": [admins]})
    document["rules"] = [{"name": "No exports", "when": {"actions": ["export"]}, "then": "auto_deny"}]
    kept.write_text(json.dumps(document))
    changed = lockbox("northwind_admin", "policy", "diff", "northwind", *policy, "--exit-code")
    assert changed.returncode == 3
    assert [line.split()[0] for line in changed.stdout.splitlines() if "[" in line.split()[0]] == [
        "stages[Board]",
        "rules[No",
    ]

    terms = {"service_request": "SR-1", "reason_code": "CUSTOMER_INITIATED_SUPPORT", "justification": "A trial."}
    sample.write_text(json.dumps({**terms, "resources": ["files/x"], "actions": ["export"]}))
    trial = ("policy", "test", "northwind", "--request", str(sample))
    before = lockbox("northwind_auditor", *trial, "--expect", "deny")
    assert (before.returncode, before.stderr) == (3, "lockbox: expected deny, not decide\n")
    after = lockbox("northwind_auditor", *trial, *policy, "--expect", "deny")
    assert (after.returncode, "denied by the rule 'No exports'" in after.stdout) == (0, True)

    assert "is in force" in lockbox("northwind_admin", "policy", "put", "northwind", *policy).stdout
    assert lockbox("northwind_admin", "policy", "diff", "northwind", *policy, "--exit-code").returncode == 0
    overview = lockbox("northwind_auditor", "policy", "get", "northwind").stdout
    assert [words for words in ("Board", "customer_admin", "No exports", "auto_deny") if words not in overview] == []
    assert "customer_admin" in lockbox("engineer", "show", northwind()).stdout
    denied = lockbox("engineer", "show", northwind("--action", "export")).stdout
    assert [words for words in ("DENIED", "denied by the rule 'No exports'") if words not in denied] == []
    late = lockbox("northwind_admin", "policy", "put", "northwind", *policy, "--if-version", "1")
    assert (late.returncode, "[policy_version_stale]" in late.stderr) == (1, True)


@pytest.mark.usefixtures("northwind")
def test_policy_when_it_can_not_be_in_force_shows_every_fault(lockbox: Lockbox) -> None:
    bad = ('stages=[{"name": "S", "side": "CUSTOMER", "groups": [{"name": "G", "members": ["x@northwind.example"]}]}]',)
    refused = lockbox("northwind_admin", "policy", "put", "northwind", "maximum_duration=PT9H", *bad)
    assert refused.returncode == 1
    faults = [line.split(":")[0].strip() for line in refused.stderr.splitlines()[1:]]
    assert [path for path in ("maximum_duration", "stages.0.groups.0.members.0") if path not in faults] == []


@pytest.mark.usefixtures("northwind")
def test_policy_of_four_eyes_changes_when_another_administrator_agrees(lockbox: Lockbox) -> None:
    assert "is in force" in lockbox("northwind_admin", "policy", "put", "northwind", "four_eyes=true").stdout
    proposed = lockbox(
        "northwind_admin", "policy", "put", "northwind", "maximum_duration=PT2H", "default_duration=PT2H"
    )
    assert "stays in force for now" in proposed.stdout
    digest = json.loads(lockbox("northwind_admin_2", "policy", "diff", "northwind", "--json").stdout)["digest"]
    assert (
        f"lockbox policy agree northwind {digest}" in lockbox("northwind_admin_2", "policy", "get", "northwind").stdout
    )
    own = lockbox("northwind_admin", "policy", "agree", "northwind", digest)
    assert (own.returncode, "[own_proposal]" in own.stderr) == (1, True)
    unasked = lockbox("northwind_admin_2", "policy", "agree", "northwind")
    assert (unasked.returncode, "maximum_duration" in unasked.stdout) == (1, True)
    rejected = lockbox("northwind_admin_2", "policy", "reject", "northwind", digest, "-m", "Too short.")
    assert rejected.stdout.startswith("Rejected.")
    late = lockbox("northwind_admin_2", "policy", "agree", "northwind", digest)
    assert (late.returncode, "[proposal_stale]" in late.stderr) == (1, True)

    lockbox("northwind_admin", "policy", "put", "northwind", "maximum_duration=PT3H", "default_duration=PT3H")
    agreed = lockbox("northwind_admin_2", "policy", "agree", "northwind", "--yes")
    assert "is in force" in agreed.stdout
    assert "PT3H" in lockbox("northwind_admin", "policy", "get", "northwind").stdout


def test_policy_schema_is_json(lockbox: Lockbox) -> None:
    assert "stages" in json.dumps(json.loads(lockbox("engineer", "policy", "schema").stdout))


# --- mistakes ------------------------------------------------------------------------------------------------------


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


# --- operators -----------------------------------------------------------------------------------------------------


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
