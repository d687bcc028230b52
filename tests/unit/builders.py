"""Things that unit tests start from; each call names only what matters to the test."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from approval_service.domain.approval import decision
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.deliberation import Ballot
from approval_service.domain.policy.policy import Policy
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.events import Cause, Changed, Event, envelop
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, DEFAULT_STAGES, StagePlan
from lockbox.contracts.request.facts import RequestCreated
from lockbox.contracts.request.terms import AccessTerms, ReasonCode, TermsAsked
from lockbox.crypto.keys import PublicKeys, SigningKey, public_jwk

NOW = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
REQUEST_ID = "566924bd-d58b-45eb-a91f-e689a1d37c43"
EVENT_ID = "b5ba95d4-2693-5ef9-8b65-36ed7b195a6b"
CORRELATION_ID = "0c5f3c52-5b5e-4c3e-9d0a-3f8f7d3f0f10"


def terms(**changes: Any) -> AccessTerms:
    return AccessTerms(
        **{
            "tenant": "contoso",
            "service_request": "SR-359423",
            "reason_code": ReasonCode.CUSTOMER_INITIATED_SUPPORT,
            "justification": "Alice cannot open her mailbox.",
            "resources": ("mailbox/alice",),
            "actions": ("read",),
            "duration": timedelta(hours=4),
            **changes,
        }
    )


def asked(**changes: Any) -> TermsAsked:
    """The terms as an engineer sends them."""
    whole = terms(**changes)
    return TermsAsked(**{field.name: getattr(whole, field.name) for field in fields(TermsAsked)})


def created(**changes: Any) -> RequestCreated:
    about = {"request_id": REQUEST_ID, "requester": "erin@vendor.example", "created_at": NOW}
    return RequestCreated(**terms(**changes).within(**about))


def quorum(approvals: int) -> tuple[StagePlan, ...]:
    """The default stages, but so many of the customer's approvers."""
    vendor, customer = DEFAULT_STAGES
    return (vendor, replace(customer, groups=(replace(customer.groups[0], approvals=approvals),)))


def policy(**settings: Any) -> Policy:
    return Policy(
        **{**DEFAULT_SETTINGS.settings(), **settings},
        tenant="contoso",
        version=1,
        changed_at=NOW,
        changed_by="approval_service",
    )


def approval(now: datetime = NOW, settings: dict[str, Any] | None = None, **changes: Any) -> Approval:
    return Approval.open(created(**changes), policy(**settings or {}), now).state


def decide(
    one: Approval,
    by: Caller,
    verdict: Any = "approve",
    comment: str = "",
    now: datetime = NOW,
    changes: Changes | None = None,
) -> Changed[Approval]:
    """Decide on what is shown now."""
    return decision.decide(one, by, Ballot(verdict, digest_of(one), comment, changes), now)


def granted(now: datetime = NOW, settings: dict[str, Any] | None = None, **changes: Any) -> Approval:
    """An approval that both sides gave."""
    once = decide(approval(NOW, settings, **changes), VENDOR_APPROVER, now=now).state
    return decide(once, ALICE, now=now).state


def digest_of(one: Approval) -> str:
    """The digest of what an approver is shown."""
    document = decision.shown(one, one.matter) if one.matter else None
    return document.digest if document else "nothing is open"


def caller(email: str, organisation: str, *roles: Role) -> Caller:
    return Caller(email, organisation, frozenset(roles), NOW, CORRELATION_ID)


ENGINEER = caller("erin@vendor.example", "vendor", Role.ENGINEER)
OTHER_ENGINEER = caller("eve@vendor.example", "vendor", Role.ENGINEER)
VENDOR_APPROVER = caller("victor@vendor.example", "vendor", Role.VENDOR_APPROVER)
VENDOR_AUDITOR = caller("vera@vendor.example", "vendor", Role.VENDOR_AUDITOR)
OPERATOR = caller("otto@vendor.example", "vendor", Role.OPERATOR)
ALICE = caller("alice@contoso.example", "contoso", Role.CUSTOMER_APPROVER)
ANN = caller("ann@contoso.example", "contoso", Role.CUSTOMER_APPROVER)
ADMIN = caller("carol@contoso.example", "contoso", Role.CUSTOMER_ADMIN)
AUDITOR = caller("aaron@contoso.example", "contoso", Role.CUSTOMER_AUDITOR)
FRANK = caller("frank@fabrikam.example", "fabrikam", Role.CUSTOMER_APPROVER)
FIONA = caller("fiona@fabrikam.example", "fabrikam", Role.CUSTOMER_ADMIN)


def event(fact: Any, sequence: int = 1, actor: str = "erin@vendor.example") -> Event:
    [made] = envelop([fact], f"tests/{REQUEST_ID}", sequence - 1, Cause(actor, CORRELATION_ID), NOW)
    return made


def signing_key(number: int = 1) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return SigningKey(kid=public_jwk(private.public_key())["kid"], private=private)


def public_keys(*keys: SigningKey) -> PublicKeys:
    return PublicKeys.from_jwks([key.jwk for key in keys])
