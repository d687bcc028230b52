from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import ALICE, NOW, VENDOR_APPROVER, approval, decide
from tests.unit.portal_service.web.portal import Services, request_view

from lockbox.contracts.approval.terms import Changes
from portal_service import usecases
from portal_service.web.views.narrowing import Narrowed, narrowed_terms

MUCH: dict[str, Any] = {"resources": ("mailbox/*", "files/report"), "actions": ("read", "export")}


def narrowed(changes: Changes) -> list[Narrowed]:
    asked = approval(**MUCH)
    services = Services(decide(asked, VENDOR_APPROVER, changes=changes).state)
    services.requests[asked.request_id] = request_view(asked)
    return narrowed_terms(usecases.read_request(services, ALICE, asked.request_id, lambda: False))


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        (Changes(duration=timedelta(hours=1)), Narrowed("Duration", ("4 hours",), ("1 hour",))),
        (
            Changes(starts_at=NOW + timedelta(hours=1)),
            Narrowed("Access starts", ("when approved",), ("2026-01-31 10:30:00 UTC",)),
        ),
        (
            Changes(resources=("mailbox/alice",)),
            Narrowed("Resources", ("mailbox/*", "files/report"), ("mailbox/alice",), listed=True),
        ),
        (Changes(actions=("read",)), Narrowed("Actions", ("read", "export"), ("read",), listed=True)),
    ],
)
def test_term_that_was_narrowed_is_shown_beside_what_was_asked_for(changes: Changes, difference: Narrowed) -> None:
    assert narrowed(changes) == [difference]


def test_terms_that_were_left_as_they_are_are_not_shown() -> None:
    assert narrowed(Changes(duration=timedelta(hours=4))) == []
