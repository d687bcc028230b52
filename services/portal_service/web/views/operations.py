"""Operations that have a page of their own: title, button, the text that goes with each, and its effect.

The service that decides says who may do which of them now; nothing here decides that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.grant.operations import CompleteGrant, RevokeGrant
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.operations import ProvideInfo
from portal_service.usecases import RequestDetails

OnRequest = CancelRequest | RequestInfo | ProvideInfo | UseBreakGlass | AcknowledgeBreakGlass
OnGrant = RevokeGrant | CompleteGrant | RequestExtension


@dataclass(frozen=True, kw_only=True)
class OperationPage:
    """The words of an operation's page; `field` is the field of the text that a person types, `longest` its length."""

    title: str
    button: str
    done: str
    tone: str
    label: str
    field: str = "comment"
    longest: int = 2000


@dataclass(frozen=True, kw_only=True)
class GrantOperation(OperationPage):
    """An operation on a grant; `done` follows "You"."""

    command: type[OnGrant]


@dataclass(frozen=True, kw_only=True)
class RequestOperation(OperationPage):
    """An operation on a request, and the effect that it has when this person does it; `done` is the notice after."""

    command: type[OnRequest]
    effect: Callable[[Caller, RequestDetails], str]


def opens_access(person: Caller, request: RequestDetails) -> bool:
    """Tell whether break-glass by this person would open the access: another approver has asked for it."""
    return request.break_glass is not None and request.break_glass.asked_by != person.email


def _effect_of_break_glass(person: Caller, request: RequestDetails) -> str:
    tenant = request.tenant
    if not opens_access(person, request):
        return (
            "You would be the first to ask for this, so nothing opens yet. Access opens as soon as a second approver "
            f"of the vendor asks for it too; then {tenant} is told, and has to acknowledge it."
        )
    return (
        f"You would be the second approver to ask for this: access opens at once, without the approval of {tenant}, "
        f"for the short time that its policy allows. {tenant} is told at once, and has to acknowledge it."
    )


REVOKE = GrantOperation(
    command=RevokeGrant,
    title="Revoke this access?",
    button="Revoke access",
    done="revoked",
    tone="bad",
    label="Why (optional; the engineer reads it)",
)
COMPLETE = GrantOperation(
    command=CompleteGrant,
    title="Complete this access?",
    button="Complete access",
    done="completed",
    tone="good",
    label="What was done (optional; approvers read it)",
)
EXTEND = GrantOperation(
    command=RequestExtension,
    title="Ask for more time",
    button="Ask for more time",
    done="asked for more time",
    tone="good",
    label="Why (the approvers read it)",
    field="justification",
    longest=4000,
)
CANCEL = RequestOperation(
    command=CancelRequest,
    title="Cancel this request?",
    button="Cancel request",
    done="You cancelled this request.",
    tone="bad",
    label="Why (optional)",
    effect=lambda _person, _request: (
        "The request ends without a decision and gives no access. You can ask again with a new request."
    ),
)
ASK = RequestOperation(
    command=RequestInfo,
    title="Ask for information",
    button="Send question",
    done="Your question is sent. The request waits for the answer.",
    tone="good",
    label="What you want to know (the engineer reads it)",
    field="question",
    longest=4000,
    effect=lambda _person, _request: (
        "The engineer is told at once. The request still expires at its time, and approvers can still decide on it "
        "before the answer."
    ),
)
ANSWER = RequestOperation(
    command=ProvideInfo,
    title="Answer the question",
    button="Send answer",
    done="Your answer is on its way to the approvers.",
    tone="good",
    label="Your answer (the approvers read it)",
    field="answer",
    longest=4000,
    effect=lambda _person, _request: "The approvers are told, and go on deciding.",
)
BREAK_GLASS = RequestOperation(
    command=UseBreakGlass,
    title="Open access without the customer?",
    button="Break the glass",
    done="You asked for break-glass access. Nothing is open until a second approver asks for it too.",
    tone="bad",
    label="Why it can't wait (the customer reads it)",
    longest=4000,
    effect=_effect_of_break_glass,
)
ACKNOWLEDGE = RequestOperation(
    command=AcknowledgeBreakGlass,
    title="Acknowledge this access?",
    button="Acknowledge",
    done="You acknowledged this access.",
    tone="good",
    label="Comment for the record (optional)",
    effect=lambda _person, _request: (
        "You put on record that your organisation knows of this access. That approves nothing and ends nothing: to "
        "end it, revoke it."
    ),
)
ON_REQUESTS: Mapping[str, RequestOperation] = {
    "cancel": CANCEL,
    "ask": ASK,
    "answer": ANSWER,
    "break-glass": BREAK_GLASS,
    "acknowledge": ACKNOWLEDGE,
}
"""The operations on a request by the last part of their page's address."""
