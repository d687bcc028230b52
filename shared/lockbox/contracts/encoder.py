"""Encoders: for each schema a function, compiled once, that writes the same as the schema's own `dump`.

marshmallow asks each field for its attribute, its default and its serializer at every dump; here that is asked once. A
field that serializes in a way not known here is left to marshmallow.
"""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, cast

from marshmallow import Schema, fields

from lockbox.contracts.fields import DurationField, TimestampField, format_duration
from lockbox.values.timestamps import format_timestamp

Encode = Callable[[Any], Any]
"""A function from a value of a message to a JSON value."""


class CompiledSchema(Schema):
    """A schema that dumps dataclasses with a compiled encoder, and leaves anything else to marshmallow."""

    _encode: Encode | None = None

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Return a message as a dictionary of JSON values."""
        if many or self.many or not is_dataclass(obj):
            return super().dump(obj, many=many)
        if self._encode is None:
            self._encode = compile_encoder(self)
        return self._encode(obj)


def compile_encoder(schema: Schema) -> Encode:
    """Return the function that encodes the messages of a schema."""
    steps = [
        (field.data_key or name, field.attribute or name, _encoder_of(field))
        for name, field in schema.dump_fields.items()
    ]

    def encode(message: Any) -> dict[str, Any]:
        return {
            key: getattr(message, attribute) if encode_value is None else encode_value(getattr(message, attribute))
            for key, attribute, encode_value in steps
        }

    return encode


def _encoder_of(field: fields.Field[Any]) -> Encode | None:
    """Return the encoder of one field, or None where the value is JSON already."""
    serialize = type(field)._serialize
    if serialize is fields.Field._serialize:
        return None
    make = MAKERS.get(serialize)
    return make(field) if make else lambda value: field._serialize(value, field.name, None)


def _text(field: fields.Field[Any]) -> Encode:
    return lambda value: value if value is None or type(value) is str else field._serialize(value, field.name, None)


def _number(field: fields.Field[Any]) -> Encode:
    return lambda value: value if value is None or type(value) is int else field._serialize(value, field.name, None)


def _timestamp(_field: fields.Field[Any]) -> Encode:
    return lambda value: None if value is None else format_timestamp(value)


def _duration(_field: fields.Field[Any]) -> Encode:
    return lambda value: None if value is None else format_duration(value)


def _member(field: fields.Field[Any]) -> Encode:
    """Return the encoder of an enumeration: its members are few, and each is serialized once."""
    members = cast(fields.Enum[Any], field).enum
    known = {member: field._serialize(member, field.name, None) for member in members}
    return lambda value: None if value is None else known[value]


def _list(field: fields.Field[Any]) -> Encode:
    encode_item = _encoder_of(cast(fields.List[Any], field).inner)
    if encode_item is None:
        return lambda value: None if value is None else list(value)
    return lambda value: None if value is None else [encode_item(item) for item in value]


def _nested(field: fields.Field[Any]) -> Encode:
    encode_message = compile_encoder(cast(fields.Nested, field).schema)
    return lambda value: None if value is None else encode_message(value)


def _mapping(field: fields.Field[Any]) -> Encode:
    """Return the encoder of a mapping with names that are text already; others are left to marshmallow."""
    value_field = cast(fields.Mapping[Any], field).value_field
    encode_value = None if value_field is None else _encoder_of(value_field)
    if encode_value is not None:
        return lambda value: field._serialize(value, field.name, None)
    return lambda value: dict(value) if value and _has_plain_names(value) else field._serialize(value, field.name, None)


def _has_plain_names(value: Mapping[Any, Any]) -> bool:
    return all(type(name) is str for name in value)


MAKERS: Mapping[Any, Callable[[fields.Field[Any]], Encode]] = {
    fields.String._serialize: _text,
    fields.Integer._serialize: _number,
    fields.Enum._serialize: _member,
    fields.List._serialize: _list,
    fields.Nested._serialize: _nested,
    fields.Mapping._serialize: _mapping,
    TimestampField._serialize: _timestamp,
    DurationField._serialize: _duration,
}
"""The makers of encoders, by the method that a field's class serializes with."""
