"""Email: an alert as a message (RFC 5322) with a text and an HTML part, handed to a mail server by SMTP."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from lockbox.errors import Invalid, Unavailable
from lockbox.runtime.host.settings import Config, read_settings
from notify_service.domain.delivery import DIGEST, Delivery
from notify_service.settings import NotifySettings

TIMEOUT_SECONDS = 20
REFUSED_FOR_GOOD = 500

templates = Environment(
    loader=PackageLoader("notify_service"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def compose(delivery: Delivery, settings: NotifySettings) -> EmailMessage:
    """Return the email of a delivery; of high importance where the alert is urgent."""
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
    shown = {"alert": delivery, "link": link, "portal": settings.portal_url}
    template = "digest" if delivery.kind == DIGEST else "alert"
    message.set_content(templates.get_template(f"{template}.txt").render(shown))
    message.add_alternative(templates.get_template(f"{template}.html").render(shown), subtype="html")
    return message


class SmtpMailer:
    """A client of the mail server that the settings name."""

    def __init__(self, config: Config) -> None:
        self._settings = settings = read_settings(NotifySettings, config)
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file) if settings.smtp_starttls else None

    def send(self, delivery: Delivery) -> None:
        """Return when the mail server took the message, which it says in its answer to DATA.

        Raises `Invalid("recipient_refused", ...)` where it refuses the recipient for good (a reply of 5yz to RCPT, RFC
        5321, section 4.2.1), `Unavailable` where it did not take the message, or can't be known to have.
        """
        try:
            with self._connected() as smtp:
                smtp.send_message(compose(delivery, self._settings))
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(error) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Unavailable("mail_server_unavailable", f"{type(error).__name__}: {error}") from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        smtp = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS)
        try:
            if self._tls is not None:
                smtp.starttls(context=self._tls)
            if settings.smtp_user and settings.smtp_password_file:
                smtp.login(settings.smtp_user, Path(settings.smtp_password_file).read_text().strip())
            yield smtp
        finally:
            _leave(smtp)


def _leave(smtp: smtplib.SMTP) -> None:
    """Send QUIT; the answer changes nothing, as the server has accepted the message before, or has not."""
    with suppress(OSError, smtplib.SMTPException):
        smtp.quit()
    smtp.close()


def _refused(error: smtplib.SMTPRecipientsRefused) -> Invalid | Unavailable:
    replies = "; ".join(f"{code} {text!r}" for code, text in error.recipients.values())
    if all(code >= REFUSED_FOR_GOOD for code, _ in error.recipients.values()):
        return Invalid("recipient_refused", f"the mail server refuses the recipient: {replies}"[:500])
    return Unavailable("mail_server_unavailable", f"the mail server does not take the recipient now: {replies}"[:500])
