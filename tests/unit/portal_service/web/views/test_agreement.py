"""What an approver is shown is what approval_service decides on, and lies within what request_service holds."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import NOW, VENDOR_APPROVER, approval, decide, terms

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.views import as_view
from lockbox.contracts.approval.terms import Changes
from portal_service.usecases import RequestDetails
from portal_service.web.views.agreement import agrees


def details(one: Approval, **differing: Any) -> RequestDetails:
    """Return the request as the two services hold it; `differing` are fields of request_service alone."""
    view = as_view(one)
    about = {"id": one.request_id, "requester": one.requester, "state": one.state, "created_at": one.created_at}
    kept = terms(resources=("mailbox/*",), actions=("read", "write")).within(**about, expires_at=one.expires_at)
    return RequestDetails(**kept | differing, open=view.open, notes=view.notes)


def asked() -> Approval:
    return approval(resources=("mailbox/*",), actions=("read", "write"))


def test_request_when_both_services_hold_the_same_agrees_also_after_an_approver_took_away() -> None:
    assert agrees(details(asked()))
    less = Changes(duration=timedelta(hours=1), resources=("mailbox/alice",), actions=("read",))
    assert agrees(details(decide(asked(), VENDOR_APPROVER, changes=less).state))


@pytest.mark.parametrize(
    "differing",
    [
        {"resources": ("mailbox/alice",)},
        {"actions": ("read",)},
        {"duration": timedelta(hours=1)},
        {"justification": "Another one."},
        {"tenant": "fabrikam"},
        {"service_request": "SR-1"},
        {"requester": "eve@vendor.example"},
        {"created_at": NOW - timedelta(days=1)},
        {"starts_at": NOW + timedelta(days=1)},
    ],
)
def test_request_when_a_field_of_one_service_differs_does_not_agree(differing: dict[str, Any]) -> None:
    assert not agrees(details(asked(), **differing))


def test_request_when_the_digest_is_not_of_what_is_shown_does_not_agree() -> None:
    shown = details(asked())
    assert shown.open is not None
    assert not agrees(replace(shown, open=replace(shown.open, digest="0" * 64)))
