"""RabbitMQ's users and what each may do, as definitions that the broker reads when it starts.

A service has rights on names that begin with its own. It may bind to the others' events, and bind the queues that must
not miss its own; on the RPC exchange it may answer, and only the portal may call. Nobody may publish on the default
exchange, so nobody can put a message into somebody else's queue.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Any

from lockbox.contracts.events import Fact
from lockbox.contracts.listeners import INTAKE_QUEUE, bindings
from lockbox.provision.secrets import ADMIN, SERVICES

EDGE = "portal_service"
RPC_EXCHANGE = "nameko-rpc"
REPLY_KEY = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
ANSWERS = f"{INTAKE_QUEUE.partition('.')[0]}.reconcile"
CALL_KEY = r"^[a-z]+_service\.[a-z_]+$"


def definitions(passwords: dict[str, str], vhost: str = "/") -> dict[str, Any]:
    """The definitions (https://www.rabbitmq.com/docs/definitions) of users, permissions and shared exchanges."""
    exchanges = [f"{service}.{what}" for service in SERVICES for what in ("events", "reconcile")] + [RPC_EXCHANGE]
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(name, password) for name, password in sorted(passwords.items())],
        "permissions": [_admin_permission(vhost), *(_permission(service, vhost) for service in SERVICES)],
        "topic_permissions": [_topic_permission(service, vhost) for service in SERVICES],
        "exchanges": [
            {
                "name": name,
                "vhost": vhost,
                "type": "topic",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name in exchanges
        ],
    }


def addon_definitions(name: str, password: str, kinds: Iterable[type[Fact]], vhost: str = "/") -> dict[str, Any]:
    """The definitions of a service that a vendor adds: it hears of these kinds of events, and of nothing else.

    It has rights on names that begin with its own, and can publish nothing that another service reads.
    """
    types: dict[str, set[str]] = {}
    for kind in kinds:
        types.setdefault(kind.source, set()).add(kind.type)
    heard = {f"{source}.events": "|".join(sorted(names)) for source, names in types.items()} | {ANSWERS: name}
    own, of_others = rf"{name}\..*", "|".join(map(re.escape, sorted(heard)))
    rights = {"configure": f"^({own})$", "write": f"^({own})$", "read": f"^({own}|{of_others})$"}
    return {
        "users": [_user(name, password)],
        "permissions": [{"user": name, "vhost": vhost, **rights}],
        "topic_permissions": [
            {"user": name, "vhost": vhost, "exchange": exchange, "write": "^$", "read": f"^({keys})$"}
            for exchange, keys in sorted(heard.items())
        ],
    }


def _user(name: str, password: str) -> dict[str, Any]:
    salt = secrets.token_bytes(4)
    hashed = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    return {
        "name": name,
        "password_hash": hashed,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"] if name == ADMIN else [],
    }


def _admin_permission(vhost: str) -> dict[str, str]:
    return {"user": ADMIN, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"}


def _permission(service: str, vhost: str) -> dict[str, str]:
    own = rf"{service}\..*|rpc\.reply-{service}-.*"
    listeners = "|".join(sorted({re.escape(queue) for queue, _ in bindings(service)}))
    return {
        "user": service,
        "vhost": vhost,
        "configure": f"^({own})$",
        "write": f"^({own}|{RPC_EXCHANGE}|{listeners})$",
        "read": rf"^({own}|{RPC_EXCHANGE}|[a-z]+_service\.(events|reconcile))$",
    }


def _topic_permission(service: str, vhost: str) -> dict[str, str]:
    calls, answers = ("write", "read") if service == EDGE else ("read", "write")
    own_calls = rf"^{service}\.\*$"
    return {
        "user": service,
        "vhost": vhost,
        "exchange": RPC_EXCHANGE,
        answers: REPLY_KEY,
        calls: CALL_KEY if service == EDGE else own_calls,
    }
