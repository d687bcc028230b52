"""An alert: what an event means to somebody, in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lockbox.contracts.approval import (
    AccessGranted,
    GrantRevoked,
    RequestApproved,
    RequestDenied,
    RequestExpired,
    StageName,
    StageOpened,
)
from lockbox.contracts.events import VENDOR, Fact
from lockbox.contracts.identity import Role


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Whom an alert is for: one person, or whoever has one of these roles in this organisation."""

    organisation: str | None = None
    roles: tuple[Role, ...] = ()
    email: str | None = None


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What to tell: a subject, an introduction, labelled lines, and where to go. `urgent` sets high importance."""

    kind: str
    audience: Audience
    tenant: str | None
    request_id: str
    subject: str
    introduction: str
    lines: tuple[tuple[str, str], ...]
    link_text: str
    urgent: bool = False


def alert_for(fact: Fact) -> Alert | None:
    """What a fact means to somebody, or None if nobody needs to be told."""
    compose = COMPOSERS.get(type(fact))
    return compose(fact) if compose else None


def utc(moment: datetime) -> str:
    """A moment as people read it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def spoken(duration: timedelta) -> str:
    """A duration as people read it, such as `4 hours` or `1 hour 30 minutes`."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        f"{count} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
        if count
    ]
    return " ".join(parts) or "0 seconds"


def reason(code: str) -> str:
    """A reason code with its words."""
    return f"{code.replace('_', ' ').capitalize()} ({code})"


def _approval_needed(fact: StageOpened) -> Alert:
    customer = fact.stage == StageName.CUSTOMER
    audience = (
        Audience(organisation=fact.tenant, roles=(Role.CUSTOMER_APPROVER,))
        if customer
        else Audience(organisation=VENDOR, roles=(Role.VENDOR_APPROVER,))
    )
    whose = "your organisation's content" if customer else f"content of {fact.tenant}"
    return Alert(
        kind="approval_needed",
        audience=audience,
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: decide on {fact.service_request} (request {fact.request_id})",
        introduction=f"An engineer asks for access to {whose}. Without an approval there is no access.",
        lines=(
            ("Service request", fact.service_request),
            ("Request ID", fact.request_id),
            ("Requestor", fact.requester),
            ("Reason", reason(fact.reason_code)),
            ("Severity", fact.severity.capitalize()),
            ("Justification", fact.justification),
            ("Resources", ", ".join(fact.resources)),
            ("Actions", ", ".join(fact.actions)),
            ("Create time", utc(fact.created_at)),
            ("Duration", spoken(fact.duration)),
            ("Expires", utc(fact.expires_at)),
        ),
        link_text="Review the request",
        urgent=True,
    )


def _opened_without_approval(fact: AccessGranted) -> Alert | None:
    if fact.approval_required:
        return None
    return Alert(
        kind="access_opened",
        audience=Audience(organisation=fact.tenant, roles=(Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: access opened for {fact.service_request} (request {fact.request_id})",
        introduction=(
            "Your organisation does not require its own approval, so the vendor's approval alone has opened access to "
            "your content. You can revoke it at any time."
        ),
        lines=(
            ("Service request", fact.service_request),
            ("Request ID", fact.request_id),
            ("Requestor", fact.requester),
            ("Reason", reason(fact.reason_code)),
            ("Justification", fact.justification),
            ("Resources", ", ".join(fact.resources)),
            ("Actions", ", ".join(fact.actions)),
            ("Access from", utc(fact.starts_at)),
            ("Access until", utc(fact.ends_at)),
        ),
        link_text="Review the access",
        urgent=True,
    )


def _to_requester(fact: Any, kind: str, headline: str, *more: tuple[str, str]) -> Alert:
    return Alert(
        kind=kind,
        audience=Audience(email=fact.requester),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: {headline} (request {fact.request_id})",
        introduction=f"{headline[0].upper()}{headline[1:]}.",
        lines=(("Request ID", fact.request_id), ("Customer", fact.tenant), *more),
        link_text="Open the request",
    )


def _approved(fact: RequestApproved) -> Alert:
    return _to_requester(fact, "request_approved", f"{fact.service_request} was approved")


def _denied(fact: RequestDenied) -> Alert:
    lines = (("Denied by", fact.denied_by), ("Comment", fact.comment or "none"))
    return _to_requester(fact, "request_denied", f"{fact.service_request} was denied", *lines)


def _expired(fact: RequestExpired) -> Alert:
    return _to_requester(fact, "request_expired", f"{fact.service_request} expired without a decision")


def _revoked(fact: GrantRevoked) -> Alert:
    return _to_requester(fact, "grant_revoked", "your access was revoked", ("Comment", fact.comment or "none"))


COMPOSERS: Mapping[type[Fact], Callable[[Any], Alert | None]] = {
    StageOpened: _approval_needed,
    AccessGranted: _opened_without_approval,
    RequestApproved: _approved,
    RequestDenied: _denied,
    RequestExpired: _expired,
    GrantRevoked: _revoked,
}
