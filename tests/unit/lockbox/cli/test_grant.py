"""`lockbox grants`, `extend`, `revoke`, `complete`."""

from typing import Any

import pytest
from tests.unit.builders import ALICE, ENGINEER, complete, granted, revoke
from tests.unit.lockbox.cli.commands import fails, sent, table, works
from tests.unit.lockbox.cli.documents import SOON, extended, listed, outcome
from tests.unit.lockbox.fake_portal import FakePortal

from lockbox.contracts import wire

GRANT = granted().granted()
ROUTE = f"/api/v1/grants/{GRANT.id}"
EXTEND = ("extend", GRANT.id, "--duration", "PT1H", "--justification", "There is more to do.")

pytestmark = pytest.mark.usefixtures("signed_in")


def test_grants_when_listed_show_who_what_until_when_and_what_opened_them(portal: FakePortal) -> None:
    portal.says("GET /api/v1/grants", listed(wire.encode(GRANT)))
    [row] = table(works("grants", "--tenant", "contoso"), "GRANT ID")
    assert portal.requests[0].url.query == b"tenant=contoso&limit=50"
    assert row == [
        *(GRANT.id, "contoso", "ACTIVE", "2026-01-31 13:30:00 UTC", "erin@vendor.example"),
        *("mailbox/alice", "read", "approval"),
    ]


def test_extend_when_asked_for_says_that_the_access_goes_on(portal: FakePortal) -> None:
    portal.says(f"POST {ROUTE}/extensions", outcome(extended()), status=201)
    said = works(*EXTEND)
    assert sent(portal, f"POST {ROUTE}/extensions") == {"duration": "PT1H", "justification": "There is more to do."}
    assert said.splitlines() == [
        "Extension 1, PT1H more, is PENDING.",
        f"Grant {GRANT.id} is ACTIVE until 2026-01-31 13:30:00 UTC.",
    ]


def test_extend_when_it_is_too_long_says_what_is_left(portal: FakePortal) -> None:
    refusal = {"detail": "duration: expected at most PT4H, got 'PT9H'", "code": "extension_beyond_cap"}
    portal.says(f"POST {ROUTE}/extensions", refusal, status=422)
    assert fails(*EXTEND) == "duration: expected at most PT4H, got 'PT9H' [extension_beyond_cap]"


@pytest.mark.parametrize(
    ("act", "state", "ended"),
    [
        ("revoke", "REVOKED", revoke(granted(), ALICE, "enough", SOON)),
        ("complete", "COMPLETED", complete(granted(), ENGINEER, "enough", SOON)),
    ],
)
def test_end_when_done_says_since_when(portal: FakePortal, act: str, state: str, ended: Any) -> None:
    portal.says(f"POST {ROUTE}/{act}", wire.encode(ended.state.granted()))
    said = works(act, GRANT.id, "-m", "enough")
    assert said == f"Grant {GRANT.id} is {state} since 2026-01-31 09:35:00 UTC.\n"
    assert sent(portal, f"POST {ROUTE}/{act}") == {"comment": "enough"}
