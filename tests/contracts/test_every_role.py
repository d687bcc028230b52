"""The roles of every operation stand on its class alone: RPC, REST and the documentation follow a change there."""

from contextlib import suppress
from copy import copy
from types import SimpleNamespace
from typing import Any

import pytest
from scripts.reference.permissions_page import permissions_page
from tests.contracts.openapi import application
from tests.unit.builders import caller
from tests.unit.keys import public_keys, signing_key
from tests.unit.portal_service.api.rest_calls import BEARER, Recorder, address

from approval_service.service import ApprovalService
from audit_service.service import AuditService
from lockbox import clock
from lockbox.contracts.calls import EVERY, Call
from lockbox.contracts.events import VENDOR
from lockbox.contracts.identity import VENDOR_ROLES, Caller, Role
from lockbox.contracts.registry import OPERATIONS, Operation
from lockbox.contracts.request.operations import GetRequest
from lockbox.errors import Forbidden, Invalid, Unavailable
from lockbox.runtime.rpc.caller_token import CallScope, mint
from lockbox.runtime.rpc.server import Command
from notify_service.service import NotifyService
from portal_service.api.examples import EXAMPLES
from portal_service.domain.account import Account
from portal_service.usecases import Identity
from request_service.service import RequestService

KEY = signing_key()
SERVICES: dict[str, type] = {one.name: one for one in (RequestService, ApprovalService, NotifyService, AuditService)}


class Entrypoints(Recorder):
    """An edge that asks the real entrypoints of the service whether they let the caller in, and goes no further."""

    def __init__(self, person: Caller) -> None:
        super().__init__()
        self.person = person

    def identify(self, _token: str) -> Identity:
        roles, organisation = tuple(self.person.roles), self.person.organisation
        account = Account(email=self.person.email, organisation=organisation, roles=roles, password_hash=None)
        return Identity(account, self.person.authenticated_at)

    def call(self, message: Any, *_more: object) -> Any:
        admit(self.person, GetRequest if isinstance(message, str) else type(message))
        raise Unavailable("admitted", "the roles allow this")

    call_as_portal = act_on_request = operate_all = read_request = call

    def operate(self, _service: str, message: Call[Any]) -> Any:
        return self.call(message)


def admit(person: Caller, operation: Operation) -> None:
    """Raise `Forbidden` unless each service that answers the operation lets the caller in."""
    for name in SERVICES if operation.service == EVERY else [operation.service]:
        [declared] = getattr(SERVICES[name], operation.method).nameko_entrypoints
        entrypoint: Command = copy(declared)
        entrypoint.callers = SimpleNamespace(keys=public_keys(KEY))
        scope = CallScope(name, operation.method, "a digest", "an address")
        with suppress(Invalid):
            entrypoint.arguments(mint(person, scope, KEY, clock.now()), scope, {})


def with_role(role: Role) -> Caller:
    return caller("one@of.example", VENDOR if role in VENDOR_ROLES else "contoso", role)


def over_rpc(operation: Operation, person: Caller) -> bool:
    try:
        admit(person, operation)
    except Forbidden as refused:
        return refused.code != "role_required"
    return True


def over_rest(operation: Operation, person: Caller) -> set[bool]:
    client = application().test_client()
    client.environ_base["lockbox.edge"] = Entrypoints(person)
    body, headers = dict(EXAMPLES[operation].body) if operation.routes else {}, BEARER | {"Idempotency-Key": "key-1"}
    answers = [
        client.open(address(route.path), method=route.method, json=body or None, headers=headers)
        for route in operation.routes
    ]
    codes = {(answer.status_code, answer.get_json()["code"]) for answer in answers}
    assert codes <= {(403, "role_required"), (503, "admitted")}
    return {code == "admitted" for _, code in codes}


def on_page(operation: Operation, role: Role) -> bool:
    [row] = [line for line in permissions_page(OPERATIONS).splitlines() if line.startswith(f"| `{operation.method}` |")]
    return f"`{role}`" in row


def holders(operation: Operation) -> set[Role]:
    """Return the roles that may use an operation, after a check that RPC, REST and the page agree."""
    found = set()
    for role in Role:
        allowed = over_rpc(operation, with_role(role))
        assert over_rest(operation, with_role(role)) <= {allowed}
        assert set(operation.roles) == set(Role) or on_page(operation, role) == allowed
        found |= {role} if allowed else set()
    return found


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if not one.public])
def test_roles_when_another_is_declared_are_that_one_everywhere(
    operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holders(operation) == set(operation.roles)
    other = next((role for role in Role if role not in operation.roles), Role.CUSTOMER_AUDITOR)
    monkeypatch.setattr(operation, "roles", (other,))
    assert holders(operation) == {other}
