"""The page docs/events.md: the envelope, then a section for each event type."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.reference.catalogue import EventEntry, EventVersion
from scripts.reference.schemas import ENVELOPE

REFERENCE = "#/components/schemas/"
ATTRIBUTES = {
    "specversion": "always `1.0`",
    "id": "UUID of this event (RFC 9562, version 5); a repeated publish has the same",
    "source": "the service that publishes the event",
    "type": "the type of the event; also its routing key",
    "time": "the moment of the change, in UTC with microseconds",
    "subject": "the id of the request, grant, tenant, member or key that the event is about",
    "datacontenttype": "always `application/json`",
    "data": "the fields of the event, as below",
    "tenant": "the tenant; absent if the event concerns the vendor alone",
    "actor": "the person, the machine account or the service that caused the change",
    "sequence": "the number of the event among the events of its aggregate, from 1",
    "dataversion": "the version of `data`",
    "correlationid": "the id of the command or event chain, as in the logs",
    "causationid": "the id of the event that led to this one; absent if there is none",
}
HEAD = Path(__file__).with_name("events_head.md")


def events_page(entries: Sequence[EventEntry], schemas: Mapping[str, Any]) -> str:
    """Return the whole page."""
    facts = {version.name for entry in entries for version in entry.versions}
    parts = {name: schema for name, schema in schemas.items() if name not in facts | {ENVELOPE}}
    lines = [
        HEAD.read_text(),
        "## Envelope\n",
        *_envelope(schemas[ENVELOPE]),
        "",
        "## All events\n",
        *_index(entries),
        "",
    ]
    for entry in entries:
        lines += _section(entry, schemas)
    lines.append("## Parts\n\nSchemas that several events use.\n")
    for name, schema in sorted(parts.items()):
        lines += [f"### {name}\n", *_fields(schema), ""]
    return "\n".join(lines).rstrip() + "\n"


def _envelope(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| Attribute | Type | Meaning |"
    yield "|---|---|---|"
    for name, field in schema["properties"].items():
        yield f"| `{name}` | {_type(field)} | {ATTRIBUTES[name]} |"


def _index(entries: Iterable[EventEntry]) -> Iterator[str]:
    yield "| Source | Event | Meaning |"
    yield "|---|---|---|"
    for entry in entries:
        source = f"`{entry.sources[0]}`" if len(entry.sources) == 1 else "every service"
        yield f"| {source} | [`{entry.routing_key}`](#{entry.routing_key}) | {_first_sentence(entry.newest[0])} |"


def _first_sentence(version: EventVersion) -> str:
    return version.description.split("\n")[0].replace("|", "\\|")


def _section(entry: EventEntry, schemas: Mapping[str, Any]) -> Iterator[str]:
    first = entry.newest[0]
    yield f"## {entry.routing_key}\n"
    yield f"{first.description}\n"
    yield "| | |"
    yield "|---|---|"
    yield f"| Exchange | {_listed(version.exchange for version in entry.newest)} |"
    yield f"| Routing key | `{entry.routing_key}` |"
    yield f"| Data versions | {', '.join(str(number) for number in _numbers(entry))} |"
    yield f"| Listeners | {_listed(first.listeners)} |"
    yield ""
    for version in (one for one in entry.versions if one.source == first.source):
        yield f"**Data, version {version.number}**\n"
        if version is not first:
            yield f"{version.description}\n"
        yield from _fields(schemas[version.name])
        yield ""
        yield f"```json\n{json.dumps(version.example, indent=2, ensure_ascii=False)}\n```\n"


def _numbers(entry: EventEntry) -> list[int]:
    return list(dict.fromkeys(version.number for version in entry.versions))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| Field | Type | Required |"
    yield "|---|---|---|"
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        yield f"| `{name}` | {_type(field)} | {'yes' if name in required else 'no'} |"


def _type(field: Mapping[str, Any]) -> str:
    """Return the type of a field as people read it, such as `array of Group` or `string (date-time) or null`."""
    if "$ref" in field:
        name = field["$ref"].removeprefix(REFERENCE)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"])
    kinds = field.get("type", "string" if "enum" in field else "any value")
    return " or ".join(_simple(kind, field) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _simple(kind: str, field: Mapping[str, Any]) -> str:
    if kind == "array":
        return f"array of {_type(field.get('items', {}))}"
    if kind != "string":
        return kind
    if "enum" in field:
        return "one of " + _listed(str(value) for value in field["enum"] if value is not None)
    return f"string ({field['format']})" if "format" in field else "string"
