"""From message to JSON and back: the one place that turns dataclasses into dictionaries.

`encode(message)` gives a dictionary of JSON values, `decode(kind, data)` the message, or raises `Invalid` with a fault
for each field that is wrong: its path, what was expected and what came.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

import marshmallow_dataclass
from marshmallow import EXCLUDE, Schema, ValidationError

from lockbox.errors import Fault, Invalid

M = TypeVar("M")

NO_SUCH_FIELD = "no field of this name"
EXPECTED = {
    "Missing data for required field.": "a value",
    "Field may not be null.": "a value, not null",
    "Unknown field.": NO_SUCH_FIELD,
    "Not a valid string.": "a string",
    "Not a valid list.": "a list",
    "Not a valid integer.": "a whole number",
    "Not a valid boolean.": "true or false",
    "Not a valid mapping type.": "an object",
    "Invalid type.": "an object",
    "Invalid input type.": "an object",
}
SECRET_FIELDS = frozenset({"password", "token", "api_token"})


_SCHEMAS: dict[tuple[type, bool], Schema] = {}


class Tolerant(Schema):
    """Reads a message of a later, additive version: fields that it does not know are left out."""

    class Meta:
        """marshmallow's options."""

        unknown = EXCLUDE


def schema(kind: type, *, tolerant: bool = False) -> Schema:
    """The marshmallow schema of a message; unknown fields are refused unless `tolerant`."""
    if (kind, tolerant) not in _SCHEMAS:
        base = Tolerant if tolerant else None
        _SCHEMAS[kind, tolerant] = marshmallow_dataclass.class_schema(kind, base_schema=base)()
    return _SCHEMAS[kind, tolerant]


def encode(message: object, kind: type | None = None) -> dict[str, Any]:
    """The message as a dictionary of JSON values; with `kind`, only what a message of that kind shows."""
    return cast(dict[str, Any], schema(kind or type(message)).dump(message))


def decode(kind: type[M], data: object, *, tolerant: bool = False) -> M:
    """The message that `data` holds; raises `Invalid` with every fault.

    The code names the first field that is wrong, as in `invalid_duration`; for a field that does not exist it is
    `unknown_field`, for something that is no object at all `invalid_body`.
    """
    try:
        return cast(M, schema(kind, tolerant=tolerant).load(cast(Any, data)))
    except ValidationError as error:
        raise refusal(error.messages, data) from error


def named(kind: type, source: object) -> dict[str, Any]:
    """The fields of a message of this kind, as keyword arguments, out of something that has them among others."""
    return {field.name: getattr(source, field.name) for field in fields(kind)}


def refusal(messages: object, data: object) -> Invalid:
    """Marshmallow's nested messages as one `Invalid`."""
    faults = list(_faults(messages, data, ()))
    first = faults[0]
    got = f", got {first['received']!r}" if "received" in first else ""
    code = "unknown_field" if first["expected"] == NO_SUCH_FIELD else f"invalid_{first['field'].split('.')[0]}"
    return Invalid(code, f"{first['field']}: expected {first['expected']}{got}", faults)


def _faults(messages: object, data: object, path: tuple[str, ...]) -> Iterator[Fault]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            yield from _faults(below, data, path if key == "_schema" else (*path, str(key)))
    elif isinstance(messages, list):
        for message in messages:
            yield _fault(str(message), data, path)


def _fault(message: str, data: object, path: tuple[str, ...]) -> Fault:
    fault = Fault(field=".".join(path) or "body", expected=_expected(message))
    present, value = _at(data, path)
    shown = present and fault["expected"] != NO_SUCH_FIELD and not isinstance(value, Mapping | list)
    if shown and not SECRET_FIELDS & set(path):
        fault["received"] = str(value)[:120]
    return fault


def _at(data: object, path: tuple[str, ...]) -> tuple[bool, object]:
    value = data
    for step in path:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return False, None
    return True, value


def _expected(message: str) -> str:
    if message.startswith("Must be one of: "):
        return "one of " + message.removeprefix("Must be one of: ").removesuffix(".")
    return EXPECTED.get(message, message)
