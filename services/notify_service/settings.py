"""Settings of notify_service."""

from dataclasses import dataclass, field
from datetime import timedelta

from lockbox.contracts.fields import Count
from lockbox.contracts.rules import Bounds
from lockbox.errors import invalid
from lockbox.faults import Expected
from notify_service.domain.digest import EmailPace


@dataclass(frozen=True)
class NotifySettings:
    """Settings of mail: server, sender, links, pace.

    `portal_url`: where links in messages lead. With a user, `smtp_password_file` holds the password. `smtp_ca_file`:
    the certificates that the mail server's own is checked with, in place of those of the system. `emails_at_once`: the
    alerts to one recipient that are emails of their own within `digest_seconds`; a digest has those beyond them.
    """

    portal_url: str
    mail_from: str
    smtp_host: str
    smtp_port: int
    smtp_starttls: bool = False
    smtp_user: str | None = None
    smtp_password_file: str | None = None
    smtp_ca_file: str | None = None
    emails_at_once: Count = field(default=10, metadata={"validate": Bounds(1, 1_000_000)})
    digest_seconds: Count = field(default=600, metadata={"validate": Bounds(1, 86_400)})

    def pace(self) -> EmailPace:
        """Return the pace of emails to one recipient."""
        return EmailPace(self.emails_at_once, timedelta(seconds=self.digest_seconds))

    def __post_init__(self) -> None:
        """Raise `Invalid` for a password that would travel without TLS."""
        if self.smtp_user and not self.smtp_starttls:
            raise invalid("smtp_user", Expected("password_without_tls"), self.smtp_user)
