"""An alert: the meaning of an event for its audience, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lockbox.contracts.identity import Role


@dataclass(frozen=True, kw_only=True)
class Audience:
    """The audience of an alert: the holders of these roles in this organisation, and these people; but not `but`."""

    organisation: str | None = None
    roles: tuple[Role, ...] = ()
    emails: tuple[str, ...] = ()
    but: str | None = None


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert in words: subject, introduction, labelled lines, and a link. `urgent` sets high importance.

    `request_id` is null for what concerns no request: the link then leads to the settings.
    """

    kind: str
    audience: Audience
    tenant: str | None
    request_id: str | None
    subject: str
    introduction: str
    lines: tuple[tuple[str, str], ...]
    link_text: str
    urgent: bool = False


def utc(moment: datetime) -> str:
    """Return a moment as people read it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def spoken(duration: timedelta) -> str:
    """Return a duration as people read it, such as `4 hours` or `1 hour 30 minutes`."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        f"{count} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
        if count
    ]
    return " ".join(parts) or "0 seconds"


def reason(code: str) -> str:
    """Return a reason code with its words."""
    return f"{code.replace('_', ' ').capitalize()} ({code})"
