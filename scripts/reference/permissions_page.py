"""The page docs/permissions.md: each operation with its service, roles, REST route, page and command."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lockbox.contracts.access import GetKeys, ListRevocations, RecordAccess, RecordAccesses
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    ListBreakGlass,
    ListQueue,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.audit import ListRecords
from lockbox.contracts.calls import EVERY, SIGNED_IN
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, GetGrantToken, ListGrants, RevokeGrant
from lockbox.contracts.identity import VENDOR_ROLES, Role
from lockbox.contracts.keys import ListKeys, RevokeKey, RotateKeys
from lockbox.contracts.ops import CheckTopology, DropParked, GetOutbox, ListParked, ReadParked, ReplayParked
from lockbox.contracts.policy.operations import DecidePolicyChange, DiffPolicy, EvaluatePolicy, GetPolicy, PutPolicy
from lockbox.contracts.registry import Operation
from lockbox.contracts.request.operations import CreateRequest, GetRequest, ListRequests, ListTenants, ProvideInfo
from lockbox.contracts.usage import GetGrantUsage, GetUsage

HEAD = Path(__file__).with_name("permissions_head.md")
PAGES: Mapping[Operation, str] = {
    CreateRequest: "/requests/new",
    ProvideInfo: "/requests/{request_id}/answer",
    GetRequest: "/requests/{request_id}",
    ListRequests: "/requests",
    ListTenants: "/requests/new",
    Decide: "/requests/{request_id}/approve",
    RequestInfo: "/requests/{request_id}/ask",
    CancelRequest: "/requests/{request_id}/cancel",
    UseBreakGlass: "/requests/{request_id}/break-glass",
    AcknowledgeBreakGlass: "/requests/{request_id}/acknowledge",
    RequestExtension: "/grants/{grant_id}/extend",
    GetApproval: "/requests/{request_id}",
    ListQueue: "/queue",
    ListBreakGlass: "/grants/break-glass",
    RevokeGrant: "/grants/{grant_id}/revoke",
    CompleteGrant: "/grants/{grant_id}/complete",
    ListGrants: "/grants",
    GetGrant: "/grants/{grant_id}/revoke",
    GetPolicy: "/settings",
    PutPolicy: "/settings",
    DiffPolicy: "/settings",
    DecidePolicyChange: "/settings/proposal",
    EvaluatePolicy: "/settings/try",
    GetUsage: "/grants/usage",
    GetGrantUsage: "/grants/usage/{grant_id}",
    ListRecords: "/audit",
}
"""The page of the portal that uses an operation."""

COMMANDS: Mapping[Operation, tuple[str, ...]] = {
    CreateRequest: ("request",),
    ProvideInfo: ("answer",),
    GetRequest: ("show",),
    ListRequests: ("list",),
    Decide: ("approve", "deny"),
    RequestInfo: ("ask",),
    CancelRequest: ("cancel",),
    UseBreakGlass: ("break-glass use",),
    AcknowledgeBreakGlass: ("break-glass acknowledge",),
    RequestExtension: ("extend",),
    ListQueue: ("queue",),
    ListBreakGlass: ("break-glass list",),
    RevokeGrant: ("revoke",),
    CompleteGrant: ("complete",),
    ListGrants: ("grants",),
    GetGrantToken: ("token", "fetch", "proxy"),
    GetPolicy: ("policy get",),
    PutPolicy: ("policy put",),
    DiffPolicy: ("policy diff",),
    DecidePolicyChange: ("policy agree", "policy reject"),
    EvaluatePolicy: ("policy test",),
    GetUsage: ("usage",),
    GetGrantUsage: ("usage",),
    ListRecords: ("audit",),
    ListParked: ("ops parked list",),
    ReadParked: ("ops parked show",),
    ReplayParked: ("ops parked replay",),
    DropParked: ("ops parked drop",),
    GetOutbox: ("ops outbox",),
    CheckTopology: ("ops topology check",),
    ListKeys: ("ops keys list",),
    RotateKeys: ("ops keys rotate",),
    RevokeKey: ("ops keys revoke",),
}
"""The commands of `lockbox` that use an operation."""

FOR_MACHINES: tuple[Operation, ...] = (GetKeys, ListRevocations, RecordAccess, RecordAccesses)
"""Operations of enforcement points, with neither page nor command."""


def permissions_page(operations: Iterable[Operation]) -> str:
    """Return the whole page."""
    declared = list(operations)
    lines = [HEAD.read_text(), *_table(declared), "", "## By role\n"]
    lines += ["Operations for every role are left out here.\n", "| Role | Side | Operations |", "|---|---|---|"]
    lines += [_role_row(role, declared) for role in Role]
    return "\n".join(lines) + "\n"


def _table(operations: Iterable[Operation]) -> Iterator[str]:
    yield "| Operation | Service | Roles | REST route | Page | Command |"
    yield "|---|---|---|---|---|---|"
    for one in operations:
        service = "every service" if one.service == EVERY else f"`{one.service}`"
        routes = _listed(str(route) for route in one.routes)
        page = _listed([PAGES[one]] if one in PAGES else [])
        commands = _listed(f"lockbox {name}" for name in COMMANDS.get(one, ()))
        yield f"| `{one.method}` | {service} | {roles_of(one)} | {routes} | {page} | {commands} |"


def roles_of(operation: Operation) -> str:
    """Return the roles of an operation as people read them."""
    if operation.public:
        return "none: without sign-in"
    return "every role" if set(operation.roles) == set(SIGNED_IN) else _listed(operation.roles)


def _role_row(role: Role, operations: Iterable[Operation]) -> str:
    side = "vendor" if role in VENDOR_ROLES else "customer"
    own = [one.method for one in operations if role in one.roles and set(one.roles) != set(SIGNED_IN)]
    return f"| `{role}` | {side} | {_listed(own)} |"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "-"
