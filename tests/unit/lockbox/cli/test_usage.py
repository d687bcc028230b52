"""`lockbox usage`."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.unit.builders import NOW, event, granted
from tests.unit.lockbox.cli.commands import fails, table, works
from tests.unit.lockbox.fake_portal import FakePortal

from audit_service.domain.usage import Counted, Tally
from lockbox.contracts import wire
from lockbox.contracts.usage import GrantUsage, RefusalsByReason, UsageReport, WithoutGrant

APPROVED = granted(resources=("mailbox/alice", "files/*"), actions=("read", "export"))
GRANT = APPROVED.granted()
ROUTE = "GET /api/v1/tenants/contoso/usage"
START, LATER = NOW - timedelta(days=30), NOW + timedelta(minutes=5)

pytestmark = pytest.mark.usefixtures("signed_in")


def usage(*kinds: tuple[str, str, str, int], most: int = 20) -> GrantUsage:
    """What the audit would say of these accesses: type, resource, reason, times."""
    tally = Tally(event(GRANT.announce(APPROVED.deliberation.terms, approval_required=True)), most)
    for type_, resource, reason, times in kinds:
        what: dict[str, Any] = {"type": type_, "resource": resource, "reason": reason, "times": times}
        tally.count(Counted(grant_id=GRANT.id, action="read", first_at=NOW, last_at=LATER, **what))
    return tally.usage()


def report(*items: GrantUsage, next_cursor: str | None = None) -> dict[str, Any]:
    reasons = (
        RefusalsByReason(reason="no_grant", times=2, first_at=NOW, last_at=LATER),
        RefusalsByReason(reason="token_forged", times=1),
    )
    return wire.encode(
        UsageReport(
            tenant="contoso",
            start=START,
            end=NOW,
            grants=3,
            never_used=1,
            without_grant=WithoutGrant(times=3, first_at=NOW, last_at=LATER, reasons=reasons),
            items=items,
            next_cursor=next_cursor,
        )
    )


USED = usage(("access_allowed", "mailbox/alice", "granted", 3), ("access_denied", "mailbox/bob", "other_resource", 2))


def test_usage_when_shown_begins_with_the_whole_period(portal: FakePortal) -> None:
    portal.says(ROUTE, report())
    assert works("usage", "contoso").splitlines() == [
        "Grants given from 2026-01-01 09:30:00 UTC to 2026-01-31 09:30:00 UTC: 3.",
        "Never used: 1.",
        "Refused attempts without a grant: 3 (2 no_grant, 1 token_forged; the last one 2026-01-31 09:35:00 UTC).",
    ]


def test_usage_when_a_grant_was_used_shows_what_was_allowed_used_untouched_and_refused(portal: FakePortal) -> None:
    portal.says(ROUTE, report(USED))
    said = works("usage", "contoso")
    when = ("2026-01-31 09:30:00 UTC", "2026-01-31 09:35:00 UTC")
    allowed, used, untouched, refused = (part.splitlines() for part in said.split("\n\n")[1:])
    assert table("\n".join(allowed), "GRANT ID") == [
        [
            *(GRANT.id, "SR-359423", "erin@vendor.example", "SCHEDULED"),
            *(when[0], "2026-01-31 13:30:00 UTC", "read, export", "mailbox/alice, files/*"),
        ]
    ]
    assert (used[0], table("\n".join(used), "GRANT ID")) == (
        "Used",
        [[GRANT.id, "3", *when, "read", "mailbox/alice"]],
    )
    assert (untouched[0], table("\n".join(untouched), "GRANT ID")) == (
        "Granted, but never touched",
        [[GRANT.id, "export", "files/*"]],
    )
    assert (refused[0], table("\n".join(refused), "GRANT ID")) == (
        "Refused",
        [[GRANT.id, "2", *when, "other_resource", "read", "mailbox/bob"]],
    )


def test_usage_when_a_grant_was_never_used_says_so(portal: FakePortal) -> None:
    portal.says(ROUTE, report(usage()))
    said = works("usage", "contoso")
    assert table(said.partition("\nUsed\n")[2], "GRANT ID") == [[GRANT.id, "never used", "-", "-", "-", "-"]]
    assert "never touched" not in said
    assert "Refused\n" not in said


def test_usage_when_a_list_leaves_something_out_says_how_much(portal: FakePortal) -> None:
    kinds = [("access_allowed", f"files/{number}", "granted", 1) for number in range(5)]
    portal.says(ROUTE, report(usage(*kinds, most=2), next_cursor="c-2"))
    said = works("usage", "contoso").splitlines()
    assert f"Of grant {GRANT.id}, 3 more are used less often; see `--grant`, or `audit`." in said
    assert said[-1] == "There are more; see `--all`. Shown: 1."


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ((), b"limit=50"),
        (("--from", "2026-01-01T00:00:00Z", "--limit", "5"), b"from=2026-01-01T00%3A00%3A00Z&limit=5"),
        (("--to", "2026-02-01T00:00:00Z"), b"to=2026-02-01T00%3A00%3A00Z&limit=50"),
    ],
)
def test_usage_when_of_a_period_asks_for_that(portal: FakePortal, options: tuple[str, ...], query: bytes) -> None:
    portal.says(ROUTE, report())
    works("usage", "contoso", *options)
    assert portal.requests[0].url.query == query


def test_usage_when_all_is_asked_for_reads_every_part_of_the_same_period(portal: FakePortal) -> None:
    def part(request: httpx.Request) -> httpx.Response:
        first = "cursor" not in request.url.params
        return httpx.Response(200, json=report(USED, next_cursor="c-2" if first else None))

    portal.on(ROUTE, part)
    found = json.loads(works("usage", "contoso", "--all", "--json"))
    assert (len(found["items"]), found["next_cursor"]) == (2, None)
    _, second = (dict(request.url.params) for request in portal.requests)
    period = {"from": "2026-01-01T09:30:00.123456Z", "to": "2026-01-31T09:30:00.123456Z"}
    assert second == {**period, "limit": "50", "cursor": "c-2"}


def test_usage_when_of_one_grant_shows_that_alone(portal: FakePortal) -> None:
    portal.says(f"{ROUTE}/{GRANT.id}", wire.encode(USED))
    said = works("usage", "contoso", "--grant", GRANT.id)
    assert [row[-1] for row in table(said.partition("\nUsed\n")[2], "GRANT ID")] == ["mailbox/alice"]
    assert "Never used" not in said
    assert json.loads(works("usage", "contoso", "--grant", GRANT.id, "--json")) == wire.encode(USED)


def test_usage_when_the_portal_refuses_says_why(portal: FakePortal) -> None:
    refusal = {"detail": "to: expected a moment after `from`, got 'x'", "code": "invalid_to"}
    portal.says(ROUTE, refusal, status=422)
    assert fails("usage", "contoso") == "to: expected a moment after `from`, got 'x' [invalid_to]"
