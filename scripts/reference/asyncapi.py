"""The AsyncAPI 3 document of all events. See https://www.asyncapi.com/docs/reference/specification/v3.0.0."""

from collections.abc import Sequence
from typing import Any

from scripts.reference.catalogue import EventVersion
from scripts.reference.schemas import ENVELOPE, event_schemas

BINDING = "0.3.0"
PERSISTENT = 2
DESCRIPTION = (
    "Lockbox publishes each event as a CloudEvents 1.0 JSON document on a durable topic exchange of RabbitMQ. "
    "The routing key is the type of the event. docs/events.md is the same reference for people."
)


def asyncapi_document(versions: Sequence[EventVersion]) -> dict[str, Any]:
    """Return the document: a channel and an operation for each event of a source, a message for each version."""
    groups = _by_channel(versions)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:lockbox:events",
        "info": {
            "title": "Lockbox events",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": source} for source in dict.fromkeys(one.source for one in versions)],
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": {name: _channel(group) for name, group in groups.items()},
        "operations": {f"send.{name}": _operation(name, group[0]) for name, group in groups.items()},
        "components": {
            "messages": {one.name: _message(one) for one in versions},
            "schemas": event_schemas(versions),
        },
    }


def _by_channel(versions: Sequence[EventVersion]) -> dict[str, list[EventVersion]]:
    groups: dict[str, list[EventVersion]] = {}
    for one in versions:
        groups.setdefault(f"{one.source}.{one.routing_key}", []).append(one)
    return groups


def _server() -> dict[str, Any]:
    return {
        "host": "{broker}",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "The RabbitMQ of a deployment.",
        "variables": {"broker": {"default": "localhost:5672", "description": "The name and port of RabbitMQ."}},
    }


def _channel(group: Sequence[EventVersion]) -> dict[str, Any]:
    exchange = {"name": group[0].exchange, "type": "topic", "durable": True, "autoDelete": False}
    return {
        "address": group[0].routing_key,
        "title": group[0].routing_key,
        "description": f"Exchange {group[0].exchange}, routing key {group[0].routing_key}.",
        "servers": [{"$ref": "#/servers/broker"}],
        "messages": {f"v{one.number}": {"$ref": f"#/components/messages/{one.name}"} for one in group},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": BINDING}},
        "tags": [{"name": group[0].source}],
        "x-listeners": list(group[0].listeners),
    }


def _operation(name: str, newest: EventVersion) -> dict[str, Any]:
    reference = f"#/channels/{name}"
    return {
        "action": "send",
        "channel": {"$ref": reference},
        "title": newest.routing_key,
        "summary": newest.description.split("\n")[0],
        "messages": [{"$ref": f"{reference}/messages/v{newest.number}"}],
        "bindings": {"amqp": {"deliveryMode": PERSISTENT, "mandatory": True, "bindingVersion": BINDING}},
        "tags": [{"name": newest.source}],
    }


def _message(one: EventVersion) -> dict[str, Any]:
    own = {
        "source": {"const": one.source},
        "type": {"const": one.routing_key},
        "dataversion": {"const": one.number},
        "data": {"$ref": f"#/components/schemas/{one.name}"},
    }
    return {
        "name": one.routing_key,
        "title": f"{one.routing_key}, version {one.number}",
        "description": one.description,
        "contentType": "application/json",
        "payload": {"allOf": [{"$ref": f"#/components/schemas/{ENVELOPE}"}, {"type": "object", "properties": own}]},
        "examples": [{"name": one.name, "payload": one.example}],
    }
