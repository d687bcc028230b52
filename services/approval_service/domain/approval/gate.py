"""The gate before every operation of a caller on a request or its grant.

It checks in this order: may the caller see it (else `NotFound`, as if it did not exist), has the caller one of the
roles that the operation's class declares, has the caller the relation to it. Then time passes: a request may expire, a
grant may end. Then it checks the state, and only then the operation takes its step. `permission` asks the same gate and
takes no step.

Every operation is listed in `OPERATIONS`; no use case reaches a step another way, and import-linter holds that.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.operations import (
    break_glass,
    cancellation,
    decision,
    extension,
    grant,
    information,
)
from approval_service.domain.approval.present import Present
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.views import ApprovalEffect
from lockbox.contracts.calls import Call
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, GetGrantToken, RevokeGrant
from lockbox.contracts.identity import Caller
from lockbox.contracts.permission import Permission, Rights
from lockbox.contracts.request.operations import ProvideInfo
from lockbox.errors import Forbidden, LockboxError, NotFound

Rule = Callable[[Approval, Caller], None]
Step = Callable[[Approval, Caller, Any, Present], Changed[Approval]]


def any_caller(_approval: Approval, _caller: Caller) -> None:
    """Allow every caller."""


def not_own_request(approval: Approval, caller: Caller) -> None:
    """Raise `Forbidden` for the requester: an own request is for others to decide on."""
    if caller.email == approval.requester:
        raise Forbidden("own_request", "nobody decides on an own request")


def own_request(message: str) -> Rule:
    """Return the rule that raises `Forbidden`, with this message, for all but the requester."""

    def rule(approval: Approval, caller: Caller) -> None:
        if caller.email != approval.requester:
            raise Forbidden("not_requester", message)

    return rule


def own_grant(approval: Approval, caller: Caller) -> None:
    """Raise `NotFound` for all but the engineer of the grant: its token is no one else's."""
    if caller.email != approval.requester:
        raise NotFound("grant_not_found", "there is no such grant of yours")


def any_state(_approval: Approval, _caller: Caller) -> None:
    """Allow every state."""


def _unchanged(approval: Approval, _caller: Caller, _message: Any, _present: Present) -> Changed[Approval]:
    return Changed(approval)


@dataclass(frozen=True)
class Operation:
    """An operation: the noun that it is about, the rules of relation and state, and its step."""

    noun: str
    relation: Rule
    state: Rule
    step: Step = _unchanged


OPERATIONS: Mapping[type[Call[Any]], Operation] = {
    GetApproval: Operation("request", any_caller, any_state),
    Decide: Operation("request", not_own_request, decision.require_decidable, decision.decide),
    RequestInfo: Operation("request", not_own_request, information.require_askable, information.ask),
    # request_service takes the step of this one
    ProvideInfo: Operation("request", own_request("only the requester answers"), information.require_question),
    CancelRequest: Operation(
        "request",
        own_request("only the requester can cancel a request"),
        cancellation.require_pending,
        cancellation.cancel,
    ),
    UseBreakGlass: Operation("request", not_own_request, break_glass.require_usable, break_glass.use),
    AcknowledgeBreakGlass: Operation(
        "request", any_caller, break_glass.require_unacknowledged, break_glass.acknowledge
    ),
    GetGrant: Operation("grant", any_caller, grant.require_granted),
    GetGrantToken: Operation("grant", own_grant, grant.require_live, grant.bind),
    RevokeGrant: Operation("grant", any_caller, grant.require_live, grant.revoke),
    CompleteGrant: Operation(
        "grant",
        own_request("only its engineer can complete a grant; others can revoke it"),
        grant.require_live,
        grant.complete,
    ),
    RequestExtension: Operation(
        "grant",
        own_request("only its engineer can ask for an extension"),
        extension.require_extendable,
        extension.request,
    ),
}
ON_GRANT: tuple[type[Call[Any]], ...] = (RevokeGrant, CompleteGrant, RequestExtension, GetGrantToken)
"""The operations in `you.may` of a grant."""
ON_REQUEST: tuple[type[Call[Any]], ...] = (
    Decide,
    RequestInfo,
    ProvideInfo,
    CancelRequest,
    UseBreakGlass,
    AcknowledgeBreakGlass,
    *ON_GRANT,
)
"""The operations in `you.may` of a request."""


def perform(approval: Approval, caller: Caller, message: Call[Any], present: Present) -> Changed[Approval]:
    """Take the step of an operation behind the gate; raises the error of the gate or of the step."""
    operation = OPERATIONS[type(message)]
    return require(type(message), approval, caller, present.now).then(
        lambda current: operation.step(current, caller, message, present)
    )


def require(kind: type[Call[Any]], approval: Approval, caller: Caller, now: datetime) -> Changed[Approval]:
    """Check an operation of a caller, and return the approval as time has left it; raises the error of the gate."""
    operation = OPERATIONS[kind]
    caller.require_sight(operation.noun, approval.tenant, approval.requester)
    kind.require_role(caller)
    operation.relation(approval, caller)
    advanced = approval.advance(now)
    operation.state(advanced.state, caller)
    return advanced


def permission(kind: type[Call[Any]], approval: Approval, caller: Caller, now: datetime) -> Permission:
    """Return the caller's permission for an operation: allowed now, or the error that the gate would raise."""
    try:
        require(kind, approval, caller, now)
    except LockboxError as error:
        return Permission(allowed=False, code=error.code, message=error.message, params=error.params)
    return Permission(allowed=True)


def effect_of_approval(approval: Approval, present: Present) -> ApprovalEffect | None:
    """Return the effect of the approval that would close the open stage now, or None if no stage is open."""
    return decision.effect(approval, present)


def rights(kinds: Iterable[type[Call[Any]]], approval: Approval, caller: Caller, now: datetime) -> Rights:
    """Return the caller's permissions for several operations."""
    return Rights(may={kind.method: permission(kind, approval, caller, now) for kind in kinds})
