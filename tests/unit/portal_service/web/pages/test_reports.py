"""The reports: access that was opened without the customer, and grants beside their use."""

from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    NOW,
    REQUEST_ID,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    approval,
    caller,
    perform,
)
from tests.unit.portal_service.web.conftest import OpenAs

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.operations import AcknowledgeBreakGlass, UseBreakGlass
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import BreakGlass
from lockbox.contracts.usage import (
    AllowedUses,
    GetGrantUsage,
    GetUsage,
    GrantUsage,
    RefusalsByReason,
    RefusedUses,
    UsageReport,
    Uses,
    WithoutGrant,
)

LEAD = caller("lena@vendor.example", "vendor", Role.VENDOR_APPROVER)
ONCE = {"times": 1, "first_at": NOW, "last_at": NOW}


def broken(*, acknowledged: bool = False) -> Approval:
    one = approval(NOW, {"break_glass": BreakGlass(allowed=True)})
    for number, person in enumerate((VENDOR_APPROVER, LEAD)):
        command = UseBreakGlass(request_id=one.request_id, comment="It burns.", idempotency_key=f"k-{number}")
        one = perform(one, person, command, NOW).state
    if not acknowledged:
        return one
    noted = AcknowledgeBreakGlass(request_id=one.request_id, comment="We knew.", idempotency_key="k-9")
    return perform(one, ALICE, noted, NOW).state


def usage(**changes: Any) -> GrantUsage:
    return GrantUsage(
        **{
            "grant_id": REQUEST_ID,
            "request_id": REQUEST_ID,
            "tenant": "contoso",
            "engineer": "erin@vendor.example",
            "service_request": "SR-359423",
            "reason_code": "CUSTOMER_INITIATED_SUPPORT",
            "justification": "Alice cannot open her mailbox.",
            "resources": ("mailbox/*",),
            "actions": ("read", "export"),
            "opened_by": "approval",
            "state": "EXPIRED",
            "granted_at": NOW,
            "starts_at": NOW,
            "ends_at": NOW,
            "ended_at": NOW,
            "ended_by": None,
            "never_used": False,
            "used": Uses(times=2, first_at=NOW, last_at=NOW),
            "touched": (AllowedUses(resource="mailbox/alice", action="read", **ONCE | {"times": 2}),),
            "touched_left_out": 0,
            "untouched_resources": (),
            "untouched_actions": ("export",),
            "refused": Uses(**ONCE),
            "refusals": (RefusedUses(resource="mailbox/bob", action="delete", reason="action_not_granted", **ONCE),),
            "refusals_left_out": 0,
            **changes,
        }
    )


def report(*items: GrantUsage) -> dict[type, Any]:
    found = UsageReport(
        tenant="contoso",
        start=NOW,
        end=NOW,
        grants=len(items),
        never_used=0,
        without_grant=WithoutGrant(
            times=3, first_at=NOW, last_at=NOW, reasons=(RefusalsByReason(reason="no_grant", **ONCE),)
        ),
        items=items,
        next_cursor=None,
    )
    return {GetUsage: found, GetGrantUsage: items[0] if items else None}


# --- break-glass ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "offered"), [(ALICE, True), (ADMIN, True), (AUDITOR, False), (VENDOR_APPROVER, False)]
)
def test_access_that_is_not_acknowledged_stands_first(open_as: OpenAs, person: Caller, *, offered: bool) -> None:
    page = open_as(person, broken()).get("/grants/break-glass")
    assert "To be acknowledged 1" in page.text
    assert "It burns." in page.text
    assert ("Acknowledge the access of SR-359423" in page.links) is offered


def test_access_that_is_acknowledged_stands_below(open_as: OpenAs) -> None:
    page = open_as(ALICE, broken(acknowledged=True)).get("/grants/break-glass")
    assert "Nothing waits for an acknowledgement." in page.text
    assert "We knew." in page.text
    assert "Acknowledge the access of SR-359423" not in page.links


# --- usage ---------------------------------------------------------------------------------------------------------


def test_report_shows_what_was_granted_beside_its_use(open_as: OpenAs) -> None:
    page = open_as(AUDITOR, answers=report(usage())).get("/grants/usage")
    for text in ("Used 2 times", "mailbox/alice", "Refused once", "Action not granted", "never touched"):
        assert text in page.text
    assert "Refused without a grant 3" in page.text


def test_report_of_a_grant_that_was_never_used_says_so(open_as: OpenAs) -> None:
    unused = usage(never_used=True, used=Uses(), touched=(), refused=Uses(), refusals=())
    assert (
        "Never used: nothing of this was touched." in open_as(ADMIN, answers=report(unused)).get("/grants/usage").text
    )


@pytest.mark.parametrize(("person", "linked"), [(AUDITOR, True), (ALICE, False)])
def test_report_leads_to_the_audit_trail_for_its_readers(open_as: OpenAs, person: Caller, *, linked: bool) -> None:
    page = open_as(person, answers=report(usage())).get(f"/grants/usage/{REQUEST_ID}")
    assert ("Every use in the audit trail of SR-359423" in page.links) is linked


def test_report_is_of_the_own_tenant_whatever_the_address_says(open_as: OpenAs) -> None:
    portal = open_as(ALICE, answers=report(usage()))
    portal.get("/grants/usage?tenant=fabrikam&from=2026-01-01T00:00")
    [query] = portal.services.commands(GetUsage)
    assert query.tenant == "contoso"
    assert f"{query.start:%Y-%m-%d}" == "2026-01-01"


def test_auditor_of_the_vendor_chooses_the_tenant(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_AUDITOR, answers=report(usage()))
    portal.get("/grants/usage")
    assert [query.tenant for query in portal.services.commands(GetUsage)] == ["contoso"]
    assert "Customer" in portal.get("/grants/usage").text


def test_report_with_a_wrong_period_says_so(open_as: OpenAs) -> None:
    page = open_as(ALICE, answers=report(usage())).get("/grants/usage?from=yesterday", 422)
    assert "Nothing can be shown like this." in page.text


def test_report_is_not_for_engineers(open_as: OpenAs) -> None:
    open_as(ENGINEER, answers=report(usage())).get("/grants/usage", 403)
