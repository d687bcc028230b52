"""Deciding by commands: yes, less, no, questions, the queue, extensions, emergencies."""

import json
from collections.abc import Callable
from datetime import timedelta

from tests.e2e.cli.commands import ASK, Lockbox, fetched, shown
from tests.people import People
from tests.waiting import eventually

from lockbox.values.timestamps import parse_timestamp as moment


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
    assert grant["resources"] == ["mailbox/alice"]
    assert fetched(lockbox, people, grant["id"]) == (0, "")
    refused = "lockbox: The grant does not name this resource. [other_resource]\n"
    assert fetched(lockbox, people, grant["id"], "contoso/mailbox/bob") == (3, refused)


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
