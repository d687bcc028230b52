import base64
import hashlib
import json
import re
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from tests.unit.builders import REQUEST_ID
from tests.unit.strategies import EVERY_ADDRESS

from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS, SOURCES
from lockbox.provision.broker import CALL_KEY, RPC_EXCHANGE, definitions
from lockbox.provision.secrets import ADMIN, SERVICES
from lockbox.runtime.broker.topology import (
    RETRY_SECONDS,
    SubscriptionTopology,
    command_queue,
    events_exchange,
    parked_exchange,
    reconcile_exchange,
    redeliver_exchange,
    retry_exchange,
)
from lockbox.runtime.rpc import server

PASSWORDS = {user: f"password of {user}" for user in (*SERVICES, ADMIN)}
MADE = definitions(PASSWORDS)
PERMISSIONS: dict[str, dict[str, str]] = {each["user"]: each for each in MADE["permissions"]}
TOPICS: dict[str, dict[str, str]] = {each["user"]: each for each in MADE["topic_permissions"]}
PAIRS = list(permutations(SERVICES, 2))
REPLY_KEY = str(UUID(REQUEST_ID))


def may(user: str, what: str, name: str) -> bool:
    """As RabbitMQ decides: the pattern is looked for anywhere in the name."""
    return re.search(PERMISSIONS[user][what], name) is not None


def may_route(user: str, what: str, key: str) -> bool:
    return re.search(TOPICS[user][what], key) is not None


def queues(service: str) -> list[str]:
    subscription = SubscriptionTopology(service, "on_request_created", (("request_service", "request_created"),))
    tiers = [retry_exchange(service, seconds).name for seconds in RETRY_SECONDS]
    return [
        subscription.name,
        f"{subscription.name}.parked",
        command_queue(service).name,
        f"rpc.reply-{service}-{REPLY_KEY}",
        *tiers,
    ]


def exchanges(service: str) -> list[str]:
    tiers = [retry_exchange(service, seconds).name for seconds in RETRY_SECONDS]
    return [events_exchange(service).name, parked_exchange(service).name, redeliver_exchange(service).name, *tiers]


def test_definitions_when_made_are_json_and_name_every_user_once() -> None:
    assert json.loads(json.dumps(MADE)) == MADE
    assert [user["name"] for user in MADE["users"]] == sorted(PASSWORDS)
    assert set(PERMISSIONS) == set(PASSWORDS)
    assert set(TOPICS) == set(SERVICES)


def test_definitions_when_made_for_a_virtual_host_keep_to_it() -> None:
    made: dict[str, Any] = definitions(PASSWORDS, "lockbox")
    assert made["vhosts"] == [{"name": "lockbox"}]
    for part in ("permissions", "topic_permissions", "exchanges"):
        assert {each["vhost"] for each in made[part]} == {"lockbox"}


def test_users_when_made_hold_no_password_but_its_salted_hash() -> None:
    assert "password of" not in json.dumps(MADE)
    salts = set()
    for user in MADE["users"]:
        raw = base64.b64decode(user["password_hash"])
        salt, hashed = raw[:4], raw[4:]
        assert hashed == hashlib.sha256(salt + PASSWORDS[user["name"]].encode()).digest()
        assert user["hashing_algorithm"] == "rabbit_password_hashing_sha256"
        salts.add(salt)
    assert len(salts) == len(MADE["users"])


def test_users_when_made_have_the_admin_alone_as_administrator() -> None:
    assert {user["name"]: user["tags"] for user in MADE["users"] if user["tags"]} == {ADMIN: ["administrator"]}


def test_exchanges_when_made_are_those_that_the_runtime_declares() -> None:
    declared = {each["name"]: each for each in MADE["exchanges"]}
    expected = [*map(events_exchange, SERVICES), *map(reconcile_exchange, SERVICES), server.RPC_EXCHANGE]
    assert set(declared) == {exchange.name for exchange in expected}
    for exchange in expected:
        made = declared[exchange.name]
        assert (made["type"], made["durable"], made["auto_delete"]) == (exchange.type, exchange.durable, False)
        assert (made["internal"], made["arguments"]) == (False, {})


def test_names_when_declared_twice_in_the_code_agree() -> None:
    assert server.RPC_EXCHANGE.name == RPC_EXCHANGE
    assert set(SERVICES) == set(SOURCES)


# --- own names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_permission_when_the_name_is_a_services_own_lets_it_do_everything(service: str) -> None:
    for name in queues(service) + exchanges(service):
        for what in ("configure", "write", "read"):
            assert may(service, what, name), (what, name)


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_permission_when_the_name_is_anothers_lets_nothing_be_made_or_removed(service: str, other: str) -> None:
    for name in queues(other) + exchanges(other) + [INTAKE_QUEUE] * (service != "audit_service"):
        assert not may(service, "configure", name), name


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_permission_when_the_queue_is_anothers_lets_nothing_be_read_from_it(service: str, other: str) -> None:
    for name in [*queues(other), INTAKE_QUEUE] if service != "audit_service" else queues(other):
        assert not may(service, "read", name), name


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_permission_when_the_exchange_is_anothers_lets_nobody_publish_on_it(service: str, other: str) -> None:
    for name in exchanges(other):
        assert not may(service, "write", name), name


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_permission_when_the_queue_is_anothers_lets_nobody_bind_it_elsewhere(service: str, other: str) -> None:
    for name in set(queues(other)) - LISTENERS.keys():
        assert not may(service, "write", name), name


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("queue", LISTENERS)
def test_permission_when_a_queue_must_not_miss_a_services_events_lets_it_bind_that(service: str, queue: str) -> None:
    wanted = any(kind.source == service for kind in LISTENERS[queue])
    own = queue.startswith(f"{service}.")
    assert may(service, "write", queue) is (wanted or own)
    assert may(service, "configure", queue) is own
    assert may(service, "read", queue) is own


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_permission_when_events_are_anothers_lets_them_be_subscribed_to_and_nothing_else(
    service: str, other: str
) -> None:
    assert may(service, "read", f"{other}.events")
    for name in exchanges(other):
        assert may(service, "read", name) is (name == f"{other}.events"), name


@pytest.mark.parametrize("service", SERVICES)
def test_permission_when_it_is_the_audits_intake_lets_everybody_bind_it(service: str) -> None:
    assert may(service, "write", INTAKE_QUEUE)
    assert may(service, "configure", INTAKE_QUEUE) is (service == "audit_service")
    if service != "audit_service":
        for near in ("audit_serviceXon_event.v1", f"{INTAKE_QUEUE}.parked", f"{INTAKE_QUEUE}2", f"x{INTAKE_QUEUE}"):
            assert not may(service, "write", near), near


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("what", ["configure", "write", "read"])
def test_permission_when_a_name_merely_resembles_an_own_one_lets_nothing_be_done(service: str, what: str) -> None:
    near = [
        f"x{service}.on_event.v1",
        f"{service}2.on_event.v1",
        f"{service}",
        f"{service}Xparked",
        f"rpc-{service}",
        f"x{command_queue(service).name}",
        f"rpc.reply-{service}",
        f"rpc.reply-x{service}-1",
        f"rpcXreply-{service}-1",
        f"evil\n{service}.x",
    ]
    assert [name for name in near if may(service, what, name)] == []


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", ["", "amq.default", "amq.topic", "amq.direct", "amq.fanout", "amq.rabbitmq.trace"])
def test_permission_when_it_is_a_built_in_exchange_lets_the_admin_alone_use_it(service: str, name: str) -> None:
    for what in ("configure", "write", "read"):
        assert not may(service, what, name)
        assert may(ADMIN, what, name)


# --- calls and answers ---------------------------------------------------------------------------------------------


def test_topic_permissions_when_made_are_for_the_rpc_exchange() -> None:
    assert {each["exchange"] for each in TOPICS.values()} == {RPC_EXCHANGE}
    for service in SERVICES:
        assert may(service, "write", RPC_EXCHANGE)
        assert may(service, "read", RPC_EXCHANGE)
        assert not may(service, "configure", RPC_EXCHANGE)


@pytest.mark.parametrize("service", SERVICES)
def test_topic_permission_when_a_call_is_sent_lets_the_portal_alone(service: str) -> None:
    for called, call in EVERY_ADDRESS:
        assert may_route(service, "write", f"{called}.{call.method}") is (service == "portal_service")
    for other in SERVICES:
        assert may_route(service, "write", f"{other}.anything") is (service == "portal_service")


@pytest.mark.parametrize("service", SERVICES)
def test_topic_permission_when_an_answer_is_sent_lets_every_service_but_the_portal(service: str) -> None:
    assert may_route(service, "write", REPLY_KEY) is (service != "portal_service")


@pytest.mark.parametrize("service", SERVICES)
def test_topic_permission_when_calls_are_received_lets_a_service_have_its_own_alone(service: str) -> None:
    for other in SERVICES:
        own = other == service and service != "portal_service"
        assert may_route(service, "read", f"{other}.*") is own, other
    for wide in ("#", "*", "*.*", "#.#", f"{service}.#", f"{service}.decide", "approval_service.decide", "*.decide"):
        assert not may_route(service, "read", wide), wide


@pytest.mark.parametrize("service", SERVICES)
def test_topic_permission_when_answers_are_received_lets_the_portal_alone(service: str) -> None:
    assert may_route(service, "read", REPLY_KEY) is (service == "portal_service")


@pytest.mark.parametrize(
    "key",
    [
        "#",
        "*",
        "",
        "*.*",
        "approval_service.#",
        "approval_service.*",
        "a.b.c",
        f"{REPLY_KEY}.x",
        f"x{REPLY_KEY}",
        "Approval_service.decide",
    ],
)
@pytest.mark.parametrize("service", SERVICES)
def test_topic_permission_when_a_key_is_neither_call_nor_answer_lets_nobody_send_it(service: str, key: str) -> None:
    assert not may_route(service, "write", key)


def test_call_key_when_a_call_is_added_covers_it() -> None:
    for service, call in EVERY_ADDRESS:
        assert re.search(CALL_KEY, f"{service}.{call.method}")
