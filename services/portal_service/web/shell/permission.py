"""Permissions of the reader, as the service that decides sent them, and of a signed-in person by the operations."""

from typing import Any

from lockbox.contracts.calls import Call
from lockbox.contracts.identity import Caller
from lockbox.contracts.permission import Rights
from lockbox.contracts.registry import OPERATIONS
from lockbox.contracts.request.operations import CreateRequest
from lockbox.errors import Forbidden
from portal_service.web.wording.refusals import refusal

BY_METHOD = {operation.method: operation for operation in OPERATIONS}


def obstacle(rights: Rights, operation: type[Call[Any]]) -> str | None:
    """Return the reason why the reader can't do this operation now, as a sentence, or None."""
    permission = rights.permission(operation.method)
    if permission.allowed:
        return None
    return refusal(str(permission.code), permission.message or "", permission.params)


def may_use(person: Caller, method: str) -> bool:
    """Tell whether a person's roles allow the operation with this method; raises KeyError for an unknown one."""
    return BY_METHOD[method].admits(person)


def sees_requests(person: Caller) -> bool:
    """Tell whether a person can see any request: all, or the own ones. Operators and enforcement points see none."""
    return person.sees_all or CreateRequest.admits(person)


def require_sight(person: Caller) -> None:
    """Raise `Forbidden` unless the person can see requests."""
    if not sees_requests(person):
        raise Forbidden("requests_not_visible", "your roles show you no requests")
