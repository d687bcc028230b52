"""The alerts: for each kind of fact its audience and its sentences."""

from collections.abc import Callable, Mapping
from typing import Any

from lockbox.contracts.approval.facts import (
    BreakGlassRequested,
    BreakGlassUsed,
    InfoRequested,
    RequestApproved,
    RequestDenied,
    RequestExpired,
    ReviewResumed,
    StageOpened,
)
from lockbox.contracts.approval.operations import AcknowledgeBreakGlass
from lockbox.contracts.events import VENDOR, Fact
from lockbox.contracts.grant.facts import AccessGranted, ExtendedWithoutCustomer, ExtensionDecided, GrantRevoked
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import DEFAULT_STAGES, Group, Side
from lockbox.contracts.policy.facts import PolicyChangeProposed
from lockbox.contracts.request.terms import AccessTerms
from lockbox.values.scope import named_all
from notify_service.domain.alert import Alert, Audience, reason, spoken, utc

CUSTOMERS = AcknowledgeBreakGlass.roles
DEFAULT_GROUPS = {stage.side: stage.groups for stage in DEFAULT_STAGES}
OPENED_WITHOUT = {
    "approval": "Your organisation does not require its own approval, so the vendor's approval alone has opened access",
    "policy": "Your organisation's policy has opened access by itself",
}

Lines = tuple[tuple[str, str], ...]


def alert_for(fact: Fact) -> Alert | None:
    """Return the alert about a fact, or None if the fact needs none."""
    compose = COMPOSERS.get(type(fact))
    return compose(fact) if compose else None


def _approval_needed(fact: StageOpened) -> Alert:
    whose = "your organisation's content" if fact.stage == Side.CUSTOMER else f"content of {fact.tenant}"
    asks = f"asks for access to {whose}" if fact.extension is None else f"asks for more time with {whose}"
    what = "request" if fact.extension is None else "extension of request"
    return Alert(
        kind="approval_needed" if fact.extension is None else "extension_needs_approval",
        audience=_stage_people(fact.tenant, fact.stage, fact.groups, fact.requester),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: decide on {fact.service_request} ({what} {fact.request_id})",
        introduction=f"An engineer {asks}. Without an approval there is no access{_beyond(fact)}.",
        lines=(
            *_terms(fact),
            ("Create time", utc(fact.created_at)),
            ("Duration", spoken(fact.duration)),
            ("Expires", utc(fact.expires_at)),
        ),
        link_text="Review the request",
        urgent=True,
    )


def _beyond(fact: StageOpened) -> str:
    return "" if fact.extension is None else f" after {utc(fact.expires_at)}"


def _terms(fact: Any) -> Lines:
    return (
        ("Service request", fact.service_request),
        ("Request ID", fact.request_id),
        ("Requestor", fact.requester),
        ("Reason", reason(fact.reason_code)),
        *([("Severity", fact.severity.capitalize())] if isinstance(fact, AccessTerms) else []),
        ("Justification", fact.justification),
        ("Resources", named_all(fact.resources)),
        ("Actions", ", ".join(fact.actions)),
    )


def _stage_people(tenant: str | None, side: Side, groups: tuple[Group, ...], requester: str) -> Audience:
    """Return the audience of a stage; an event without groups is for those of the default policy."""
    members = {member for group in groups or DEFAULT_GROUPS[side] for member in group.members}
    return Audience(
        organisation=VENDOR if side == Side.VENDOR else tenant,
        roles=tuple(Role(member) for member in sorted(members) if "@" not in member),
        emails=tuple(member for member in sorted(members) if "@" in member),
        but=requester,
    )


def _opened_without_approval(fact: AccessGranted) -> Alert | None:
    if fact.approval_required or fact.opened_by == "break_glass":
        return None
    return Alert(
        kind="access_opened",
        audience=Audience(organisation=fact.tenant, roles=CUSTOMERS),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: access opened for {fact.service_request} (request {fact.request_id})",
        introduction=f"{OPENED_WITHOUT[fact.opened_by]} to your content. You can revoke it at any time.",
        lines=(*_terms(fact), ("Access from", utc(fact.starts_at)), ("Access until", utc(fact.ends_at))),
        link_text="Review the access",
        urgent=True,
    )


def _extended_without_customer(fact: ExtendedWithoutCustomer) -> Alert:
    return Alert(
        kind="access_extended",
        audience=Audience(organisation=fact.tenant, roles=CUSTOMERS),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: access extended for {fact.service_request} (request {fact.request_id})",
        introduction="An access to your content was extended without your approvers. You can revoke it at any time.",
        lines=(
            ("Service request", fact.service_request),
            ("Request ID", fact.request_id),
            ("Requestor", fact.requester),
            ("Justification", fact.justification),
            ("Resources", named_all(fact.resources)),
            ("Actions", ", ".join(fact.actions)),
            ("Extended by", spoken(fact.duration)),
            ("Access until", utc(fact.ends_at)),
        ),
        link_text="Review the access",
        urgent=True,
    )


def _break_glass_used(fact: BreakGlassUsed) -> Alert:
    return Alert(
        kind="break_glass_used",
        audience=Audience(organisation=fact.tenant, roles=CUSTOMERS),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: EMERGENCY access opened for {fact.service_request} (request {fact.request_id})",
        introduction="Two of the vendor's approvers have opened access to your content at once, without your approval, "
        "as your policy allows. Please acknowledge it; you can revoke the access at any time.",
        lines=(
            *_terms(fact),
            ("Opened by", " and ".join(fact.approvers)),
            ("Because", " / ".join(fact.comments)),
            ("Access until", utc(fact.ends_at)),
        ),
        link_text="Review and acknowledge",
        urgent=True,
    )


def _break_glass_requested(fact: BreakGlassRequested) -> Alert:
    return Alert(
        kind="break_glass_requested",
        audience=Audience(organisation=VENDOR, roles=(Role.VENDOR_APPROVER,), but=fact.approver),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: break-glass wanted for {fact.service_request} (request {fact.request_id})",
        introduction=f"{fact.approver} wants access opened at once. Nothing is open until a second approver agrees.",
        lines=(("Request ID", fact.request_id), ("Customer", str(fact.tenant)), ("Because", fact.comment)),
        link_text="Review the request",
        urgent=True,
    )


def _answered(fact: ReviewResumed) -> Alert:
    return Alert(
        kind="info_provided",
        audience=_stage_people(fact.tenant, fact.stage, fact.groups, fact.requester),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: an answer on {fact.service_request} (request {fact.request_id})",
        introduction="The engineer has answered. The request waits for a decision again.",
        lines=(("Request ID", fact.request_id), ("Requestor", fact.requester), ("Answer", fact.answer)),
        link_text="Review the request",
    )


def _policy_proposed(fact: PolicyChangeProposed) -> Alert:
    return Alert(
        kind="policy_change_proposed",
        audience=Audience(organisation=fact.tenant, roles=(Role.CUSTOMER_ADMIN,)),
        tenant=fact.tenant,
        request_id=None,
        subject=f"Customer Lockbox: a change of the policy of {fact.tenant} waits for a second administrator",
        introduction="An administrator wants to change your policy. It takes effect when another one agrees.",
        lines=(("In force", f"version {fact.version}"), ("Proposal", fact.digest)),
        link_text="Review the change",
        urgent=True,
    )


def _to_requester(fact: Any, kind: str, headline: str, *more: tuple[str, str]) -> Alert:
    return Alert(
        kind=kind,
        audience=Audience(emails=(fact.requester,)),
        tenant=fact.tenant,
        request_id=fact.request_id,
        subject=f"Customer Lockbox: {headline} (request {fact.request_id})",
        introduction=f"{headline[0].upper()}{headline[1:]}.",
        lines=(("Request ID", fact.request_id), ("Customer", fact.tenant), *more),
        link_text="Open the request",
    )


def _asked_back(fact: InfoRequested) -> Alert:
    lines = (("Asked by", fact.approver), ("Question", fact.question))
    return _to_requester(fact, "info_requested", f"the approvers of {fact.service_request} ask for more", *lines)


def _approved(fact: RequestApproved) -> Alert:
    return _to_requester(fact, "request_approved", f"{fact.service_request} was approved")


def _denied(fact: RequestDenied) -> Alert:
    lines = (("Denied by", fact.denied_by), ("Comment", fact.comment or "none"))
    return _to_requester(fact, "request_denied", f"{fact.service_request} was denied", *lines)


def _expired(fact: RequestExpired) -> Alert:
    return _to_requester(fact, "request_expired", f"{fact.service_request} expired without a decision")


def _revoked(fact: GrantRevoked) -> Alert:
    return _to_requester(fact, "grant_revoked", "your access was revoked", ("Comment", fact.comment or "none"))


def _extension_decided(fact: ExtensionDecided) -> Alert | None:
    if fact.outcome == "lapse":
        return None
    headline = "your access was extended" if fact.outcome == "approve" else "your access was not extended"
    lines = (("Access until", utc(fact.ends_at)), ("Comment", fact.comment or "none"))
    return _to_requester(fact, "extension_decided", headline, *lines)


COMPOSERS: Mapping[type[Fact], Callable[[Any], Alert | None]] = {
    StageOpened: _approval_needed,
    InfoRequested: _asked_back,
    ReviewResumed: _answered,
    AccessGranted: _opened_without_approval,
    RequestApproved: _approved,
    RequestDenied: _denied,
    RequestExpired: _expired,
    GrantRevoked: _revoked,
    ExtensionDecided: _extension_decided,
    ExtendedWithoutCustomer: _extended_without_customer,
    BreakGlassRequested: _break_glass_requested,
    BreakGlassUsed: _break_glass_used,
    PolicyChangeProposed: _policy_proposed,
}
