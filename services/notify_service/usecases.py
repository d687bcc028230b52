"""Use cases of notify_service, a function for each."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from lockbox.clock import Clock
from lockbox.contracts.acts import Act
from lockbox.contracts.events import VENDOR, Cause, Changed, Event, Fact
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.errors import Invalid, NotFound, Unavailable
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import RETRY_AFTER, Delivery
from notify_service.domain.email import alert_for

SERVICE = "notify_service"


class Recipients(Protocol):
    """Recipients: the members that the events of portal_service name."""

    def learn(self, email: str, organisation: str, roles: Iterable[str], event: Event) -> None: ...  # noqa: D102
    def addresses(self, audience: Audience) -> Iterable[str]: ...  # noqa: D102


class Deliveries(Protocol):
    """The store of deliveries."""

    def create(self, key: str, changed: Changed[Delivery], act: Act) -> Delivery: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[Delivery], Changed[Delivery]]) -> Delivery: ...  # noqa: D102
    def claim_due(self, now: datetime) -> Iterator[tuple[Delivery, int, Cause]]: ...  # noqa: D102
    def postpone(self, key: str, until: datetime, error: str) -> None: ...  # noqa: D102


class Mailer(Protocol):
    """Sends email."""

    def send(self, delivery: Delivery) -> None:
        """Return when the mail server took it; raises `Unavailable` when it did not."""


def learn_member(recipients: Recipients, event: Event, fact: MemberAdded | MemberChanged | MemberRemoved) -> None:
    """Store a member as a recipient."""
    roles = () if isinstance(fact, MemberRemoved) else fact.roles
    recipients.learn(fact.email, fact.tenant or VENDOR, roles, event)


def alert_people(deliveries: Deliveries, recipients: Recipients, event: Event, fact: Fact, now: datetime) -> None:
    """Create the deliveries of an event's alert. Raises `NotFound`, to be tried again, while no recipient is known."""
    alert = alert_for(fact)
    if alert is None:
        return
    addresses = list(recipients.addresses(alert.audience))
    if not addresses:
        raise NotFound("recipients_unknown", f"nobody is known to tell of {event.type} {event.id}")
    for recipient in addresses:
        delivery = Delivery.of(event.id, alert, recipient)
        deliveries.create(delivery.id, Changed(delivery), Act(event.cause(SERVICE), now))


def send_due(deliveries: Deliveries, mailer: Mailer, clock: Clock) -> None:
    """Send the deliveries that are due; a failed one is tried again later, and given up after the last attempt."""
    for delivery, attempt, cause in deliveries.claim_due(clock.now()):
        try:
            mailer.send(delivery)
        except Invalid as error:
            deliveries.change(delivery.id, Act(cause, clock.now()), _failed(str(error), attempt))
        except Unavailable as error:
            _not_sent(deliveries, delivery, attempt, Act(cause, clock.now()), str(error))
        else:
            deliveries.change(delivery.id, Act(cause, clock.now()), Delivery.sent)


def _not_sent(deliveries: Deliveries, delivery: Delivery, attempt: int, act: Act, error: str) -> None:
    if attempt > len(RETRY_AFTER):
        deliveries.change(delivery.id, act, _failed(error, attempt))
    else:
        deliveries.postpone(delivery.id, act.now + RETRY_AFTER[attempt - 1], error)


def _failed(error: str, attempt: int) -> Callable[[Delivery], Changed[Delivery]]:
    return lambda current: current.failed(error, attempt)
