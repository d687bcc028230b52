"""A delivery: one alert on its way to one recipient."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid5

from lockbox.contracts.alert import AlertFailed, AlertSent
from lockbox.contracts.events import EVENT_IDS, Changed
from lockbox.contracts.fields import Email, TenantName, Timestamp, Uuid
from notify_service.domain.alert import Alert

CHANNEL = "email"
DIGEST = "digest"
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
)


class DeliveryState(StrEnum):
    """The state of a delivery; a held one waits for its digest."""

    PENDING = "PENDING"
    HELD = "HELD"
    SENT = "SENT"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """An alert to one recipient; `message_id` (RFC 5322) is the same in every attempt, so that mail servers see it.

    `held_until`: the time from which a held one goes into a digest. `contents`: the ids of the deliveries in a digest.
    """

    id: Uuid
    recipient: Email
    kind: str
    tenant: TenantName | None
    request_id: Uuid | None
    subject: str
    introduction: str
    lines: tuple[tuple[str, str], ...]
    link_text: str
    urgent: bool
    state: DeliveryState = DeliveryState.PENDING
    held_until: Timestamp | None = None
    contents: tuple[Uuid, ...] = ()

    @classmethod
    def of(cls, event_id: str, alert: Alert, recipient: str, held_until: datetime | None = None) -> "Delivery":
        """Return the delivery of an event's alert; the same event and recipient give the same delivery."""
        return cls(
            id=delivery_id(event_id, recipient),
            recipient=recipient,
            kind=alert.kind,
            tenant=alert.tenant,
            request_id=alert.request_id,
            subject=alert.subject,
            introduction=alert.introduction,
            lines=alert.lines,
            link_text=alert.link_text,
            urgent=alert.urgent,
            state=DeliveryState.PENDING if held_until is None else DeliveryState.HELD,
            held_until=held_until,
        )

    @property
    def domain(self) -> str:
        """The domain of the recipient's address."""
        return self.recipient.rpartition("@")[2].lower()

    @property
    def message_id(self) -> str:
        """The Message-ID of its email."""
        return f"<{self.id}@lockbox.invalid>"

    @property
    def place(self) -> str:
        """The path in the portal that its link leads to."""
        if self.kind == DIGEST:
            return "queue"
        return "settings" if self.request_id is None else f"requests/{self.request_id}"

    @property
    def waits(self) -> bool:
        """Whether it is to be sent, by itself or in a digest."""
        return self.state in {DeliveryState.PENDING, DeliveryState.HELD}

    def sent(self, message_id: str | None = None) -> "Changed[Delivery]":
        """Mark it as sent: the recipient's mail server accepted it, or the digest with this id of a message.

        A second report changes nothing.
        """
        if not self.waits:
            return Changed(self)
        after = replace(self, state=DeliveryState.SENT)
        return Changed(after, (AlertSent(**self._about(), message_id=message_id or self.message_id),))

    def failed(self, error: str, attempts: int) -> "Changed[Delivery]":
        """Mark it as given up."""
        if not self.waits:
            return Changed(self)
        after = replace(self, state=DeliveryState.FAILED)
        return Changed(after, (AlertFailed(**self._about(), error=error[:500], attempts=attempts),))

    @staticmethod
    def failing(error: str, attempts: int) -> "Callable[[Delivery], Changed[Delivery]]":
        """Return the step of giving a delivery up."""
        return lambda delivery: delivery.failed(error, attempts)

    def _about(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "alert_id": self.id,
            "request_id": self.request_id,
            "alert": self.kind,
            "channel": CHANNEL,
            "recipient": self.recipient,
        }


def delivery_id(event_id: str, recipient: str) -> str:
    """Return the id of the delivery of an event's alert to a recipient."""
    return str(uuid5(EVENT_IDS, f"alert/{event_id}/{recipient}"))
