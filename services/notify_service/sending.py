"""Sending: the deliveries that are due, several at once, each in a place of its recipient domain and its tenant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from lockbox.clock import Clock
from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed
from lockbox.errors import Invalid, Unavailable
from notify_service import measures
from notify_service.domain.delivery import RETRY_AFTER, Delivery
from notify_service.domain.places import Closed, Outcome, Places

SERVER_AWAY, RECIPIENT_UNANSWERED = "mail_server_unavailable", "recipient_unanswered"
OUTCOMES = {SERVER_AWAY: Outcome.SERVER_AWAY, RECIPIENT_UNANSWERED: Outcome.DOMAIN_SILENT}

Claimed = tuple[Delivery, int, Cause]


class DueDeliveries(Protocol):
    """The store of deliveries, as sending needs it."""

    def claim_due(self, now: datetime, closed: Closed) -> Claimed | None: ...  # noqa: D102
    def conclude(self, key: str, act: Act, step: Callable[[Delivery], Changed[Delivery]]) -> None: ...  # noqa: D102
    def postpone(self, key: str, now: datetime, wait: timedelta, error: str) -> None: ...  # noqa: D102
    def give_back(self, key: str, now: datetime, error: str) -> None: ...  # noqa: D102


class Mailer(Protocol):
    """Sends email."""

    def send(self, delivery: Delivery, answered: Callable[[], None]) -> None:
        """Return when the mail server took it; call `answered` as soon as it is ready to hear of a recipient.

        Raises `Invalid` where it never will, `Unavailable` when it did not. The code is `SERVER_AWAY` where the server
        did not come as far as the recipient, and `RECIPIENT_UNANSWERED` where it did not answer after that.
        """


class PreciseClock(Clock, Protocol):
    """The time of day, and a clock that no correction moves."""

    def monotonic(self) -> float: ...  # noqa: D102


@dataclass(frozen=True)
class Desk:
    """The parts that sending takes; `start` runs a function beside the others."""

    deliveries: DueDeliveries
    mailer: Mailer
    places: Places
    clock: PreciseClock
    start: Callable[[Callable[[], None]], None]


def send_due(desk: Desk) -> None:
    """Start to send the deliveries that are due, as many as there are places; a place that gets free is taken again."""
    while claimed := _next(desk):
        desk.start(partial(_send_one_by_one, desk, claimed))


def _send_one_by_one(desk: Desk, claimed: Claimed | None) -> None:
    while claimed:
        _send_in_place(desk, claimed)
        claimed = _next(desk)


def _next(desk: Desk) -> Claimed | None:
    """Lease a delivery that is due and gets a place, and give it the place."""
    with desk.places.one_at_a_time:
        closed = desk.places.closed(desk.clock.monotonic())
        claimed = None if closed is None else desk.deliveries.claim_due(desk.clock.now(), closed)
        if claimed:
            desk.places.take(claimed[0], desk.clock.monotonic())
        return claimed


def _send_in_place(desk: Desk, claimed: Claimed) -> None:
    outcome = Outcome.NOT_TRIED
    try:
        outcome = _send(desk, claimed)
    finally:
        failing = desk.places.failing
        desk.places.leave(claimed[0], outcome, desk.clock.monotonic())
        measures.log_changes(failing, desk.places)


def _send(desk: Desk, claimed: Claimed) -> Outcome:
    """Send a delivery; a failed one is tried again later, and given up after the last attempt."""
    delivery, attempt, cause = claimed
    try:
        desk.mailer.send(delivery, partial(_note_answer, desk))
    except Invalid as error:
        measures.EMAILS.labels("refused").inc()
        desk.deliveries.conclude(delivery.id, Act(cause, desk.clock.now()), Delivery.failing(str(error), attempt))
    except Unavailable as error:
        return _not_sent(desk, claimed, error)
    else:
        measures.EMAILS.labels("sent").inc()
        desk.deliveries.conclude(delivery.id, Act(cause, desk.clock.now()), Delivery.sent)
    return Outcome.ANSWERED


def _note_answer(desk: Desk) -> None:
    failing = desk.places.failing
    desk.places.server_answered(desk.clock.monotonic())
    measures.log_changes(failing, desk.places)


def _not_sent(desk: Desk, claimed: Claimed, error: Unavailable) -> Outcome:
    """Postpone a delivery or give it up; a server that is away costs it no attempt."""
    delivery, attempt, cause = claimed
    now = desk.clock.now()
    if error.code == SERVER_AWAY:
        measures.EMAILS.labels("server_away").inc()
        desk.deliveries.give_back(delivery.id, now, str(error))
    elif attempt > len(RETRY_AFTER):
        measures.EMAILS.labels("given_up").inc()
        desk.deliveries.conclude(delivery.id, Act(cause, now), Delivery.failing(str(error), attempt))
    else:
        measures.EMAILS.labels("postponed").inc()
        desk.deliveries.postpone(delivery.id, now, RETRY_AFTER[attempt - 1], str(error))
    return OUTCOMES.get(error.code, Outcome.ANSWERED)
