"""JSON schemas of the envelope and of all facts, made from the rules by which messages are read."""

from collections.abc import Iterable, Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from lockbox.contracts import wire
from lockbox.contracts.events import Event
from lockbox.contracts.fields import DurationField, TimestampField
from scripts.reference.catalogue import EventVersion

ENVELOPE = "CloudEvent"
FORMATS = {DurationField: "duration", TimestampField: "date-time"}


def event_schemas(versions: Iterable[EventVersion]) -> dict[str, Any]:
    """Return a schema for the envelope, for each version's `data`, and for each part that these refer to."""
    plugin = MarshmallowPlugin()
    spec = APISpec("", "", "3.1.0", plugins=[plugin])
    for kind, name in FORMATS.items():
        plugin.map_to_openapi_type(kind, "string", name)  # type: ignore[no-untyped-call]
    spec.components.schema(ENVELOPE, schema=wire.schema(Event))
    for version in versions:
        spec.components.schema(version.name, schema=wire.schema(version.kind))
    schemas: dict[str, Any] = published(spec.to_dict()["components"]["schemas"])
    return schemas


def published(value: Any) -> Any:
    """Return a schema as readers of events need it: patterns in ECMA-262, and further fields allowed."""
    if isinstance(value, Mapping):
        return {
            name: anchored(part) if name == "pattern" else published(part)
            for name, part in value.items()
            if name != "additionalProperties" or isinstance(part, Mapping)
        }
    return [published(one) for one in value] if isinstance(value, list) else value


def anchored(pattern: Any) -> Any:
    """Return a pattern of Python's `match` as JSON Schema writes it."""
    if not isinstance(pattern, str):
        return published(pattern)
    return f"^(?:{pattern.replace('(?P<', '(?<').replace(chr(92) + 'Z', '$')})"
