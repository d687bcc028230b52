"""Email: an alert as a message (RFC 5322) with a text and an HTML part, handed to a mail server by SMTP."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from lockbox.errors import Unavailable
from lockbox.runtime.host.settings import Config, read_settings
from notify_service.domain.delivery import Delivery
from notify_service.settings import Settings

TIMEOUT_SECONDS = 20

templates = Environment(
    loader=PackageLoader("notify_service"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def compose(delivery: Delivery, settings: Settings) -> EmailMessage:
    """The message; high importance where the alert is urgent."""
    link = f"{settings.portal_url}/{delivery.place}"
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = delivery.recipient
    message["Subject"] = delivery.subject
    message["Message-ID"] = delivery.message_id
    message["Auto-Submitted"] = "auto-generated"
    if delivery.urgent:
        message["Importance"] = "high"
        message["X-Priority"] = "1 (Highest)"
        message["Priority"] = "urgent"
    message.set_content(templates.get_template("alert.txt").render(alert=delivery, link=link))
    message.add_alternative(templates.get_template("alert.html").render(alert=delivery, link=link), subtype="html")
    return message


class Mailer:
    """The way to the mail server that the settings name."""

    def __init__(self, config: Config) -> None:
        self._settings = read_settings(Settings, config)

    def send(self, delivery: Delivery) -> None:
        """Return when the mail server took the message; raises `Unavailable` when it did not, or can't."""
        try:
            with self._connected() as smtp:
                smtp.send_message(compose(delivery, self._settings))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Unavailable("mail_server_unavailable", f"{type(error).__name__}: {error}") from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS) as smtp:
            if settings.smtp_starttls:
                smtp.starttls()
            if settings.smtp_user and settings.smtp_password_file:
                smtp.login(settings.smtp_user, Path(settings.smtp_password_file).read_text().strip())
            yield smtp
