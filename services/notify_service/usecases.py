"""Use cases of notify_service, a function for each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid5

from lockbox.contracts.acts import Act
from lockbox.contracts.events import EVENT_IDS, VENDOR, Cause, Changed, Event, Fact
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.errors import NotFound
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import Delivery, DeliveryState, delivery_id
from notify_service.domain.digest import EmailCount, EmailPace, digest_of, goes_at_once
from notify_service.domain.email import alert_for

SERVICE = "notify_service"
LOOK_AGAIN_AFTER = timedelta(seconds=5)


class Recipients(Protocol):
    """Recipients: the members that the events of portal_service name."""

    def learn(self, email: str, organisation: str, roles: Iterable[str], event: Event) -> None: ...  # noqa: D102
    def addresses(self, audience: Audience) -> Iterable[str]: ...  # noqa: D102


class Deliveries(Protocol):
    """The store of deliveries."""

    def create(self, key: str, changed: Changed[Delivery], act: Act) -> Delivery: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[Delivery], Changed[Delivery]]) -> Delivery: ...  # noqa: D102
    def claim_held(self, now: datetime) -> Iterator[tuple[Delivery, int, Cause]]: ...  # noqa: D102
    def postpone(self, key: str, now: datetime, wait: timedelta, error: str) -> None: ...  # noqa: D102
    def find(self, key: str) -> Delivery | None: ...  # noqa: D102
    def join(self, held: Delivery, new_digest: str) -> str: ...  # noqa: D102
    def leave(self, held: Delivery) -> None: ...  # noqa: D102
    def held_in(self, digest: str, recipient: str) -> Sequence[Delivery]: ...  # noqa: D102


class EmailCounts(Protocol):
    """The store of the emails to each recipient, counted in windows of time."""

    def count(self, recipient: str, window: timedelta, now: datetime) -> EmailCount: ...  # noqa: D102


@dataclass(frozen=True)
class AlertStores:
    """The stores that emails go through, and their pace."""

    deliveries: Deliveries
    recipients: Recipients
    counts: EmailCounts
    pace: EmailPace


def learn_member(recipients: Recipients, event: Event, fact: MemberAdded | MemberChanged | MemberRemoved) -> None:
    """Store a member as a recipient."""
    roles = () if isinstance(fact, MemberRemoved) else fact.roles
    recipients.learn(fact.email, fact.tenant or VENDOR, roles, event)


def alert_people(stores: AlertStores, event: Event, fact: Fact, now: datetime) -> None:
    """Create the deliveries of an event's alert. Raises `NotFound`, to be tried again, while no recipient is known.

    Where many came to a recipient in a short time, the delivery is held for a digest.
    """
    alert = alert_for(fact)
    if alert is None:
        return
    addresses = list(stores.recipients.addresses(alert.audience))
    if not addresses:
        raise NotFound("recipients_unknown", f"nobody is known to tell of {event.type} {event.id}")
    for recipient in addresses:
        if stores.deliveries.find(delivery_id(event.id, recipient)) is None:
            delivery = Delivery.of(event.id, alert, recipient, _held_until(stores, fact, recipient, now))
            stores.deliveries.create(delivery.id, Changed(delivery), Act(event.cause(SERVICE), now))


def _held_until(stores: AlertStores, fact: Fact, recipient: str, now: datetime) -> datetime | None:
    if goes_at_once(fact):
        return None
    return stores.counts.count(recipient, stores.pace.window, now).held_until(stores.pace)


def make_digests(deliveries: Deliveries, now: datetime) -> None:
    """Write the digests of the held deliveries that are due, or take their outcomes."""
    for delivery, attempt, cause in deliveries.claim_held(now):
        _follow_digest(deliveries, delivery, attempt, Act(cause, now))


def _follow_digest(deliveries: Deliveries, held: Delivery, attempt: int, act: Act) -> None:
    """Write the digest that a held delivery is in, or take its outcome; look again a little later until it has one.

    A digest is written once, and names what is in it. A delivery that joined it too late goes into the next one.
    """
    digest_id = deliveries.join(held, str(uuid5(EVENT_IDS, f"digest/{held.id}/{attempt}")))
    digest = deliveries.find(digest_id) or deliveries.create(
        digest_id, Changed(digest_of(digest_id, deliveries.held_in(digest_id, held.recipient) or [held])), act
    )
    if held.id not in digest.contents:
        deliveries.leave(held)
    elif digest.state == DeliveryState.SENT:
        deliveries.change(held.id, act, lambda one: one.sent(digest.message_id))
    elif digest.state == DeliveryState.FAILED:
        deliveries.change(held.id, act, Delivery.failing(f"the digest {digest.id} could not be sent", attempt))
    deliveries.postpone(held.id, act.now, LOOK_AGAIN_AFTER, "")
