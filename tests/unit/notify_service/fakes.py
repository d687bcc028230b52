"""Stores of notify_service in memory."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import cast

from tests.unit.fakes import FakeAggregates

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed, Event
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import Delivery, DeliveryState
from notify_service.domain.digest import EmailCount
from notify_service.store import SENDING_TAKES_AT_MOST


class FakeMembers:
    """Members by address, with organisation, roles and the number of the event that told of them."""

    def __init__(self, *known: tuple[str, str, str]) -> None:
        self.known = {email: (organisation, (role,), 0) for email, organisation, role in known}

    def learn(self, email: str, organisation: str, roles: Iterable[str], event: Event) -> None:
        if event.sequence > self.known.get(email, ("", (), 0))[2]:
            self.known[email] = organisation, tuple(roles), event.sequence

    def addresses(self, audience: Audience) -> Iterable[str]:
        if audience.organisation is None:
            return audience.emails
        return sorted(email for email in self.known if email != audience.but and self._is_in(audience, email))

    def _is_in(self, audience: Audience, email: str) -> bool:
        organisation, roles, _ = self.known[email]
        named = email in audience.emails or not set(roles).isdisjoint(audience.roles)
        return organisation == audience.organisation and named


class FakeDeliveries(FakeAggregates[Delivery]):
    """Deliveries, with when each is tried next."""

    noun = "delivery"

    def __init__(self) -> None:
        super().__init__()
        self.attempts: dict[str, int] = {}
        self.next_at: dict[str, datetime] = {}
        self.errors: list[str] = []
        self.digests: dict[str, str] = {}
        self._correlation_ids: dict[str, str] = {}

    def create(self, key: str, changed: Changed[Delivery], act: Act) -> Delivery:
        self.next_at.setdefault(key, changed.state.held_until or act.now)
        self._correlation_ids.setdefault(key, act.cause.correlation_id)
        return cast(Delivery, super().create(key, changed, act))

    def claim_due(self, now: datetime) -> Iterator[tuple[Delivery, int, Cause]]:
        for key, delivery in list(self.states.items()):
            if delivery.waits and self.next_at[key] <= now:
                self.attempts[key] = self.attempts.get(key, 0) + 1
                self.next_at[key] = now + SENDING_TAKES_AT_MOST
                yield delivery, self.attempts[key], Cause("notify_service", self._correlation_ids[key])

    def postpone(self, key: str, until: datetime, error: str) -> None:
        self.next_at[key] = until
        self.errors.append(error)

    def join(self, held: Delivery, new_digest: str) -> str:
        for one in self._held(held.recipient):
            self.digests.setdefault(one.id, new_digest)
        return self.digests[held.id]

    def leave(self, held: Delivery) -> None:
        self.digests.pop(held.id, None)

    def held_in(self, digest: str, recipient: str) -> Sequence[Delivery]:
        found = [one for one in self._held(recipient) if self.digests.get(one.id) == digest]
        return sorted(found, key=lambda one: (self.next_at[one.id], one.id))

    def _held(self, recipient: str) -> list[Delivery]:
        states = list(self.states.values())
        return [one for one in states if one.state == DeliveryState.HELD and one.recipient == recipient]


class FakeEmailCounts:
    """Counts of emails by recipient."""

    def __init__(self) -> None:
        self.counts: dict[str, EmailCount] = {}

    def count(self, recipient: str, window: timedelta, now: datetime) -> EmailCount:
        before = self.counts.get(recipient)
        if before is None or before.window_ends_at <= now:
            self.counts[recipient] = EmailCount(1, now + window)
        else:
            self.counts[recipient] = EmailCount(before.number + 1, before.window_ends_at)
        return self.counts[recipient]
