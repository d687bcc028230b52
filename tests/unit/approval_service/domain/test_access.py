from dataclasses import replace

import pytest
from tests.unit.builders import EVENT_ID, NOW, REQUEST_ID

from approval_service.domain.access import AccessRecord
from lockbox.contracts.access import AccessAllowed, AccessDenied, RecordAccess

GRANT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ATTEMPT = RecordAccess(
    access_id=EVENT_ID,
    allowed=True,
    tenant="contoso",
    grant_id=GRANT_ID,
    request_id=REQUEST_ID,
    engineer="erin@vendor.example",
    resource="mailbox/alice",
    action="read",
    reason="granted",
    at=NOW,
)
POINT = "content-service@vendor.example"


@pytest.mark.parametrize(("allowed", "kind"), [(True, AccessAllowed), (False, AccessDenied)])
def test_record_when_content_was_served_or_refused_says_which(allowed: bool, kind: type) -> None:
    changed = AccessRecord.of(replace(ATTEMPT, allowed=allowed), POINT)
    assert changed.state == AccessRecord(access_id=EVENT_ID)
    assert [type(fact) for fact in changed.facts] == [kind]


def test_record_when_made_says_who_tried_what_and_who_saw_it() -> None:
    [fact] = AccessRecord.of(ATTEMPT, POINT).facts
    assert fact == AccessAllowed(
        tenant="contoso",
        access_id=EVENT_ID,
        grant_id=GRANT_ID,
        request_id=REQUEST_ID,
        engineer="erin@vendor.example",
        resource="mailbox/alice",
        action="read",
        reason="granted",
        enforcement_point=POINT,
        at=NOW,
    )
    assert fact.subject == GRANT_ID


def test_record_when_there_was_no_grant_is_about_the_attempt_itself() -> None:
    nobody = replace(ATTEMPT, allowed=False, grant_id=None, request_id=None, engineer=None, reason="no_grant")
    [fact] = AccessRecord.of(nobody, POINT).facts
    assert (fact.subject, fact.tenant) == (EVENT_ID, "contoso")
