"""Every RPC entrypoint checks the caller, on the real broker."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import amqp
import pytest
from kombu import Connection
from tests.people import People
from tests.rpc_client import Token, rpc_client
from tests.unit.strategies import EVERY_ADDRESS

from lockbox.contracts.identity import CUSTOMER_ROLES, Caller, Role
from lockbox.crypto.keys import SigningKey, generate_signing_key, load_signing_key
from lockbox.embedded.stack import Stack
from lockbox.errors import Forbidden, Invalid, NotFound
from lockbox.runtime.broker.topology import CALLS_EXCHANGE
from lockbox.runtime.rpc.caller_token import mint

Call = Callable[..., Any]
NOBODY = str(uuid4())


@pytest.fixture
def caller_key(stack: Stack) -> SigningKey:
    return load_signing_key(stack.home / "secrets" / "caller.pem")


@pytest.fixture
def call(admin_amqp_uri: str) -> Call:
    def send(service: str, method: str, payload: Any, token: Any = None) -> Any:
        with rpc_client(admin_amqp_uri) as client:
            return client.call(service, method, payload, token)

    return send


def token(key: SigningKey, *roles: Role, organisation: str = "contoso", at: datetime | None = None) -> Token:
    now = at or datetime.now(UTC)
    caller = Caller("test@example.org", organisation, frozenset(roles), now, str(uuid4()))
    return lambda scope: mint(caller, scope, key, now)


ENTRYPOINTS = [(service, call.method) for service, call in EVERY_ADDRESS]


@pytest.mark.parametrize(("service", "method"), ENTRYPOINTS)
def test_entrypoint_when_nobody_vouches_for_the_caller_refuses(call: Call, service: str, method: str) -> None:
    with pytest.raises(Forbidden) as refused:
        call(service, method, {})
    assert refused.value.code == "token_malformed"


def test_entrypoint_when_the_token_has_expired_refuses(call: Call, caller_key: SigningKey) -> None:
    old = token(caller_key, Role.CUSTOMER_APPROVER, at=datetime.now(UTC) - timedelta(seconds=31))
    with pytest.raises(Forbidden) as refused:
        call("approval_service", "list_grants", {}, old)
    assert refused.value.code == "token_expired"


def test_entrypoint_when_the_token_is_signed_by_somebody_else_refuses(call: Call, tmp_path: Path) -> None:
    generate_signing_key(tmp_path / "own.pem")
    with pytest.raises(Forbidden) as refused:
        call("approval_service", "list_grants", {}, token(load_signing_key(tmp_path / "own.pem"), Role.OPERATOR))
    assert refused.value.code == "token_key_unknown"


def test_entrypoint_when_a_grant_is_shown_in_place_of_a_caller_token_refuses(call: Call, people: People) -> None:
    grant = people.granted()["grant"]["id"]
    signed = people.engineer.grant_token(grant)
    with pytest.raises(Forbidden) as refused:
        call("approval_service", "list_grants", {}, signed)
    assert refused.value.code == "token_malformed"


@pytest.mark.parametrize(
    ("service", "method", "roles"),
    [
        ("request_service", "create_request", {Role.ENGINEER}),
        ("approval_service", "put_policy", {Role.CUSTOMER_ADMIN}),
        ("approval_service", "record_access", {Role.ENFORCEMENT_POINT}),
        ("approval_service", "record_accesses", {Role.ENFORCEMENT_POINT}),
        ("approval_service", "list_keys", {Role.OPERATOR}),
        ("approval_service", "rotate_keys", {Role.OPERATOR}),
        ("approval_service", "revoke_key", {Role.OPERATOR}),
        ("approval_service", "list_revocations", {Role.ENFORCEMENT_POINT}),
        ("approval_service", "get_grant_token", {Role.ENGINEER}),
        ("audit_service", "get_usage", {Role.VENDOR_AUDITOR, *CUSTOMER_ROLES}),
        ("audit_service", "get_grant_usage", {Role.VENDOR_AUDITOR, *CUSTOMER_ROLES}),
    ],
)
def test_entrypoint_when_the_role_is_missing_refuses_every_other_role(
    call: Call, caller_key: SigningKey, service: str, method: str, roles: set[Role]
) -> None:
    for role in set(Role) - roles:
        organisation = "contoso" if role.startswith("customer") else "vendor"
        with pytest.raises(Forbidden) as refused:
            call(service, method, {}, token(caller_key, role, organisation=organisation))
        assert refused.value.code == "role_required"


def test_entrypoint_when_it_is_another_tenants_object_says_not_found(
    call: Call, caller_key: SigningKey, people: People
) -> None:
    outcome = people.granted()
    foreign = token(caller_key, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN, organisation="fabrikam")
    about_request = {"request_id": outcome["request_id"]}
    about_grant = {"grant_id": outcome["grant"]["id"]}
    key = {"idempotency_key": "k"}
    for service, method, payload in (
        ("request_service", "get_request", about_request),
        ("approval_service", "get_approval", about_request),
        ("approval_service", "decide", {**about_request, "request_digest": "x", "decision": "deny", **key}),
        ("approval_service", "get_grant", about_grant),
        ("approval_service", "revoke_grant", {**about_grant, **key}),
        ("approval_service", "get_policy", {"tenant": "contoso"}),
        ("audit_service", "list_records", {"tenant": "contoso"}),
        ("audit_service", "get_usage", {"tenant": "contoso"}),
        ("audit_service", "get_grant_usage", {"tenant": "contoso", **about_grant}),
    ):
        with pytest.raises(NotFound):
            call(service, method, payload, foreign)


@pytest.mark.parametrize("payload", [None, [], "text", 7, {"unknown": 1}, {"__type__": "uuid", "__value__": "x"}])
def test_entrypoint_when_the_message_is_nonsense_says_what_is_wrong(
    call: Call, caller_key: SigningKey, payload: Any
) -> None:
    with pytest.raises(Invalid) as refused:
        call("approval_service", "get_grant", payload, token(caller_key, Role.CUSTOMER_AUDITOR))
    assert refused.value.faults


def test_entrypoint_when_the_method_does_not_exist_says_so(call: Call, caller_key: SigningKey) -> None:
    with pytest.raises(NotFound) as refused:
        call("approval_service", "drop_everything", {}, token(caller_key, Role.OPERATOR, organisation="vendor"))
    assert refused.value.code == "method_not_found"


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        ("{}", {}),
        ("{}", {"reply_to": NOBODY}),
        ("not json", {"reply_to": NOBODY, "content_type": "application/json"}),
        ('{"args": 1}', {"reply_to": NOBODY, "content_type": "application/json"}),
        ("[" * 100_000, {"reply_to": NOBODY, "content_type": "application/json"}),
        (
            '{"args": [{}], "kwargs": {}}',
            {
                "reply_to": NOBODY,
                "content_type": "application/json",
                "application_headers": {"nameko.call_id_stack": 7, "nameko.auth_token": 7},
            },
        ),
    ],
)
def test_service_when_a_malformed_call_arrives_goes_on(
    call: Call, caller_key: SigningKey, admin_amqp_uri: str, stack: Stack, body: str, properties: dict[str, Any]
) -> None:
    before = stack.states()
    with Connection(admin_amqp_uri) as connection:
        message = amqp.Message(body, **properties)
        connection.default_channel.basic_publish(
            message, exchange=CALLS_EXCHANGE.name, routing_key="approval_service.decide"
        )
    assert call("approval_service", "list_grants", {}, token(caller_key, Role.CUSTOMER_AUDITOR))["items"] is not None
    assert pid_of(stack.states(), "approval_service") == pid_of(before, "approval_service")


def pid_of(states: str, program: str) -> str:
    [line] = [line for line in states.splitlines() if line.startswith(f"{program} ")]
    return line.split("pid ")[1].split(",")[0]
