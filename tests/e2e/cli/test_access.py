"""Using a grant by commands, until it ends."""

import json
import subprocess
from pathlib import Path

import jwt
from tests.e2e.cli.commands import ASK, Lockbox, address, fetched, granted
from tests.people import People
from tests.waiting import eventually


def test_life_of_a_grant_by_commands(lockbox: Lockbox, people: People, asked: str) -> None:
    assert "PENDING_CUSTOMER" in lockbox("vendor_approver", "approve", asked, "-m", "fine").stdout
    approved = lockbox("contoso_approver", "approve", asked, "--json")
    grant = json.loads(approved.stdout)["grant"]["id"]
    assert fetched(lockbox, people, grant) == (0, "")

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
    grant = granted(lockbox, asked)
    token = lockbox("engineer", "token", grant).stdout.strip()
    assert fetched(lockbox, people, token) == (0, "")
    assert f"Grant {grant} is COMPLETED since" in lockbox("engineer", "complete", grant, "-m", "Solved.").stdout
    refused = "lockbox: The grant was revoked or completed. [grant_revoked]\n"
    eventually(lambda: fetched(lockbox, people, token) == (3, refused), within=15)
    assert lockbox("engineer", "token", grant).stderr.endswith("[grant_ended]\n")
    people.recorded(asked, "grant_completed")
    eventually(lambda: "Solved." in lockbox("contoso_auditor", "show", asked).stdout)


def test_grant_when_shown_by_another_program_needs_its_proof(lockbox: Lockbox, people: People, asked: str) -> None:
    grant, url = granted(lockbox, asked), address(people)
    token = lockbox("engineer", "token", grant).stdout.strip()
    proof = lockbox("engineer", "proof", grant, "GET", url).stdout.strip()

    def curl(*headers: str) -> str:
        shown = [option for header in headers for option in ("-H", header)]
        return subprocess.run(["curl", "-sS", *shown, url], capture_output=True, text=True, check=True).stdout

    assert curl(f"Authorization: DPoP {token}", f"DPoP: {proof}").startswith("From: ")
    assert json.loads(curl(f"Authorization: DPoP {token}"))["code"] == "proof_missing"
    assert json.loads(curl(f"Authorization: DPoP {token}", f"DPoP: {proof}"))["code"] == "proof_replayed"


def test_fetch_sends_what_it_is_given_and_keeps_what_it_gets(lockbox: Lockbox, people: People, tmp_path: Path) -> None:
    wide = (*ASK, "--action", "write", "--resource", "mailbox/new", "--service-request", "SR-700004", "--json")
    grant = granted(lockbox, json.loads(lockbox("engineer", *wide).stdout)["id"])
    url, letter, kept = address(people, "contoso/mailbox/alice"), tmp_path / "letter", tmp_path / "kept"
    before = lockbox("engineer", "fetch", grant, url).stdout
    letter.write_text("From: erin@vendor.example\n\nIt is solved.\n")
    put = ("fetch", grant, url, "-X", "PUT", "-H", "Content-Type: text/plain")
    assert lockbox("engineer", *put, "-d", f"@{letter}", "-o", str(kept)).returncode == 0
    assert kept.read_text() == letter.read_text() == lockbox("engineer", "fetch", grant, url).stdout
    assert lockbox("engineer", *put, "-d", before).stdout == before
    nothing = lockbox("engineer", "fetch", grant, address(people, "contoso/mailbox/new"))
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "answered 404 NOT FOUND" in nothing.stderr


def test_key_when_made_anew_opens_what_is_fetched_for_it_and_not_what_was_fetched_before(
    lockbox: Lockbox, people: People, asked: str
) -> None:
    grant = granted(lockbox, asked)
    old = lockbox("engineer", "token", grant).stdout.strip()
    assert lockbox("engineer", "key", "new").returncode == 0
    key = json.loads(lockbox("engineer", "key", "show", "--json").stdout)["thumbprint"]
    code, said = fetched(lockbox, people, old)
    assert (code, "[proof_of_another_key]" in said) == (3, True)
    assert fetched(lockbox, people, grant) == (0, "")
    new = lockbox("engineer", "token", grant).stdout.strip()
    assert jwt.decode(new, options={"verify_signature": False})["cnf"] == {"jkt": key}
    [*_, bound] = people.engineer.get(f"/grants/{grant}")["bound_to"]
    assert bound == key
