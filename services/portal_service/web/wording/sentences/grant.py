"""Sentences about a grant: its start, its end, its extensions."""

from lockbox.contracts.grant.facts import (
    AccessGranted,
    ExtendedWithoutCustomer,
    ExtensionDecided,
    ExtensionRequested,
    GrantActivated,
    GrantBound,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
)
from portal_service.web.wording import words
from portal_service.web.wording.event_values import utc
from portal_service.web.wording.line import Line, Sentences


def _granted(fact: AccessGranted, _actor: str) -> Line:
    period = f"from {utc(fact.starts_at)} until {utc(fact.ends_at)}"
    return Line(f"Access was granted to {fact.requester} {period}", tone="good")


def _activated(_fact: GrantActivated, _actor: str) -> Line:
    return Line("Access is open", tone="good")


def _bound(fact: GrantBound, _actor: str) -> Line:
    return Line(f"{fact.requester} fetched the signed grant, bound to the {fact.to} {fact.thumbprint}")


def _completed(fact: GrantCompleted, actor: str) -> Line:
    return Line(f"{actor} closed the access early", fact.comment, "quiet")


def _revoked(fact: GrantRevoked, actor: str) -> Line:
    return Line(f"{actor} revoked the access", fact.comment, "bad")


def _expired(_fact: GrantExpired, _actor: str) -> Line:
    return Line("Access ended by itself", tone="quiet")


def _extension_requested(fact: ExtensionRequested, _actor: str) -> Line:
    return Line(f"{fact.requester} asked for {words.spoken(fact.duration)} more", fact.justification)


def _extension_decided(fact: ExtensionDecided, _actor: str) -> Line:
    if fact.outcome == "approve":
        return Line(f"The access was extended until {utc(fact.ends_at)}", fact.comment, "good")
    if fact.outcome == "deny":
        return Line(f"The access is not extended; it ends at {utc(fact.ends_at)}", fact.comment, "bad")
    return Line("The access ended before its extension was decided on", fact.comment)


def _extended_without_customer(fact: ExtendedWithoutCustomer, _actor: str) -> Line:
    return Line(f"The access was extended by {words.spoken(fact.duration)}; none of {fact.tenant}'s approvers decided")


SENTENCES: Sentences = {
    AccessGranted: _granted,
    GrantActivated: _activated,
    GrantBound: _bound,
    GrantCompleted: _completed,
    GrantRevoked: _revoked,
    GrantExpired: _expired,
    ExtensionRequested: _extension_requested,
    ExtensionDecided: _extension_decided,
    ExtendedWithoutCustomer: _extended_without_customer,
}
