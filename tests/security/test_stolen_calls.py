"""A caller token that leaks is good for nothing but the same call again, whoever can send on the exchange of calls.

The broker's administrator sends here: the tokens have to hold where the broker's rights are gone.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tests.metrics import metric
from tests.people import People
from tests.rpc_client import RpcClient, rpc_client

from lockbox.contracts.identity import Caller, Role
from lockbox.crypto.canonical import canonical, digest
from lockbox.crypto.keys import SigningKey, load_signing_key
from lockbox.embedded.stack import Stack
from lockbox.errors import Forbidden
from lockbox.runtime.rpc.caller_token import CallScope, mint

READ = canonical({"args": [{"tenant": "contoso"}], "kwargs": {}})
ADMIN = Caller(
    "alice.admin@contoso.example", "contoso", frozenset({Role.CUSTOMER_ADMIN}), datetime.now(UTC), str(uuid4())
)


@pytest.fixture
def key(stack: Stack) -> SigningKey:
    return load_signing_key(stack.home / "secrets" / "caller.pem")


@pytest.fixture
def client(admin_amqp_uri: str) -> Iterator[RpcClient]:
    with rpc_client(admin_amqp_uri) as opened:
        yield opened


def refusal(client: RpcClient, scope: CallScope, body: bytes, token: str) -> str:
    with pytest.raises(Forbidden) as refused:
        client.send(scope, body, {"nameko.auth_token": token})
    return refused.value.code


def leaked(client: RpcClient, key: SigningKey, at: datetime | None = None) -> tuple[CallScope, str]:
    """The scope and token of a call that an administrator made to read a policy."""
    scope = CallScope("approval_service", "get_policy", digest(READ), client.reply_to)
    return scope, mint(ADMIN, scope, key, at or datetime.now(UTC))


def test_token_when_the_same_call_is_made_again_reads_the_same(client: RpcClient, key: SigningKey) -> None:
    scope, token = leaked(client, key)
    first, again = (client.send(scope, READ, {"nameko.auth_token": token}) for _ in range(2))
    assert first == again
    assert first["tenant"] == "contoso"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"service": "audit_service", "method": "list_records"}, "token_other_audience"),
        ({"service": "request_service", "method": "get_request"}, "token_other_audience"),
        ({"method": "list_grants"}, "token_other_method"),
        ({"method": "put_policy"}, "token_other_method"),
    ],
)
def test_token_when_it_is_used_for_another_service_or_method_is_refused(
    client: RpcClient, key: SigningKey, change: dict[str, str], code: str
) -> None:
    scope, token = leaked(client, key)
    assert refusal(client, replace(scope, **change), READ, token) == code


def test_token_when_the_message_is_altered_is_refused(client: RpcClient, key: SigningKey) -> None:
    scope, token = leaked(client, key)
    for body in (
        canonical({"args": [{"tenant": "fabrikam"}], "kwargs": {}}),
        READ + b" ",
        READ.replace(b"contoso", b"contoso "),
    ):
        assert refusal(client, scope, body, token) == "token_other_message"


def test_token_when_the_answer_would_go_elsewhere_is_refused(
    client: RpcClient, key: SigningKey, admin_amqp_uri: str
) -> None:
    scope, token = leaked(client, key)
    with rpc_client(admin_amqp_uri) as thief:
        assert refusal(thief, replace(scope, reply_to=thief.reply_to), READ, token) == "token_other_reply"


@pytest.mark.parametrize(
    ("age", "code"), [(timedelta(seconds=31), "token_expired"), (timedelta(days=-1), "token_not_yet_valid")]
)
def test_token_when_it_is_old_or_of_tomorrow_is_refused(
    stack: Stack, client: RpcClient, key: SigningKey, age: timedelta, code: str
) -> None:
    counted = f'lockbox_calls_refused_total{{code="{code}"}}'
    before = metric(stack, "approval_service", counted)
    scope, token = leaked(client, key, datetime.now(UTC) - age)
    assert refusal(client, scope, READ, token) == code
    assert metric(stack, "approval_service", counted) == before + 1


def test_request_when_its_approver_only_reads_leaks_no_token_that_decides(
    client: RpcClient, key: SigningKey, people: People
) -> None:
    """An approver opens a request: the token that request_service sees decides nothing at approval_service."""
    request_id = str(uuid4())
    body = canonical({"args": [{"request_id": request_id}], "kwargs": {}})
    seen = CallScope("request_service", "get_request", digest(body), client.reply_to)
    approver = replace(ADMIN, roles=frozenset({Role.CUSTOMER_APPROVER}))
    token = mint(approver, seen, key, datetime.now(UTC))
    decision = {"request_id": request_id, "request_digest": "0" * 64, "decision": "approve", "idempotency_key": "k"}
    forged = canonical({"args": [decision], "kwargs": {}})
    wanted = CallScope("approval_service", "decide", digest(forged), client.reply_to)
    assert refusal(client, wanted, forged, token) == "token_other_audience"
