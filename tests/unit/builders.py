"""Things that unit tests start from; each call names only what matters to the test."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from approval_service.domain.approval import gate
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from approval_service.domain.policy.policy import Policy
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.events import Cause, Changed, Event, envelop
from lockbox.contracts.grant.operations import CompleteGrant, RevokeGrant
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, DEFAULT_STAGES, StagePlan
from lockbox.contracts.request.facts import RequestCreated
from lockbox.contracts.request.terms import AccessTerms, ReasonCode, TermsAsked

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


def present(now: datetime = NOW, in_force: Policy | None = None) -> Present:
    """The circumstances of an operation; without a policy, the one that requests arrive under here, with a wide cap."""
    return Present(now, lambda _tenant: in_force or policy(maximum_total=timedelta(days=7)))


def perform(one: Approval, by: Caller, message: Any, now: datetime | Present) -> Changed[Approval]:
    """Perform an operation, at a time alone under the policy of the request's arrival."""
    return gate.perform(one, by, message, now if isinstance(now, Present) else present(now))


def decide(
    one: Approval,
    by: Caller,
    verdict: Any = "approve",
    comment: str = "",
    now: datetime | Present = NOW,
    changes: Changes | None = None,
) -> Changed[Approval]:
    """Decide on what is shown now."""
    command = Decide(
        request_id=one.request_id,
        request_digest=digest_of(one),
        decision=verdict,
        comment=comment,
        changes=changes,
        idempotency_key="k-1",
    )
    return perform(one, by, command, now)


def cancel(one: Approval, by: Caller, comment: str = "", now: datetime | Present = NOW) -> Changed[Approval]:
    return perform(one, by, CancelRequest(request_id=one.request_id, comment=comment, idempotency_key="k-1"), now)


def ask_back(one: Approval, by: Caller, question: str = "Why?", now: datetime | Present = NOW) -> Changed[Approval]:
    return perform(one, by, RequestInfo(request_id=one.request_id, question=question, idempotency_key="k-1"), now)


def use_break_glass(
    one: Approval, by: Caller, comment: str = "All is down.", now: datetime | Present = NOW
) -> Changed[Approval]:
    return perform(one, by, UseBreakGlass(request_id=one.request_id, comment=comment, idempotency_key="k-1"), now)


def acknowledge(one: Approval, by: Caller, comment: str = "", now: datetime | Present = NOW) -> Changed[Approval]:
    command = AcknowledgeBreakGlass(request_id=one.request_id, comment=comment, idempotency_key="k-1")
    return perform(one, by, command, now)


def revoke(one: Approval, by: Caller, comment: str = "", now: datetime | Present = NOW) -> Changed[Approval]:
    return perform(one, by, RevokeGrant(grant_id=_grant_id(one), comment=comment, idempotency_key="k-1"), now)


def complete(one: Approval, by: Caller, comment: str = "", now: datetime | Present = NOW) -> Changed[Approval]:
    return perform(one, by, CompleteGrant(grant_id=_grant_id(one), comment=comment, idempotency_key="k-1"), now)


def extend(
    one: Approval, by: Caller, duration: timedelta, justification: str = "Longer.", now: datetime | Present = NOW
) -> Changed[Approval]:
    command = RequestExtension(
        grant_id=_grant_id(one), duration=duration, justification=justification, idempotency_key="k-1"
    )
    return perform(one, by, command, now)


def _grant_id(one: Approval) -> str:
    return one.grant.id if one.grant else REQUEST_ID


def granted(now: datetime = NOW, settings: dict[str, Any] | None = None, **changes: Any) -> Approval:
    """An approval that both sides gave."""
    once = decide(approval(NOW, settings, **changes), VENDOR_APPROVER, now=now).state
    return decide(once, ALICE, now=now).state


def digest_of(one: Approval) -> str:
    """The digest of what an approver is shown."""
    return one.document.digest if one.document else "nothing is open"


def caller(email: str, organisation: str, *roles: Role) -> Caller:
    return Caller(email, organisation, frozenset(roles), NOW, CORRELATION_ID)


ENGINEER = caller("erin@vendor.example", "vendor", Role.ENGINEER)
OTHER_ENGINEER = caller("eve@vendor.example", "vendor", Role.ENGINEER)
VENDOR_APPROVER = caller("victor@vendor.example", "vendor", Role.VENDOR_APPROVER)
LEAD = caller("lena@vendor.example", "vendor", Role.ENGINEER, Role.VENDOR_APPROVER)
OWN_LEAD = caller(ENGINEER.email, "vendor", Role.ENGINEER, Role.VENDOR_APPROVER)
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
