"""Email: an alert as a message (RFC 5322) with a text and an HTML part, handed to a mail server by SMTP."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from lockbox.errors import Invalid, Unavailable
from lockbox.runtime.host.settings import Config, read_settings
from lockbox.runtime.process.deadline import within
from notify_service.domain.delivery import DIGEST, Delivery
from notify_service.sending import RECIPIENT_UNANSWERED, SERVER_AWAY
from notify_service.settings import NotifySettings

OPEN_SECONDS = 15.0
HAND_OVER_SECONDS = 25.0
QUIT_SECONDS = 2.0
"""The longest that a conversation may take: until the server knows us, then until it has the message, then its end."""

REFUSED_FOR_GOOD = 500
NOT_TAKEN = "mail_not_taken"

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

    def send(self, delivery: Delivery, answered: Callable[[], None]) -> None:
        """Return when the mail server took the message, which it says in its answer to DATA.

        `answered` is called when it has answered everything before the recipient.

        Raises `Invalid("recipient_refused", ...)` where it refuses the recipient for good (a reply of 5yz to RCPT, RFC
        5321, section 4.2.1), `Unavailable` where it did not take the message, or can't be known to have. Its code says
        how far the server came in its time.
        """
        message = _composed(delivery, self._settings)
        with ExitStack() as leaving:
            with _errors(SERVER_AWAY), within(OPEN_SECONDS):
                smtp = self._connect(leaving)
            answered()
            with _errors(RECIPIENT_UNANSWERED), within(HAND_OVER_SECONDS):
                smtp.send_message(message)

    def _connect(self, leaving: ExitStack) -> smtplib.SMTP:
        settings = self._settings
        smtp = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=OPEN_SECONDS)
        leaving.callback(_leave, smtp)
        if self._tls is not None:
            smtp.starttls(context=self._tls)
        if settings.smtp_user and settings.smtp_password_file:
            smtp.login(settings.smtp_user, Path(settings.smtp_password_file).read_text().strip())
        smtp.ehlo_or_helo_if_needed()
        return smtp


def _composed(delivery: Delivery, settings: NotifySettings) -> EmailMessage:
    try:
        return compose(delivery, settings)
    except ValueError as error:
        raise Unavailable(NOT_TAKEN, f"the email can't be composed: {error}"[:500]) from error


def _leave(smtp: smtplib.SMTP) -> None:
    """Send QUIT; the answer changes nothing, as the server has accepted the message before, or has not."""
    with suppress(OSError, smtplib.SMTPException), within(QUIT_SECONDS):
        smtp.quit()
    smtp.close()


@contextmanager
def _errors(silent: str) -> Iterator[None]:
    """Raise the errors of a conversation as our own; `silent` is the code of one that breaks off."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(error) from error
    except smtplib.SMTPSenderRefused as error:
        code = NOT_TAKEN if error.smtp_code >= REFUSED_FOR_GOOD else SERVER_AWAY
        raise Unavailable(code, f"the mail server refuses the sender: {error}"[:500]) from error
    except smtplib.SMTPDataError as error:
        raise Unavailable(NOT_TAKEN, f"the mail server does not take the message: {error}"[:500]) from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(silent, f"{type(error).__name__}: {error}"[:500]) from error


def _refused(error: smtplib.SMTPRecipientsRefused) -> Invalid | Unavailable:
    replies = "; ".join(f"{code} {text!r}" for code, text in error.recipients.values())
    if all(code >= REFUSED_FOR_GOOD for code, _ in error.recipients.values()):
        return Invalid("recipient_refused", f"the mail server refuses the recipient: {replies}"[:500])
    return Unavailable(NOT_TAKEN, f"the mail server does not take the recipient now: {replies}"[:500])
