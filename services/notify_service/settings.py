"""Settings of notify_service."""

from dataclasses import dataclass

from lockbox.errors import invalid
from lockbox.faults import Expected


@dataclass(frozen=True)
class NotifySettings:
    """Settings of mail: server, sender, links.

    `portal_url`: where links in messages lead. With a user, `smtp_password_file` holds the password. `smtp_ca_file`:
    the certificates that the mail server's own is checked with, in place of those of the system.
    """

    portal_url: str
    mail_from: str
    smtp_host: str
    smtp_port: int
    smtp_starttls: bool = False
    smtp_user: str | None = None
    smtp_password_file: str | None = None
    smtp_ca_file: str | None = None

    def __post_init__(self) -> None:
        """Raise `Invalid` for a password that would travel without TLS."""
        if self.smtp_user and not self.smtp_starttls:
            raise invalid("smtp_user", Expected("password_without_tls"), self.smtp_user)
