"""The published language of notify_service: what people were told."""

from dataclasses import dataclass

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email, Uuid


@dataclass(frozen=True, kw_only=True)
class AlertFact(Fact, source="notify_service", abstract=True):
    """What both outcomes of an alert have in common; it is about a request."""

    alert_id: Uuid
    request_id: Uuid
    alert: str
    channel: str
    recipient: Email


@dataclass(frozen=True, kw_only=True)
class AlertSent(AlertFact):
    """The recipient's mail server took the message."""

    message_id: str


@dataclass(frozen=True, kw_only=True)
class AlertFailed(AlertFact):
    """The message could not be delivered and is not tried again."""

    error: str
    attempts: int
