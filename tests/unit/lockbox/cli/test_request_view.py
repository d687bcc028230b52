"""`lockbox show`: what of a request people see."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    EVENT_ID,
    NOW,
    OWN_LEAD,
    REQUEST_ID,
    VENDOR_APPROVER,
    acknowledge,
    approval,
    decide,
    granted,
    quorum,
    revoke,
    terms,
)
from tests.unit.lockbox.cli.commands import table, works
from tests.unit.lockbox.cli.documents import (
    SOON,
    answered,
    asked_back,
    broken_open,
    details,
    extended,
    not_arrived,
)
from tests.unit.lockbox.fake_portal import FakePortal

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import Condition, Group, Rule, Side, StagePlan
from lockbox.contracts.request.views import HistoryEntry

LESS = Changes(duration=timedelta(hours=1), resources=("mailbox/alice",))
BOARD = StagePlan(name="Board", side=Side.CUSTOMER, groups=(Group(name="Admins", members=("customer_admin",)),))
ADDED = Rule(name="Mail", when=Condition(actions=("read",)), then="add_stage", stage=BOARD)

pytestmark = pytest.mark.usefixtures("signed_in")


def shown(portal: FakePortal, one: Approval, reader: Caller = ALICE, **more: Any) -> str:
    portal.says(f"GET /api/v1/requests/{REQUEST_ID}", details(one, reader, **more))
    return works("show", REQUEST_ID)


def fields(said: str) -> dict[str, str]:
    """What stands before the first empty line, by its label."""
    lines = said.split("\n\n")[0].splitlines()
    at = lines[0].index(REQUEST_ID)
    return {line[:at].strip(): line[at:].strip() for line in lines}


def standing(said: str) -> list[str]:
    return said.split("\nOpen\n")[1].splitlines()


# --- what was asked, and what is left of it ------------------------------------------------------------------------


def test_show_when_nothing_was_decided_shows_what_was_asked(portal: FakePortal) -> None:
    said = fields(shown(portal, approval()))
    assert (said["Service request"], said["Status"], said["Duration"]) == ("SR-359423", "PENDING_VENDOR", "PT4H")
    assert (said["Resources"], said["Actions"], said["Starts"]) == ("mailbox/alice", "read", "-")
    assert said["Expires"] == "2026-01-31 21:30:00 UTC"
    assert said["Policy version"] == "1"
    assert said.keys().isdisjoint({"Of that only", "Rule", "Reasons", "Break-glass"})


def test_show_when_an_approver_left_less_shows_what_can_still_be_granted(portal: FakePortal) -> None:
    resources = ("mailbox/*", "files/x")
    narrowed = decide(approval(resources=resources), VENDOR_APPROVER, comment="One hour.", changes=LESS).state
    said = shown(portal, narrowed, asked=terms(resources=resources))
    assert fields(said)["Resources"] == "mailbox/* (every item directly below mailbox), files/x"
    assert fields(said)["Of that only"] == "duration PT1H; resources mailbox/alice"
    assert table(said, "STAGE  APPROVER") == [
        [
            "1",
            "victor@vendor.example",
            "approve",
            "Vendor approvers",
            "2026-01-31 09:30:00 UTC",
            "only duration PT1H; resources mailbox/alice: One hour.",
        ]
    ]


def test_show_when_a_rule_met_the_request_says_which_and_why(portal: FakePortal) -> None:
    said = fields(shown(portal, approval(settings={"rules": (ADDED,)})))
    assert (said["Rule"], said["Reasons"]) == ("Mail", "the rule 'Mail' adds the stage 'Board'")


def test_show_when_the_policy_denied_by_itself_says_why(portal: FakePortal) -> None:
    said = shown(portal, approval(duration=timedelta(hours=5)))
    assert fields(said)["Reasons"] == "the tenant's policy allows at most PT4H"
    assert "Stages" not in said
    assert "\nOpen\n" not in said


# --- stages --------------------------------------------------------------------------------------------------------


def test_show_when_a_stage_is_open_says_what_is_missing_and_from_whom(portal: FakePortal) -> None:
    once = decide(approval(settings={"stages": quorum(2), "rules": (ADDED,)}), VENDOR_APPROVER).state
    said = shown(portal, decide(once, ALICE).state)
    assert table(said, "STAGE  NAME") == [
        ["1", "Vendor", "VENDOR", "passed", "1", "Vendor approvers", "1", "-", "vendor_approver"],
        ["2", "Customer", "CUSTOMER", "open", "1", "Approvers", "2", "1", "customer_approver"],
        ["3", "Board", "CUSTOMER", "not open yet", "1", "Admins", "1", "-", "customer_admin"],
    ]


def test_show_when_a_group_is_satisfied_says_that_it_misses_nothing(portal: FakePortal) -> None:
    vendor = quorum(1)[0]
    both = StagePlan(name="Both", side=Side.CUSTOMER, groups=(*quorum(1)[1].groups, *BOARD.groups), denials=2)
    once = decide(approval(settings={"stages": (vendor, both)}), VENDOR_APPROVER).state
    rows = table(shown(portal, decide(once, ALICE).state, ADMIN), "STAGE  NAME")
    assert [(row[4], row[5], row[7]) for row in rows[1:]] == [("2", "Approvers", "0"), ("2", "Admins", "1")]


def test_show_when_the_request_was_denied_says_where_it_ended(portal: FakePortal) -> None:
    said = shown(portal, decide(approval(), VENDOR_APPROVER, "deny").state)
    assert [row[3] for row in table(said, "STAGE  NAME")] == ["ended", "not reached"]


# --- what else belongs to it ---------------------------------------------------------------------------------------


def test_show_when_somebody_asked_shows_question_and_answer(portal: FakePortal) -> None:
    assert table(shown(portal, answered()), "TIME                     WHAT      BY") == [
        ["2026-01-31 09:30:00 UTC", "question", "victor@vendor.example", "Which mailbox?"],
        ["2026-01-31 09:35:00 UTC", "answer", "erin@vendor.example", "Alice's."],
    ]
    assert fields(shown(portal, asked_back()))["Status"] == "INFO_REQUESTED"


def test_show_when_access_was_granted_says_from_when_to_when(portal: FakePortal) -> None:
    one = granted()
    assert (f"Grant {one.granted().id} is ACTIVE, from 2026-01-31 09:30:00 UTC to 2026-01-31 13:30:00 UTC.\n") in shown(
        portal, one
    )


def test_show_when_access_was_revoked_says_when_it_ended(portal: FakePortal) -> None:
    revoked = revoke(granted(), ALICE, "enough", SOON).state
    assert "is REVOKED, from 2026-01-31 09:30:00 UTC to 2026-01-31 09:35:00 UTC.\n" in shown(portal, revoked)


def test_show_when_the_policy_opened_the_access_says_so(portal: FakePortal) -> None:
    said = shown(portal, approval(settings={"audit_only": True, "require_approval": False}))
    assert "UTC, opened by the policy itself.\n" in said


def test_show_when_an_extension_waits_shows_where_it_stands(portal: FakePortal) -> None:
    said = shown(portal, decide(extended(), VENDOR_APPROVER, comment="fine", now=SOON).state)
    part = said.split("\nExtension 1\n")[1]
    assert part.startswith("PENDING: PT1H more, asked for 2026-01-31 09:35:00 UTC: There is more to do.\n")
    assert [row[3] for row in table(part, "STAGE  NAME")] == ["passed", "open"]
    assert [row[-1] for row in table(part, "STAGE  APPROVER")] == ["fine"]


def test_show_when_an_extension_was_decided_shows_how(portal: FakePortal) -> None:
    said = shown(portal, decide(extended(), VENDOR_APPROVER, "deny", "no", SOON).state)
    part = said.split("\nExtension 1\n")[1]
    assert part.startswith("DENIED: PT1H more")
    assert "STAGE  NAME" not in part
    assert [row[2] for row in table(part, "STAGE  APPROVER")] == ["deny"]


def test_show_when_break_glass_is_allowed_says_so(portal: FakePortal) -> None:
    assert fields(shown(portal, broken_open(0)))["Break-glass"] == "the policy allows it"


@pytest.mark.parametrize("approvers", [1, 2])
def test_show_when_break_glass_was_wanted_shows_how_far_it_came(portal: FakePortal, approvers: int) -> None:
    said = shown(portal, broken_open(approvers))
    rows = table(said, "TIME                     WHAT")
    wanted = ["2026-01-31 09:35:00 UTC", "asked for", "victor@vendor.example", "victor@vendor.example sees fire"]
    opened = ["2026-01-31 09:35:00 UTC", "opened", "lena@vendor.example", "-"]
    assert rows == [wanted, opened, ["-", "not acknowledged yet", "-", "-"]][: approvers if approvers == 1 else 3]
    assert ("opened by break-glass." in said) is (approvers == 2)
    assert "Break-glass" not in fields(said)


def test_show_when_break_glass_was_acknowledged_shows_by_whom(portal: FakePortal) -> None:
    known = acknowledge(broken_open(), ADMIN, "seen", SOON).state
    [*_, last] = table(shown(portal, known), "TIME                     WHAT")
    assert last == ["2026-01-31 09:35:00 UTC", "acknowledged", "carol@contoso.example", "seen"]


def test_show_when_things_happened_shows_them_with_what_was_said(portal: FakePortal) -> None:
    history = tuple(
        HistoryEntry(id=EVENT_ID, type=kind, time=NOW, actor="x@vendor.example", data=data)
        for kind, data in [
            ("request_created", {}),
            ("info_requested", {"question": "Which?"}),
            ("info_provided", {"answer": "This."}),
            ("decision_recorded", {"comment": "as [agreed]"}),
        ]
    )
    rows = table(shown(portal, approval(), history=history), "TIME                     EVENT")
    assert [(row[1], row[3]) for row in rows] == [
        ("request_created", "-"),
        ("info_requested", "Which?"),
        ("info_provided", "This."),
        ("decision_recorded", "as [agreed]"),
    ]


# --- what is open, and whether one may decide ----------------------------------------------------------------------


def test_show_when_the_reader_may_decide_shows_the_digest_and_says_so(portal: FakePortal) -> None:
    one = approval()
    assert standing(shown(portal, one, VENDOR_APPROVER)) == [
        "Request, in stage 1, Vendor, until 2026-01-31 21:30:00 UTC: read on mailbox/alice for PT4H.",
        f"Digest: {details(one)['request_digest']}",
        "You may decide; your approval counts for Vendor approvers.",
        "When the stage is approved: no access yet, the stage 'Customer' decides.",
    ]


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ({"outcome": "access"}, "access from 2026-01-31 09:30:00 UTC to 2026-01-31 13:30:00 UTC."),
        ({"outcome": "denial", "why": ["not now"]}, "no access, the policy denies (not now)."),
        (
            {"outcome": "refusal", "message": "no access in the freeze 'stop'"},
            "refused, no access in the freeze 'stop'.",
        ),
        (
            {"outcome": "stage", "why": ["late"], "next": {"name": "Legal"}},
            "no access yet, the stage 'Legal' decides (late).",
        ),
    ],
)
def test_show_when_the_reader_may_decide_says_what_the_approval_does(
    portal: FakePortal, effect: dict[str, Any], said: str
) -> None:
    document = details(decide(approval(), VENDOR_APPROVER).state, ALICE)
    document["open"]["effect"] |= {"why": [], **effect}
    portal.says(f"GET /api/v1/requests/{REQUEST_ID}", document)
    assert standing(works("show", REQUEST_ID))[-1] == f"When the stage is approved: {said}"


@pytest.mark.parametrize(
    ("reader", "why"),
    [
        (
            ENGINEER,
            "this needs the role vendor_approver or customer_approver or customer_admin [role_required].",
        ),
        (OWN_LEAD, "nobody decides on an own request [own_request]."),
        (ALICE, "the vendor's people decide now [not_your_stage]."),
        (AUDITOR, "this needs the role vendor_approver or customer_approver or customer_admin [role_required]."),
    ],
)
def test_show_when_the_reader_can_not_decide_says_why(portal: FakePortal, reader: Caller, why: str) -> None:
    assert standing(shown(portal, approval(), reader))[-1] == f"You can't decide: {why}"


@pytest.mark.parametrize(
    ("one", "reader", "names"),
    [
        (approval(), VENDOR_APPROVER, "approve, deny, ask"),
        (approval(), ENGINEER, "cancel"),
        (asked_back(), ENGINEER, "answer, cancel"),
        (granted(), ENGINEER, "fetch, proxy, token, extend, complete"),
        (granted(), ALICE, "revoke"),
    ],
)
def test_show_when_the_reader_may_do_something_names_the_commands(
    portal: FakePortal, one: Approval, reader: Caller, names: str
) -> None:
    assert f"\nCommands that you may use now\n{names}\n" in shown(portal, one, reader)


def test_show_when_the_reader_may_do_nothing_names_no_command(portal: FakePortal) -> None:
    assert "Commands that you may use now" not in shown(portal, approval(), AUDITOR)


def test_show_when_the_permissions_change_follows_them_alone(portal: FakePortal) -> None:
    document = details(approval(), AUDITOR)
    document["you"]["may"]["revoke_grant"] = {"allowed": True, "code": None, "message": None, "params": {}}
    portal.says(f"GET /api/v1/requests/{REQUEST_ID}", document)
    assert "\nCommands that you may use now\nrevoke\n" in works("show", REQUEST_ID)


def test_show_when_an_extension_is_open_shows_its_digest(portal: FakePortal) -> None:
    one = extended()
    said = standing(shown(portal, one, VENDOR_APPROVER))
    assert said[0].startswith("Extension 1, in stage 1, Vendor, until 2026-01-31 13:30:00 UTC: PT1H more to read")
    assert said[1] == f"Digest: {details(one)['extensions'][0]['request_digest']}"


def test_show_when_the_request_has_not_arrived_shows_what_was_asked(portal: FakePortal) -> None:
    portal.says(f"GET /api/v1/requests/{REQUEST_ID}", not_arrived())
    said = works("show", REQUEST_ID)
    assert fields(said)["Duration"] == "PT4H"
    assert "\nOpen\n" not in said


def test_show_when_json_is_wanted_prints_all_of_it(portal: FakePortal) -> None:
    document = details(extended())
    portal.says(f"GET /api/v1/requests/{REQUEST_ID}", document)
    assert json.loads(works("show", REQUEST_ID, "--json")) == document
