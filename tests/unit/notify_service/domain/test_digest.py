from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.builders import EVENT_ID, NOW
from tests.unit.notify_service.domain.test_alert import OPENED, granted

from notify_service.domain.delivery import Delivery, delivery_id
from notify_service.domain.digest import MOST_LISTED, EmailCount, EmailPace, digest_of
from notify_service.domain.email import alert_for

PACE = EmailPace(10, timedelta(minutes=10))


def held(number: int = 1, fact: Any = OPENED, **changes: Any) -> Delivery:
    request_id = f"00000000-0000-4000-8000-{number:012}"
    alert = alert_for(replace(fact, request_id=request_id, **changes))
    assert alert is not None
    one = Delivery.of(EVENT_ID, alert, "alice@contoso.example", NOW)
    return replace(one, id=delivery_id(request_id, alert.kind))


def test_count_when_beyond_the_pace_is_held_to_the_end_of_the_window() -> None:
    assert EmailCount(10, NOW).held_until(PACE) is None
    assert EmailCount(11, NOW).held_until(PACE) == NOW


def test_digest_when_of_several_sorts_counts_each_in_its_subject() -> None:
    some = [held(1), held(2), held(2, extension=1), held(3, granted(require_approval=False))]
    assert digest_of(EVENT_ID, some).subject == (
        "Customer Lockbox: 2 more requests for your decision, 1 access opened or extended without your approvers"
    )
    assert digest_of(EVENT_ID, some[:1]).subject == "Customer Lockbox: 1 more request for your decision"


def test_digest_when_made_lists_each_alert_with_its_link() -> None:
    [(title, place)] = digest_of(EVENT_ID, [held(7)]).lines
    assert place == "requests/00000000-0000-4000-8000-000000000007"
    assert title.startswith("Decide on SR-359423 (request 00000000-0000-4000-8000-000000000007); Requestor: erin@")
    assert "Expires: 2026-01-31" in title


def test_digest_when_more_than_it_lists_says_that_it_is_cut() -> None:
    whole = digest_of(EVENT_ID, [held(number) for number in range(MOST_LISTED)])
    assert "are listed" not in whole.introduction
    cut = digest_of(EVENT_ID, [held(number) for number in range(MOST_LISTED + 3)])
    assert cut.introduction.endswith("The first 100 of 103 are listed; Lockbox has the others.")
    assert (len(cut.lines), len(cut.contents)) == (100, 103)


def test_digest_when_of_several_customers_is_on_record_for_none_of_them() -> None:
    assert digest_of(EVENT_ID, [held(1), held(2)]).tenant == "contoso"
    assert digest_of(EVENT_ID, [held(1), held(2, tenant="fabrikam")]).tenant is None


def test_digest_when_all_are_ordinary_is_ordinary() -> None:
    assert digest_of(EVENT_ID, [held()]).urgent
    assert not digest_of(EVENT_ID, [replace(held(), urgent=False)]).urgent
