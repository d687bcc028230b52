"""Messages as JSON and back: the one place that turns dataclasses into dictionaries.

`encode(message)` gives a dictionary of JSON values, a document. `decode(kind, data)` gives the message, or raises
`Invalid` with a fault for each field that is wrong: its path, what was expected and what came. `read(kind, document)`
is for documents that a service of Lockbox wrote: it checks their shape and not their rules, in a twentieth of the time.

A message can carry its document (`keep`), so that it is encoded once however often it is stored, hashed and sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Generic, TypeVar, cast

import marshmallow_dataclass
import msgspec
from marshmallow import EXCLUDE, Schema, ValidationError, validate
from marshmallow import fields as kinds

from lockbox.contracts.encoder import CompiledSchema
from lockbox.contracts.fields import NumberField
from lockbox.contracts.rules import Choice
from lockbox.errors import Invalid
from lockbox.faults import LONGEST_SHOWN, Expected, Fault

M = TypeVar("M")

MISSING, NULL, UNKNOWN, AN_OBJECT = map(Expected, ("missing", "null", "unknown_field", "not_an_object"))
OF_KIND: tuple[tuple[type[kinds.Field[Any]], Expected], ...] = (
    (kinds.String, Expected("not_text")),
    (kinds.List, Expected("not_a_list")),
    (kinds.Integer, Expected("not_a_whole_number")),
    (kinds.Float, Expected("not_a_number")),
    (kinds.Boolean, Expected("not_true_or_false")),
    (kinds.DateTime, Expected("not_a_timestamp")),
    (kinds.Field, AN_OBJECT),
)
"""The value that a field of each of marshmallow's kinds takes; the first kind that fits counts."""
SECRET_FIELDS = frozenset({"password", "token", "api_token"})
DOCUMENT = "_document"


class StrictSchema(CompiledSchema):
    """A schema that refuses unknown fields; every error carries a code and parameters in place of English."""

    TYPE_MAPPING = Schema.TYPE_MAPPING | {int: NumberField}
    error_messages = cast(dict[str, str], {"unknown": UNKNOWN, "type": AN_OBJECT})

    def on_bind_field(self, field_name: str, field_obj: kinds.Field[Any]) -> None:
        """Give a field, and those inside it, messages that are codes."""
        for field in _with_inner(field_obj):
            field.error_messages = cast(Any, {key: [_expected(field, key)] for key in field.error_messages})
            field.validators = [_coded(rule) for rule in field.validators]
            if isinstance(field, kinds.Enum):
                unknown = [_expected(field, "unknown")]  # also for a value that is no text
                field.field.error_messages = cast(Any, dict.fromkeys(field.field.error_messages, unknown))


class TolerantSchema(StrictSchema):
    """A message of a later, additive version: fields that this code does not know are left out."""

    class Meta:
        """marshmallow's options."""

        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: kinds.Field[Any]) -> None:
        """Leave out the rules of input: an earlier version, which did not have them all, took this in."""
        super().on_bind_field(field_name, field_obj)
        for field in _with_inner(field_obj):
            field.validators = [rule for rule in field.validators if not getattr(rule, "of_input", False)]


@cache
def schema(kind: type, *, tolerant: bool = False) -> Schema:
    """Return the marshmallow schema of a message; unknown fields are refused unless `tolerant`."""
    return marshmallow_dataclass.class_schema(kind, base_schema=TolerantSchema if tolerant else StrictSchema)()


def encode(message: object, kind: type | None = None) -> dict[str, Any]:
    """Return a message as a dictionary of JSON values; with `kind`, with the fields of that kind alone."""
    return cast(dict[str, Any], schema(kind or type(message)).dump(message))


def decode(kind: type[M], data: object, *, tolerant: bool = False) -> M:
    """Return the message that `data` holds; raise `Invalid` with every fault.

    The code names the first field that is wrong, as in `invalid_duration`; for a field that does not exist it is
    `unknown_field`, for something that is no object at all `invalid_body`.
    """
    try:
        return cast(M, schema(cast(type, kind), tolerant=tolerant).load(cast(Any, data)))
    except ValidationError as error:
        raise refusal(error.messages, data) from error


def read(kind: type[M], document: object) -> M:
    """Read a message out of a document that a service of Lockbox wrote; unknown fields are left out.

    Raises `Invalid("invalid_document", ...)` for a document of another shape.
    """
    names = _names(cast(type, kind))
    if names and isinstance(document, Mapping):
        document = {names.get(key, key): value for key, value in document.items()}
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise Invalid("invalid_document", f"expected a document of kind {kind.__name__}: {error}") from error


@cache
def _names(kind: type) -> Mapping[str, str]:
    """Return the names of the fields that have another one on the wire, by that."""
    return {field.metadata["data_key"]: field.name for field in fields(kind) if "data_key" in field.metadata}


def keep(message: M, document: Mapping[str, Any], kind: type | None = None) -> M:
    """Have a message carry its document, as one of `kind`: that which it was read from or written as."""
    vars(message)[DOCUMENT] = (kind or type(message), document)
    return message


def document_of(message: object, kind: type | None = None) -> Mapping[str, Any]:
    """Return the document that a message carries, if it is one of this kind; else encode the message."""
    kept_kind, document = vars(message).get(DOCUMENT, (None, {}))
    return document if kept_kind is (kind or type(message)) else encode(message, kind)


@dataclass(frozen=True)
class Encoded(Generic[M]):
    """A message of kind `M` as the text of its JSON document; a record is handed through as text."""

    text: str


def named(kind: type, source: object) -> dict[str, Any]:
    """Return the fields of a message of this kind as keyword arguments, out of something that has them among others."""
    return {field.name: getattr(source, field.name) for field in fields(kind)}


def refusal(messages: object, data: object) -> Invalid:
    """Return marshmallow's nested messages as one `Invalid`."""
    faults = list(_faults(messages, data, ()))
    first = faults[0]
    got = f", got {first['received']!r}" if "received" in first else ""
    code = "unknown_field" if first.get("code") == UNKNOWN.code else f"invalid_{first['field'].split('.')[0]}"
    return Invalid(code, f"{first['field']}: expected {first['expected']}{got}", faults)


def _faults(messages: object, data: object, path: tuple[str, ...]) -> Iterator[Fault]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            yield from _faults(below, data, path if key == "_schema" else (*path, str(key)))
    elif isinstance(messages, list):
        for message in messages:
            yield _fault(message, data, path)


def _fault(expected: object, data: object, path: tuple[str, ...]) -> Fault:
    field = ".".join(path) or "body"
    present, value = _at(data, path)
    shown = present and expected is not UNKNOWN and not isinstance(value, Mapping | list)
    received = [value] if shown and not SECRET_FIELDS & set(path) else []
    if isinstance(expected, Expected):
        return expected.fault(field, *received)
    fault = Fault(field=field, expected=str(expected))
    return fault | {"received": str(value)[:LONGEST_SHOWN]} if received else fault


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


def _with_inner(field: kinds.Field[Any]) -> Iterator[kinds.Field[Any]]:
    """Return a field and the fields of its items, keys and values."""
    yield field
    for name in ("inner", "key_field", "value_field"):
        if isinstance(inner := getattr(field, name, None), kinds.Field):
            yield from _with_inner(inner)


def _coded(rule: Any) -> Any:
    """Return a rule if its error carries a code; raise TypeError for one of marshmallow's own, which are in English."""
    if type(rule) is validate.OneOf:
        return Choice(tuple(rule.choices))
    if type(rule).__module__ == validate.__name__:
        raise TypeError(f"{rule!r}: expected a rule of lockbox.contracts.rules, whose error carries a code")
    return rule


def _expected(field: kinds.Field[Any], key: str) -> Expected:
    if isinstance(field, kinds.Enum) and key == "unknown":
        return Expected("not_one_of", choices=[str(one.value if field.by_value else one.name) for one in field.enum])
    named = {"required": MISSING, "null": NULL}
    return named.get(key) or next(expected for kind, expected in OF_KIND if isinstance(field, kind))
