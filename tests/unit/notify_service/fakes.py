"""Stores of notify_service in memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import cast

from tests.unit.fakes import FakeAggregates

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed, Event
from lockbox.runtime.storage.ledger import BEYOND_DOUBT
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import Delivery, DeliveryState
from notify_service.domain.digest import EmailCount
from notify_service.domain.places import Closed
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
        self.set_at: dict[str, datetime] = {}
        self.created_at: dict[str, datetime] = {}
        self.errors: list[str] = []
        self.digests: dict[str, str] = {}
        self._correlation_ids: dict[str, str] = {}

    def create(self, key: str, changed: Changed[Delivery], act: Act) -> Delivery:
        for times in (self.set_at, self.created_at):
            times.setdefault(key, act.now)
        self.next_at.setdefault(key, changed.state.held_until or act.now)
        self._correlation_ids.setdefault(key, act.cause.correlation_id)
        return cast(Delivery, super().create(key, changed, act))

    def claim_due(self, now: datetime, closed: Closed) -> tuple[Delivery, int, Cause] | None:
        for key in sorted(self._pending(), key=self.next_at.__getitem__):
            delivery = self.states[key]
            if self.next_at[key] <= now and not closed.to(delivery):
                return self._lease(key, now)
        return None

    def claim_held(self, now: datetime) -> Iterator[tuple[Delivery, int, Cause]]:
        for key, delivery in list(self.states.items()):
            if delivery.state == DeliveryState.HELD and self.next_at[key] <= now:
                yield self._lease(key, now)

    def _lease(self, key: str, now: datetime) -> tuple[Delivery, int, Cause]:
        self.attempts[key] = self.attempts.get(key, 0) + 1
        self._set(key, now, now + SENDING_TAKES_AT_MOST)
        return self.states[key], self.attempts[key], Cause("notify_service", self._correlation_ids[key])

    def conclude(self, key: str, act: Act, step: Callable[[Delivery], Changed[Delivery]]) -> None:
        self.change(key, act, step)

    def postpone(self, key: str, now: datetime, wait: timedelta, error: str) -> None:
        self._set(key, now, now + wait)
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

    def give_back(self, key: str, now: datetime, error: str) -> None:
        self.postpone(key, now, timedelta(0), error)
        self.attempts[key] -= 1

    def mend_times(self, now: datetime) -> None:
        for key, delivery in self.states.items():
            if delivery.waits and self.set_at[key] > now + BEYOND_DOUBT:
                self._set(key, now, now)

    def waiting(self) -> tuple[int, datetime | None]:
        pending = self._pending()
        return len(pending), min((self.created_at[key] for key in pending), default=None)

    def _pending(self) -> list[str]:
        return [key for key, delivery in self.states.items() if delivery.state == DeliveryState.PENDING]

    def _set(self, key: str, now: datetime, until: datetime) -> None:
        self.set_at[key], self.next_at[key] = now, until


class FakeEmailCounts:
    """Counts of emails by recipient."""

    def __init__(self) -> None:
        self.counts: dict[str, EmailCount] = {}

    def count(self, recipient: str, window: timedelta, now: datetime) -> EmailCount:
        before = self.counts.get(recipient)
        if before is None or not now < before.window_ends_at <= now + window + BEYOND_DOUBT:
            self.counts[recipient] = EmailCount(1, now + window)
        else:
            self.counts[recipient] = EmailCount(before.number + 1, before.window_ends_at)
        return self.counts[recipient]
