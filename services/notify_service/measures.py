"""Metrics and log lines of emails on their way."""

from collections.abc import Set
from datetime import datetime
from typing import Protocol

import structlog
from prometheus_client import Counter, Gauge

from notify_service.domain.places import Places

EMAILS = Counter("lockbox_emails_total", "Attempts to send an email, by outcome.", ("outcome",))
WAITING = Gauge("lockbox_emails_waiting", "Emails that are neither sent nor given up.")
OLDEST = Gauge("lockbox_emails_oldest_seconds", "Age of the oldest email that is neither sent nor given up.")
SERVER_AWAY = Gauge("lockbox_mail_server_away", "1 while the mail server does not answer, else 0.")
DOMAINS_SILENT = Gauge("lockbox_mail_domains_silent", "Recipient domains for which the mail server does not answer.")

log = structlog.get_logger(__name__)


class Waiting(Protocol):
    """Counts the deliveries that wait."""

    def waiting(self) -> tuple[int, datetime | None]: ...  # noqa: D102


def measure(deliveries: Waiting, places: Places, now: datetime) -> None:
    """Set the gauges."""
    count, oldest = deliveries.waiting()
    WAITING.set(count)
    OLDEST.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0)
    SERVER_AWAY.set(places.server_away)
    DOMAINS_SILENT.set(len(places.silent_domains))


def log_changes(before: Set[str], places: Places) -> None:
    """Log the server and the domains that have begun to fail, or answer again: a line for each change."""
    after = places.failing
    for name in after - before:
        log.warning("mail_unanswered", by=name)
    for name in before - after:
        log.info("mail_answered_again", by=name)
