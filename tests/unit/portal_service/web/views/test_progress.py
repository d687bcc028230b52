from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import ALICE, ANN, ENGINEER, NOW, VENDOR_APPROVER, approval, decide, granted, perform, quorum
from tests.unit.portal_service.web.portal import details

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.operations import CancelRequest, RequestExtension
from lockbox.contracts.grant.operations import CompleteGrant, RevokeGrant
from lockbox.contracts.policy.document import DEFAULT_STAGES
from portal_service.web.views import progress
from portal_service.web.views.progress import Step


def steps(one: Approval) -> list[Step]:
    return progress.steps(details(one, ALICE))


def standings(one: Approval) -> list[tuple[str, str]]:
    return [(step.title, step.standing) for step in steps(one)]


def counts(step: Step) -> list[tuple[int, int]]:
    return [(group.given, group.needed) for group in step.groups]


def test_new_request_is_open_at_the_vendor() -> None:
    assert standings(approval()) == [
        ("Requested", "done"),
        ("Vendor", "open"),
        ("Customer", "ahead"),
        ("Access", "ahead"),
    ]
    assert steps(approval())[0].summary == "by erin@vendor.example"
    assert steps(approval())[-1].summary == "4 hours at most, once approved"


def test_group_when_some_of_its_approvals_are_given_counts_them() -> None:
    one = decide(decide(approval(NOW, {"stages": quorum(2)}), VENDOR_APPROVER).state, ALICE).state
    vendor, customer = steps(one)[1:3]
    assert (vendor.standing, counts(vendor)) == ("done", [(1, 1)])
    assert (customer.standing, counts(customer)) == ("open", [(1, 2)])
    assert not customer.groups[0].satisfied
    assert vendor.groups[0].satisfied


def test_request_when_rejected_has_failed_in_that_stage() -> None:
    one = decide(decide(approval(), VENDOR_APPROVER).state, ALICE, "deny").state
    assert standings(one) == [("Requested", "done"), ("Vendor", "done"), ("Customer", "failed"), ("No access", "left")]
    assert steps(one)[2].summary == "rejected by the customer's people"
    assert steps(one)[-1].summary == "the request is denied"


def test_request_when_cancelled_leaves_its_stages_undecided() -> None:
    cancel = CancelRequest(request_id=approval().request_id, idempotency_key="k-2")
    one = perform(approval(), ENGINEER, cancel, NOW).state
    assert standings(one) == [("Requested", "done"), ("Vendor", "left"), ("Customer", "left"), ("No access", "left")]
    vendor, customer = steps(one)[1:3]
    assert vendor.summary == "the vendor's people did not decide"
    assert customer.groups == ()
    assert steps(one)[-1].summary == "the request is cancelled"


def test_request_when_one_of_two_rejections_was_given_and_time_ran_out_has_not_failed() -> None:
    vendor, customer = DEFAULT_STAGES
    settings = {"stages": (vendor, replace(customer, denials=2))}
    one = decide(decide(approval(NOW, settings), VENDOR_APPROVER).state, ANN, "deny").state
    expired = one.advance(one.expires_at).state
    assert standings(expired)[2] == ("Customer", "left")


def test_access_when_granted_is_open_now() -> None:
    assert standings(granted())[-1] == ("Access", "done")
    assert steps(granted())[-1].summary == "open now"


def test_access_when_it_starts_later_says_so() -> None:
    one = granted(starts_at=NOW + timedelta(hours=1))
    assert (steps(one)[-1].standing, steps(one)[-1].summary) == ("open", "opens later")


@pytest.mark.parametrize(
    ("command", "person", "standing", "summary"),
    [(RevokeGrant, ALICE, "failed", "revoked"), (CompleteGrant, ENGINEER, "left", "completed")],
)
def test_access_when_ended_says_how(command: Any, person: Any, standing: str, summary: str) -> None:
    one = granted()
    ended = perform(one, person, command(grant_id=one.granted().id, idempotency_key="k-3"), NOW).state
    assert (steps(ended)[-1].standing, steps(ended)[-1].summary) == (standing, summary)


def test_access_when_opened_by_the_policy_says_so() -> None:
    one = approval(NOW, {"require_approval": False, "audit_only": True, "stages": ()})
    assert steps(one)[-1].summary == "open now, by the policy, without people"


def test_extension_goes_through_the_same_stages() -> None:
    one = granted(duration=timedelta(hours=1))
    asked = RequestExtension(
        grant_id=one.granted().id, duration=timedelta(minutes=30), justification="Longer.", idempotency_key="k-2"
    )
    shown = details(perform(one, ENGINEER, asked, NOW).state, ALICE)
    found = progress.extension_steps(shown.extensions[0], shown.you)
    assert [(step.title, step.standing) for step in found] == [("Vendor", "open"), ("Customer", "ahead")]
