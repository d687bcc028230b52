"""Facts of notify_service: emails sent and failed."""

from dataclasses import dataclass

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email, Uuid


@dataclass(frozen=True, kw_only=True)
class AlertFact(Fact, source="notify_service", abstract=True):
    """The common fields of both outcomes of an alert; an alert that is about no request has no `request_id`."""

    alert_id: Uuid
    request_id: Uuid | None
    alert: str
    channel: str
    recipient: Email

    @property
    def subject(self) -> str:
        """The id of the request, or of the alert itself."""
        return self.request_id or self.alert_id


@dataclass(frozen=True, kw_only=True)
class AlertSent(AlertFact):
    """The recipient's mail server accepted the message."""

    message_id: str


@dataclass(frozen=True, kw_only=True)
class AlertFailed(AlertFact):
    """The message could not be delivered and is not tried again."""

    error: str
    attempts: int
