"""Promises of the stores of notify_service."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lockbox.contracts.events import Cause, Changed
from lockbox.contracts.identity import Role
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import Delivery, DeliveryState
from notify_service.domain.places import Closed
from notify_service.store import SENDING_TAKES_AT_MOST
from tests.stores.aggregates import AggregatesSuite, act
from tests.stores.approval_service import number
from tests.unit.builders import CORRELATION_ID, NOW, created, event

MINUTE = timedelta(minutes=1)
NOTHING = Closed()


def delivery(index: int = 1) -> Delivery:
    return Delivery(
        id=number(index),
        recipient=f"person-{index}@contoso.example",
        kind="approval_requested",
        tenant="contoso",
        request_id=number(100),
        subject="A request waits",
        introduction="It waits.",
        lines=(("Customer", "contoso"),),
        link_text="Open the request",
        urgent=False,
    )


class DeliveriesSuite(AggregatesSuite):
    """Deliveries, with when each is tried next."""

    noun = "delivery"
    answers = Delivery
    first = Changed(delivery(1))
    second = Changed(delivery(2))

    def step(self, state: Delivery) -> Changed[Delivery]:
        return state.sent()

    def keep(self, store: Any, *deliveries: Delivery) -> None:
        for one in deliveries:
            store.create(one.id, Changed(one), act(now=NOW))

    def claimed(self, store: Any, now: datetime, closed: Closed = NOTHING) -> list[int]:
        """Claim all that is due; the attempts of each."""
        return [attempts for _, attempts, _ in iter(lambda: store.claim_due(now, closed), None)]

    def test_claim_when_due_takes_each_once_with_its_attempt_and_cause(self, store: Any) -> None:
        self.keep(store, delivery(1), delivery(2))
        cause = Cause("notify_service", CORRELATION_ID)
        taken = [store.claim_due(NOW, NOTHING) for _ in range(2)]
        assert {one.id for one, _, _ in taken} == {number(1), number(2)}
        assert [(attempts, why) for _, attempts, why in taken] == [(1, cause), (1, cause)]
        assert store.claim_due(NOW, NOTHING) is None

    def test_claim_when_not_due_takes_nothing(self, store: Any) -> None:
        self.keep(store, delivery())
        assert self.claimed(store, NOW - MINUTE) == []

    @pytest.mark.parametrize(
        "closed",
        [
            Closed(ids=frozenset({number(1)})),
            Closed(domains=frozenset({"contoso.example", "a.b"})),
            Closed(tenants=frozenset({"contoso"})),
        ],
    )
    def test_claim_when_it_is_closed_takes_another(self, store: Any, closed: Closed) -> None:
        other = replace(delivery(2), recipient="f@xcontoso.example", tenant=None)
        self.keep(store, replace(delivery(1), recipient="Person@Contoso.example"), other)
        assert store.claim_due(NOW, closed)[0] == other
        assert store.claim_due(NOW, closed) is None

    def test_claim_when_whoever_took_it_said_nothing_more_takes_it_again(self, store: Any) -> None:
        self.keep(store, delivery())
        assert self.claimed(store, NOW) == [1]
        assert self.claimed(store, NOW + SENDING_TAKES_AT_MOST - MINUTE) == []
        assert self.claimed(store, NOW + SENDING_TAKES_AT_MOST) == [2]

    def test_postpone_when_asked_keeps_it_until_then(self, store: Any) -> None:
        self.keep(store, delivery())
        self.claimed(store, NOW)
        store.postpone(number(1), NOW, 10 * MINUTE, "connection refused")
        assert self.claimed(store, NOW + 9 * MINUTE) == []
        assert self.claimed(store, NOW + 10 * MINUTE) == [2]

    def test_give_back_when_asked_makes_it_due_without_an_attempt(self, store: Any) -> None:
        self.keep(store, delivery())
        self.claimed(store, NOW)
        store.give_back(number(1), NOW, "connection refused")
        assert self.claimed(store, NOW) == [1]

    def test_mend_times_when_a_clock_was_ahead_makes_it_due(self, store: Any) -> None:
        self.keep(store, delivery())
        self.claimed(store, NOW + 60 * MINUTE)
        store.postpone(number(1), NOW + 60 * MINUTE, MINUTE, "connection refused")
        store.mend_times(NOW + 60 * MINUTE)
        assert self.claimed(store, NOW + 60 * MINUTE) == []
        store.mend_times(NOW)
        assert self.claimed(store, NOW) == [2]

    def test_mend_times_when_all_clocks_are_right_changes_nothing(self, store: Any) -> None:
        self.keep(store, delivery())
        self.claimed(store, NOW)
        store.postpone(number(1), NOW, 60 * MINUTE, "connection refused")
        store.mend_times(NOW + MINUTE)
        assert self.claimed(store, NOW + 59 * MINUTE) == []

    def waiting(self, store: Any) -> tuple[int, datetime]:
        """The number and the oldest; MongoDB knows milliseconds."""
        count, oldest = store.waiting()
        return count, oldest.replace(microsecond=NOW.microsecond)

    def test_waiting_when_some_are_not_sent_gives_their_number_and_the_oldest(self, store: Any) -> None:
        assert store.waiting() == (0, None)
        self.keep(store, delivery(1), delivery(2))
        store.create(number(3), Changed(delivery(3)), act(now=NOW + MINUTE))
        assert self.waiting(store) == (3, NOW)
        for index in (1, 2):
            store.conclude(number(index), act(), Delivery.sent)
        assert self.waiting(store) == (1, NOW + MINUTE)

    def test_claim_when_it_is_sent_or_given_up_takes_it_no_more(self, store: Any) -> None:
        self.keep(store, delivery(1), delivery(2))
        store.conclude(number(1), act(), Delivery.sent)
        store.conclude(number(2), act(), lambda one: one.failed("connection refused", 7))
        assert self.claimed(store, NOW + 60 * MINUTE) == []

    def hold(self, store: Any, *indexes: int) -> list[Delivery]:
        held = [
            replace(
                delivery(index),
                recipient="alice@contoso.example",
                state=DeliveryState.HELD,
                held_until=NOW + index * MINUTE,
            )
            for index in indexes
        ]
        for one in held:
            store.create(one.id, Changed(one), act(now=NOW))
        return held

    def test_claim_when_held_waits_for_its_time(self, store: Any) -> None:
        self.hold(store, 1)
        assert list(store.claim_held(NOW)) == []
        assert [one.id for one, _, _ in store.claim_held(NOW + MINUTE)] == [number(1)]
        assert list(store.claim_held(NOW + MINUTE)) == []
        assert self.claimed(store, NOW + 60 * MINUTE) == []

    def test_mend_times_when_a_clock_that_was_ahead_held_it_makes_it_due(self, store: Any) -> None:
        held = replace(delivery(1), state=DeliveryState.HELD, held_until=NOW + 70 * MINUTE)
        store.create(held.id, Changed(held), act(now=NOW + 60 * MINUTE))
        store.mend_times(NOW)
        assert [one.id for one, _, _ in store.claim_held(NOW)] == [held.id]

    def test_join_when_none_has_a_digest_takes_all_of_the_recipient_and_no_other(self, store: Any) -> None:
        held = self.hold(store, 2, 1, 3)
        store.create(number(8), Changed(delivery(8)), act(now=NOW))
        assert store.join(held[0], number(90)) == number(90)
        assert [one.id for one in store.held_in(number(90), held[0].recipient)] == [number(1), number(2), number(3)]
        assert store.held_in(number(90), delivery(8).recipient) == []
        assert store.join(held[1], number(91)) == number(90)

    def test_leave_when_in_a_digest_joins_another(self, store: Any) -> None:
        held = self.hold(store, 1, 2)
        store.join(held[0], number(90))
        store.leave(held[0])
        assert store.join(held[0], number(91)) == number(91)
        assert [one.id for one in store.held_in(number(90), held[0].recipient)] == [number(2)]

    def test_held_when_it_was_sent_is_in_no_digest_any_more(self, store: Any) -> None:
        [held] = self.hold(store, 1)
        store.join(held, number(90))
        store.change(held.id, act(), lambda one: one.sent("<digest@lockbox.invalid>"))
        assert store.held_in(number(90), held.recipient) == []
        assert list(store.claim_held(NOW + 60 * MINUTE)) == []


class EmailCountsSuite:
    """Counts of emails in windows of time."""

    def test_count_when_in_a_window_goes_up_and_then_begins_anew(self, store: Any) -> None:
        end = NOW + 10 * MINUTE
        for index in (1, 2, 3):
            counted = store.count("alice@contoso.example", 10 * MINUTE, NOW + index * MINUTE - MINUTE)
            assert counted.number == index
            assert abs(counted.window_ends_at - end) < timedelta(milliseconds=1)
        assert store.count("ann@contoso.example", 10 * MINUTE, NOW).number == 1
        assert store.count("alice@contoso.example", 10 * MINUTE, end + MINUTE).number == 1

    def test_count_when_a_clock_that_was_ahead_began_the_window_begins_anew(self, store: Any) -> None:
        for moment in (NOW + 60 * MINUTE, NOW + 60 * MINUTE, NOW):
            counted = store.count("alice@contoso.example", 10 * MINUTE, moment)
        assert counted.number == 1
        assert abs(counted.window_ends_at - NOW - 10 * MINUTE) < timedelta(milliseconds=1)


class MembersSuite:
    """Members who can be told, as told by events."""

    def learn(self, store: Any, email: str, organisation: str, *roles: str, sequence: int = 1) -> None:
        store.learn(email, organisation, roles, event(created(), sequence))

    def test_addresses_when_for_roles_are_those_who_have_one_in_that_organisation(self, store: Any) -> None:
        self.learn(store, "b@contoso.example", "contoso", "customer_approver", "customer_auditor")
        self.learn(store, "a@contoso.example", "contoso", "customer_admin")
        self.learn(store, "c@contoso.example", "contoso", "customer_auditor")
        self.learn(store, "f@fabrikam.example", "fabrikam", "customer_admin")
        roles = (Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)
        audience = Audience(organisation="contoso", roles=roles)
        assert list(store.addresses(audience)) == ["a@contoso.example", "b@contoso.example"]
        spared = Audience(organisation="contoso", roles=roles, but="a@contoso.example")
        assert list(store.addresses(spared)) == ["b@contoso.example"]

    def test_addresses_when_people_are_named_are_those_who_are_members(self, store: Any) -> None:
        self.learn(store, "a@contoso.example", "contoso", "customer_admin")
        self.learn(store, "f@fabrikam.example", "fabrikam", "customer_admin")
        named = ("a@contoso.example", "f@fabrikam.example", "left@contoso.example")
        assert list(store.addresses(Audience(organisation="contoso", emails=named))) == ["a@contoso.example"]
        assert list(store.addresses(Audience(emails=named))) == list(named)

    def test_learn_when_an_earlier_event_comes_late_keeps_the_later(self, store: Any) -> None:
        self.learn(store, "a@contoso.example", "contoso", "customer_admin", sequence=3)
        for sequence in (2, 3):
            self.learn(store, "a@contoso.example", "contoso", sequence=sequence)
        admins = Audience(organisation="contoso", roles=(Role.CUSTOMER_ADMIN,))
        assert list(store.addresses(admins)) == ["a@contoso.example"]
        self.learn(store, "a@contoso.example", "contoso", sequence=4)
        assert list(store.addresses(admins)) == []
