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
from lockbox.provision.broker import CALL_KEY, definitions
from lockbox.provision.secrets import ADMIN, SERVICES
from lockbox.runtime.broker.topology import (
    ANSWERS_EXCHANGE,
    CALLS_EXCHANGE,
    REPORTED,
    REPORTS,
    RETRY_SECONDS,
    SubscriptionTopology,
    command_queue,
    events_exchange,
    listener_topologies,
    parked_exchange,
    reconcile_exchange,
    redeliver_exchange,
    retry_exchange,
)

PASSWORDS = {user: f"password of {user}" for user in (*SERVICES, ADMIN)}
MADE = definitions(PASSWORDS)
PERMISSIONS: dict[str, dict[str, str]] = {each["user"]: each for each in MADE["permissions"]}
TOPICS: dict[str, dict[str, str]] = {
    each["user"]: each for each in MADE["topic_permissions"] if each["exchange"] == CALLS_EXCHANGE.name
}
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
        *([f"rpc.reply-{service}-{REPLY_KEY}"] if service == "portal_service" else []),
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
    for part in ("permissions", "topic_permissions", "exchanges", "policies", "parameters"):
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
    own = [exchange for listener in listener_topologies() for exchange in listener.own_exchanges]
    shared = [*map(events_exchange, SERVICES), *map(reconcile_exchange, SERVICES), CALLS_EXCHANGE, ANSWERS_EXCHANGE]
    expected = [*shared, *own]
    assert set(declared) == {exchange.name for exchange in expected}
    for exchange in expected:
        made = declared[exchange.name]
        assert (made["type"], made["durable"], made["auto_delete"]) == (exchange.type, exchange.durable, False)
        assert (made["internal"], made["arguments"]) == (False, {})


def test_names_when_declared_twice_in_the_code_agree() -> None:
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
def test_permission_when_the_queue_is_anothers_lets_nobody_bind_or_unbind_it(service: str, other: str) -> None:
    for name in queues(other) + [INTAKE_QUEUE] * (service != "audit_service"):
        assert not may(service, "write", name), name


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("queue", [INTAKE_QUEUE, *LISTENERS])
def test_permission_when_a_queue_must_not_miss_events_lets_its_own_service_alone_touch_it(
    service: str, queue: str
) -> None:
    for right in ("configure", "write", "read"):
        assert may(service, right, queue) is queue.startswith(f"{service}.")


@pytest.mark.parametrize(("service", "other"), PAIRS)
def test_permission_when_events_are_anothers_lets_them_be_subscribed_to_and_nothing_else(
    service: str, other: str
) -> None:
    assert may(service, "read", f"{other}.events")
    for name in exchanges(other):
        assert may(service, "read", name) is (name == f"{other}.events"), name


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


def test_permission_when_it_is_the_exchange_of_calls_lets_the_portal_alone_write_on_it() -> None:
    assert set(TOPICS) == set(SERVICES)
    for service in SERVICES:
        assert may(service, "write", CALLS_EXCHANGE.name) is (service == "portal_service")
        assert may(service, "read", CALLS_EXCHANGE.name) is (service != "portal_service")
        assert not may(service, "configure", CALLS_EXCHANGE.name)


def test_permission_when_it_is_the_exchange_of_answers_lets_the_portal_alone_read_it() -> None:
    for service in SERVICES:
        assert may(service, "read", ANSWERS_EXCHANGE.name) is (service == "portal_service")
        assert may(service, "write", ANSWERS_EXCHANGE.name) is (service != "portal_service")
        assert not may(service, "configure", ANSWERS_EXCHANGE.name)


@pytest.mark.parametrize("service", SERVICES)
def test_topic_permission_when_a_call_is_sent_lets_the_portal_alone(service: str) -> None:
    for called, call in EVERY_ADDRESS:
        assert may_route(service, "write", f"{called}.{call.method}") is (service == "portal_service")
    for other in SERVICES:
        assert may_route(service, "write", f"{other}.anything") is (service == "portal_service")


@pytest.mark.parametrize("service", SERVICES)
def test_topic_permission_when_calls_are_received_lets_a_service_have_its_own_alone(service: str) -> None:
    for other in SERVICES:
        own = other == service and service != "portal_service"
        assert may_route(service, "read", f"{other}.*") is own, other
    for wide in ("#", "*", "*.*", "#.#", f"{service}.#", f"{service}.decide", "approval_service.decide", "*.decide"):
        assert not may_route(service, "read", wide), wide


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


# --- queues and bindings -------------------------------------------------------------------------------------------


def test_queues_when_made_are_those_that_the_runtime_declares() -> None:
    declared = {each["name"]: each["arguments"] for each in MADE["queues"]}
    expected = {queue.name: queue.queue_arguments for one in listener_topologies() for queue in one.own_queues}
    assert declared == expected
    assert {INTAKE_QUEUE, *LISTENERS} <= set(declared)


def test_bindings_when_made_lead_every_event_to_its_listeners() -> None:
    bound = {(each["source"], each["routing_key"], each["destination"]) for each in MADE["bindings"]}
    assert len(bound) == len(MADE["bindings"])
    for source in SOURCES:
        assert (f"{source}.events", "#", INTAKE_QUEUE) in bound
    for queue, kinds in LISTENERS.items():
        for kind in kinds:
            assert (f"{kind.source}.events", kind.type, queue) in bound


def test_bindings_when_made_lead_no_call_and_no_answer_anywhere() -> None:
    assert not {CALLS_EXCHANGE.name, ANSWERS_EXCHANGE.name} & {each["source"] for each in MADE["bindings"]}


# --- reports, limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_permission_when_the_broker_reports_lets_a_service_read_of_deletions_alone(service: str) -> None:
    [rights] = [each for each in MADE["topic_permissions"] if (each["user"], each["exchange"]) == (service, REPORTS)]
    for key in REPORTED:
        assert re.search(rights["read"], key)
    for key in (
        "#",
        "*.*",
        "binding.*",
        "user.created",
        "connection.created",
        "queue.created",
        "binding.created",
        "xbinding.deleted",
    ):
        assert not re.search(rights["read"], key), key
    assert may(service, "read", REPORTS)
    assert not may(service, "write", REPORTS)
    assert not may(service, "configure", REPORTS)


def test_users_when_made_are_limited_but_for_the_admin() -> None:
    limits = {user["name"]: user["limits"] for user in MADE["users"]}
    assert limits.pop(ADMIN) == {}
    for service in SERVICES:
        assert limits[service] == {"max-connections": 200, "max-channels": 1_000}


def policy_of(queue: str) -> dict[str, Any]:
    matching = [policy for policy in MADE["policies"] if re.search(policy["pattern"], queue)]
    definition: dict[str, Any] = max(matching, key=lambda policy: int(policy["priority"]))["definition"]
    return definition


@pytest.mark.parametrize(
    "queue", sorted({each["name"] for each in MADE["queues"]} | {"approval_service.commands.v1.parked"})
)
def test_queue_when_it_must_not_miss_an_event_refuses_what_is_too_much(queue: str) -> None:
    assert policy_of(queue) == {"max-length-bytes": 512 * 1024 * 1024, "overflow": "reject-publish"}


@pytest.mark.parametrize("service", SERVICES)
def test_queue_when_it_holds_calls_refuses_the_next_call(service: str) -> None:
    assert policy_of(command_queue(service).name) == {"max-length": 10_000, "overflow": "reject-publish"}


@pytest.mark.parametrize(
    "queue", ["erp_service.on_event", "rpc.reply-portal_service-1", "audit_service.on_question.v1"]
)
def test_queue_when_it_is_any_other_is_limited_too_and_drops_its_oldest(queue: str) -> None:
    assert policy_of(queue) == {"max-length-bytes": 512 * 1024 * 1024, "overflow": "drop-head"}
