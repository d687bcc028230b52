from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.builders import ALICE, NOW, created, event, granted

from audit_service.domain.usage import Counted, Period, Tally, together
from lockbox.contracts.grant.facts import ExtensionDecided, GrantActivated, GrantCompleted, GrantExpired, GrantRevoked
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.usage import AllowedUses, GrantUsage, RefusedUses, Uses
from lockbox.errors import Invalid

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
APPROVED = granted(resources=("mailbox/alice", "files/*"), actions=("read", "export"))
GRANT = APPROVED.granted()
GIVEN = GRANT.announce(APPROVED.deliberation.terms, approval_required=True)
ABOUT = GRANT.about()


def tally(most: int = 20) -> Tally:
    return Tally(event(GIVEN, sequence=4), most)


def counted(type_: str = "access_allowed", times: int = 1, **changes: Any) -> Counted:
    named = {"resource": "mailbox/alice", "action": "read", "reason": "granted"}
    when = {"times": times, "first_at": NOW, "last_at": NOW + times * MINUTE}
    return Counted(**{"grant_id": GRANT.id, "type": type_, **named, **when, **changes})


def refused(times: int = 1, **changes: Any) -> Counted:
    return counted("access_denied", times, **{"resource": "mailbox/bob", "reason": "other_resource", **changes})


def usage(*kinds: Counted, most: int = 20) -> GrantUsage:
    one = tally(most)
    for kind in kinds:
        one.count(kind)
    return one.usage()


# --- the period ----------------------------------------------------------------------------------------------------


def test_period_when_nothing_is_asked_for_is_the_last_30_days() -> None:
    assert Period.of(None, None, NOW) == Period(NOW - 30 * DAY, NOW)


def test_period_when_only_its_end_is_asked_for_is_the_30_days_before() -> None:
    assert Period.of(None, NOW - DAY, NOW) == Period(NOW - 31 * DAY, NOW - DAY)


def test_period_when_only_its_start_is_asked_for_goes_on_until_now() -> None:
    assert Period.of(NOW - 90 * DAY, None, NOW) == Period(NOW - 90 * DAY, NOW)


def test_period_when_it_ends_at_the_beginning_of_time_is_as_long_as_it_can_be() -> None:
    beginning = datetime.min.replace(tzinfo=UTC)
    assert Period.of(None, beginning + DAY, NOW) == Period(beginning, beginning + DAY)


@pytest.mark.parametrize("end", [NOW, NOW - DAY])
def test_period_when_it_is_empty_is_refused(end: datetime) -> None:
    with pytest.raises(Invalid) as refusal:
        Period.of(NOW, end, NOW)
    assert (refusal.value.code, refusal.value.faults[0]["field"]) == ("invalid_to", "to")


def test_period_when_it_is_longer_than_a_year_is_refused() -> None:
    assert Period.of(NOW - 366 * DAY, NOW, NOW).end == NOW
    with pytest.raises(Invalid) as refusal:
        Period.of(NOW - 366 * DAY - timedelta(microseconds=1), NOW, NOW)
    assert (refusal.value.code, refusal.value.faults[0]["field"]) == ("invalid_from", "from")


# --- what was granted ----------------------------------------------------------------------------------------------


def test_usage_when_nothing_happened_yet_says_what_was_granted_and_that_it_was_never_used() -> None:
    found = usage()
    assert (found.engineer, found.service_request) == ("erin@vendor.example", "SR-359423")
    assert (found.resources, found.actions) == (("mailbox/alice", "files/*"), ("read", "export"))
    assert (found.granted_at, found.starts_at, found.ends_at) == (NOW, NOW, NOW + 4 * HOUR)
    assert (found.state, found.ended_at, found.ended_by) == (GrantState.SCHEDULED, None, None)
    assert found.never_used
    assert (found.used, found.refused) == (Uses(), Uses())
    assert (found.untouched_resources, found.untouched_actions) == (found.resources, found.actions)


@pytest.mark.parametrize(
    ("fact", "state", "ended_at"),
    [
        (GrantActivated(**ABOUT), GrantState.ACTIVE, None),
        (GrantCompleted(**ABOUT, comment=""), GrantState.COMPLETED, NOW + HOUR),
        (GrantRevoked(**ABOUT, comment=""), GrantState.REVOKED, NOW + HOUR),
        (GrantExpired(**ABOUT), GrantState.EXPIRED, NOW + 4 * HOUR),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_usage_when_events_come_in_any_order_shows_the_latest_state(
    fact: Any, state: GrantState, ended_at: datetime | None, late: bool
) -> None:
    one = tally()
    opened = event(GrantActivated(**ABOUT), sequence=5)
    ended = replace(event(fact, sequence=6, actor=ALICE.email), time=NOW + HOUR)
    for told in (ended, opened) if late else (opened, ended):
        one.follow(told)
    found = one.usage()
    assert (found.state, found.ended_at) == (state, ended_at)
    assert found.ended_by == (ALICE.email if ended_at else None)


def test_usage_when_it_was_extended_names_its_new_end() -> None:
    one = tally()
    longer = ExtensionDecided(**ABOUT, number=1, outcome="approve", ends_at=NOW + 6 * HOUR)
    one.follow(event(longer, sequence=7))
    one.follow(event(GrantExpired(**ABOUT), sequence=8))
    found = one.usage()
    assert (found.ends_at, found.ended_at) == (NOW + 6 * HOUR, NOW + 6 * HOUR)


def test_tally_when_made_of_another_event_than_a_grant_raises() -> None:
    with pytest.raises(TypeError, match="request_created gives no access"):
        Tally(event(created()), 20)


# --- what was done -------------------------------------------------------------------------------------------------


def test_usage_when_it_was_used_says_what_when_and_how_often() -> None:
    early = counted(times=2, resource="files/a", action="export", first_at=NOW - HOUR, last_at=NOW)
    found = usage(counted(times=3), early)
    assert found.used == Uses(times=5, first_at=NOW - HOUR, last_at=NOW + 3 * MINUTE)
    assert found.touched == (
        AllowedUses(resource="mailbox/alice", action="read", times=3, first_at=NOW, last_at=NOW + 3 * MINUTE),
        AllowedUses(resource="files/a", action="export", times=2, first_at=NOW - HOUR, last_at=NOW),
    )
    assert not found.never_used
    assert (found.refused, found.refusals) == (Uses(), ())


@pytest.mark.parametrize(
    ("touched", "resources", "actions"),
    [
        ({"resource": "mailbox/alice"}, ("files/*",), ("export",)),
        ({"resource": "files/a", "action": "export"}, ("mailbox/alice",), ("read",)),
        ({"resource": "files/a/b"}, ("mailbox/alice", "files/*"), ("export",)),
    ],
)
def test_usage_when_only_a_part_was_touched_names_the_rest(
    touched: dict[str, Any], resources: tuple[str, ...], actions: tuple[str, ...]
) -> None:
    found = usage(counted(**touched))
    assert (found.untouched_resources, found.untouched_actions) == (resources, actions)


def test_usage_when_something_was_refused_says_what_and_why_and_that_it_was_never_used() -> None:
    found = usage(refused(2), refused(reason="grant_revoked"))
    assert found.refused == Uses(times=3, first_at=NOW, last_at=NOW + 2 * MINUTE)
    assert found.refusals[0] == RefusedUses(
        resource="mailbox/bob", action="read", reason="other_resource", times=2, first_at=NOW, last_at=NOW + 2 * MINUTE
    )
    assert [one.reason for one in found.refusals] == ["other_resource", "grant_revoked"]
    assert found.never_used
    assert found.untouched_resources == ("mailbox/alice", "files/*")


def test_usage_when_there_is_more_than_is_kept_counts_all_and_says_how_much_is_left_out() -> None:
    touched = [counted(times=2, resource=f"files/{number}") for number in range(5)]
    last = counted(times=1, action="export")
    found = usage(*touched, last, *(refused(resource=f"mailbox/{number}") for number in range(4)), most=3)
    assert [one.resource for one in found.touched] == ["files/0", "files/1", "files/2"]
    assert (found.used.times, found.touched_left_out) == (11, 3)
    assert (found.refused.times, len(found.refusals), found.refusals_left_out) == (4, 3, 1)
    assert (found.untouched_resources, found.untouched_actions) == ((), ())


def test_together_when_nothing_was_used_has_no_first_and_no_last() -> None:
    assert together([]) == together([Uses(), Uses()]) == Uses()
