"""Settings of notify_service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """`portal_url`: where links in messages lead. With a user, `smtp_password_file` holds the password."""

    portal_url: str
    mail_from: str
    smtp_host: str
    smtp_port: int
    smtp_starttls: bool = False
    smtp_user: str | None = None
    smtp_password_file: str | None = None
