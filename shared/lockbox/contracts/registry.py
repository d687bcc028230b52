"""The registry of all operations: every contract module imported, every declaration checked against the others."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from lockbox.contracts import access, alert, audit, earlier, keys, member, ops, usage
from lockbox.contracts.approval import facts as approval_facts
from lockbox.contracts.approval import operations as approval_operations
from lockbox.contracts.calls import EVERY, PARAMETER, SERVICES, Call, RestRoute
from lockbox.contracts.grant import facts as grant_facts
from lockbox.contracts.grant import operations as grant_operations
from lockbox.contracts.identity import VENDOR_ROLES, Role
from lockbox.contracts.policy import facts as policy_facts
from lockbox.contracts.policy import operations as policy_operations
from lockbox.contracts.request import facts as request_facts
from lockbox.contracts.request import operations as request_operations

Operation = type[Call[Any]]

IDEMPOTENCY_KEY = "idempotency_key"
"""The field that comes in a header."""
WITHOUT_BODY = frozenset({"GET", "DELETE"})
"""The methods with their input in path and query."""

MODULES = (
    request_operations,
    approval_operations,
    grant_operations,
    policy_operations,
    usage,
    audit,
    access,
    keys,
    ops,
    request_facts,
    approval_facts,
    grant_facts,
    policy_facts,
    member,
    alert,
    earlier,
)
"""All modules that declare operations or facts, in the order of docs/permissions.md."""


def _declared_in(module: object) -> Iterator[Operation]:
    for one in vars(module).values():
        declared = isinstance(one, type) and issubclass(one, Call) and one is not Call
        if declared and one.__module__ == getattr(module, "__name__", None):
            yield one


OPERATIONS: tuple[Operation, ...] = tuple(one for module in MODULES for one in _declared_in(module))
"""All operations, in the order of their declaration."""


@cache
def check() -> None:
    """Check all operations once, at the start of a service; raise TypeError with every fault, by the class's name."""
    check_operations(OPERATIONS)


def check_operations(operations: Iterable[Operation]) -> None:
    """Check declarations; raise TypeError with every fault, by the class's name."""
    declared = list(operations)
    faults = [f"{one.__name__}: {fault}" for one in declared for fault in _faults(one)]
    faults += _shared_methods(declared)
    faults += _shared_routes(declared)
    if faults:
        raise TypeError("; ".join(faults))


def _faults(operation: Operation) -> Iterator[str]:
    if not is_dataclass(operation):
        yield "expected a dataclass"
        return
    if operation.service not in SERVICES:
        yield f"there is no service {operation.service!r}"
    names = frozenset(field.name for field in fields(operation))
    for route in operation.routes:
        yield from _route_faults(operation, route, names)
    if operation.body is not None and operation.body not in names:
        yield f"the body {operation.body!r} is no field"
    yield from _role_faults(operation)


def _route_faults(operation: Operation, route: RestRoute, names: frozenset[str]) -> Iterator[str]:
    for name, times in Counter(route.parameters).items():
        if name not in names:
            yield f"{route} has {{{name}}}, which is no field"
        if times > 1:
            yield f"{route} has {{{name}}} twice"
        if name in (operation.body, IDEMPOTENCY_KEY):
            yield f"{route} has {{{name}}}, which is the body or a header"
    if operation.body is not None and route.method in WITHOUT_BODY:
        yield f"{route} has no body"


def _role_faults(operation: Operation) -> Iterator[str]:
    unknown = [str(role) for role in operation.roles if not isinstance(role, Role)]
    if unknown:
        yield f"there is no role {', '.join(unknown)}"
    of_vendor = operation.service == EVERY or any(route.path.split("/")[1] == "ops" for route in operation.routes)
    allowed = VENDOR_ROLES if of_vendor else operation.only
    if allowed is not None:
        side = "vendor" if allowed == VENDOR_ROLES else "customer"
        foreign = sorted(role for role in operation.roles if isinstance(role, Role) and role not in allowed)
        if foreign or operation.public:
            yield f"an operation of the {side} alone is open to {', '.join(foreign) or 'everybody'}"


def _shared_methods(operations: Iterable[Operation]) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for one in operations:
        names.setdefault(one.method, []).append(one.__name__)
    yield from (f"method {method}: declared by {' and '.join(by)}" for method, by in names.items() if by[1:])


def _shared_routes(operations: Iterable[Operation]) -> Iterator[str]:
    places: dict[tuple[str, str], list[tuple[str, RestRoute]]] = {}
    for one in operations:
        for route in one.routes:
            places.setdefault((route.method, PARAMETER.sub("{}", route.path)), []).append((one.__name__, route))
    for shared in places.values():
        if len(shared) > 1:
            yield f"{' and '.join(name for name, _ in shared)}: both on {shared[0][1]}"
