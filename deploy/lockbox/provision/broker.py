"""RabbitMQ's users, permissions, queues and bindings, as definitions that the broker reads when it starts.

A service has rights on names that begin with its own, and may bind its own queues to the others' events. Only the
portal may write on the exchange of calls, so no other user can publish there, bind an exchange to it, or name it as
alternate or dead-letter exchange. Answers travel on an exchange of their own, which only the portal reads. No service
has a right on another's queue: the queues that must not miss an event stand here, with their bindings. Only the
administrator may publish on the default exchange.

The plugin `rabbitmq_event_exchange` must be enabled: with it the broker reports to each service which bindings and
queues are removed.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from kombu import Queue

from lockbox.contracts.events import Fact
from lockbox.contracts.listeners import INTAKE_QUEUE
from lockbox.provision.limits import ADDON_CHANNELS, ADDON_CONNECTIONS, policies, user_limits, vhost_limits
from lockbox.provision.secrets import ADMIN, SERVICES
from lockbox.runtime.broker.topology import (
    ANSWERS_EXCHANGE,
    CALLS_EXCHANGE,
    REPORTED,
    REPORTS,
    SubscriptionTopology,
    listener_topologies,
)

EDGE = "portal_service"
CALLS, ANSWERS_TO_CALLS = CALLS_EXCHANGE.name, ANSWERS_EXCHANGE.name
ANSWERS = f"{INTAKE_QUEUE.partition('.')[0]}.reconcile"
CALL_KEY = r"^[a-z]+_service\.[a-z_]+$"
NOTHING = "(?!)"
TLS_CONFIGURATION = """\
listeners.tcp = none
listeners.ssl.default = {address}
ssl_options.cacertfile = {directory}/ca.pem
ssl_options.certfile = {directory}/server.pem
ssl_options.keyfile = {directory}/server.pem
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
"""
"""The lines of rabbitmq.conf with which RabbitMQ takes connections over TLS alone; clients sign in by password."""
PLUGINS = "[rabbitmq_event_exchange].\n"
"""The content of RabbitMQ's file `enabled_plugins`."""


def definitions(passwords: dict[str, str], vhost: str = "/") -> dict[str, Any]:
    """Return the definitions (https://www.rabbitmq.com/docs/definitions) of users, rights, queues and exchanges."""
    topics = [f"{service}.{part}" for service in SERVICES for part in ("events", "reconcile")] + [CALLS]
    kinds = dict.fromkeys(topics, "topic") | {ANSWERS_TO_CALLS: "direct"}
    listeners = listener_topologies()
    kinds |= {exchange.name: exchange.type for listener in listeners for exchange in listener.own_exchanges}
    return {
        "vhosts": [{"name": vhost}],
        "parameters": [vhost_limits(vhost)],
        "policies": policies(vhost),
        "users": [
            _user(name, password, {} if name == ADMIN else user_limits())
            for name, password in sorted(passwords.items())
        ],
        "permissions": [_admin_permission(vhost), *(_permission(service, vhost) for service in SERVICES)],
        "topic_permissions": [
            {"user": service, "vhost": vhost, **rights} for service in SERVICES for rights in _topic_rights(service)
        ],
        "exchanges": [
            {
                "name": name,
                "vhost": vhost,
                "type": kind,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name, kind in kinds.items()
        ],
        "queues": _unique(_queue(queue, vhost) for listener in listeners for queue in listener.own_queues),
        "bindings": _unique(binding for listener in listeners for binding in _bindings(listener, vhost)),
    }


def _unique(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items in their order, each once: listeners of one service share its retry tiers."""
    return [item for _, item in {repr(item): item for item in items}.items()]


def _queue(queue: Queue, vhost: str) -> dict[str, Any]:
    return {
        "name": queue.name,
        "vhost": vhost,
        "durable": True,
        "auto_delete": False,
        "arguments": queue.queue_arguments,
    }


def _bindings(listener: SubscriptionTopology, vhost: str) -> Iterator[dict[str, Any]]:
    """Yield the bindings of one listener's queues: to events, and to the exchanges of its own consumer."""
    for queue, exchange, routing_key in listener.all_bindings:
        yield {
            "source": exchange,
            "vhost": vhost,
            "destination": queue,
            "destination_type": "queue",
            "routing_key": routing_key,
            "arguments": {},
        }


def addon_definitions(name: str, password: str, kinds: Iterable[type[Fact]], vhost: str = "/") -> dict[str, Any]:
    """Return the definitions of a service that a vendor adds: it reads these kinds of events, and no others.

    It has rights on names that begin with its own, and can't publish to another service.
    """
    types: dict[str, set[str]] = {}
    for kind in kinds:
        types.setdefault(kind.source, set()).add(kind.type)
    readable = {f"{source}.events": "|".join(sorted(names)) for source, names in types.items()} | {ANSWERS: name}
    own, of_others = rf"{name}\..*", "|".join(map(re.escape, sorted(readable)))
    rights = {"configure": f"^({own})$", "write": f"^({own})$", "read": f"^({own}|{of_others})$"}
    return {
        "users": [_user(name, password, user_limits(ADDON_CONNECTIONS, ADDON_CHANNELS))],
        "permissions": [{"user": name, "vhost": vhost, **rights}],
        "topic_permissions": [
            {"user": name, "vhost": vhost, "exchange": exchange, "write": "^$", "read": f"^({keys})$"}
            for exchange, keys in sorted(readable.items())
        ],
    }


def _user(name: str, password: str, limits: dict[str, int]) -> dict[str, Any]:
    salt = secrets.token_bytes(4)
    hashed = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    return {
        "name": name,
        "password_hash": hashed,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"] if name == ADMIN else [],
        "limits": limits,
    }


def _admin_permission(vhost: str) -> dict[str, str]:
    return {"user": ADMIN, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"}


def _permission(service: str, vhost: str) -> dict[str, str]:
    own = rf"{service}\..*|rpc\.reply-{service}-.*" if service == EDGE else rf"{service}\..*"
    calls, answers = re.escape(CALLS), re.escape(ANSWERS_TO_CALLS)
    sent, received = (calls, answers) if service == EDGE else (answers, calls)
    return {
        "user": service,
        "vhost": vhost,
        "configure": f"^({own})$",
        "write": f"^({own}|{sent})$",
        "read": rf"^({own}|{received}|[a-z]+_service\.(events|reconcile)|{re.escape(REPORTS)})$",
    }


def _topic_rights(service: str) -> tuple[dict[str, str], ...]:
    """Return the rights on calls, and those on the broker's reports of deletions."""
    own = {"write": NOTHING, "read": rf"^{service}\.\*$"}
    calls = {"write": CALL_KEY, "read": NOTHING} if service == EDGE else own
    reports = {"write": NOTHING, "read": f"^({'|'.join(map(re.escape, REPORTED))})$"}
    return ({"exchange": CALLS, **calls}, {"exchange": REPORTS, **reports})
