"""Encoders write what marshmallow's own `dump` writes; `test_wire.py` tries every message and every state."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from marshmallow import Schema, fields

from lockbox.contracts import wire
from lockbox.contracts.encoder import compile_encoder
from lockbox.errors import Invalid


class Colour(StrEnum):
    RED = "red"


@dataclass
class Values:
    text: Any = "text"
    number: Any = 1
    flag: Any = True
    names: Any = ()
    mapping: Any = None
    special: Any = None


@dataclass
class Text:
    text: str


class Special(fields.Field[Any]):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return f"special {value}"


class OfValues(Schema):
    text = fields.String()
    number = fields.Integer()
    flag = fields.Boolean()
    names = fields.List(fields.String())
    mapping = fields.Dict(keys=fields.String(), values=fields.DateTime())
    special = Special()


@pytest.mark.parametrize(
    "values",
    [
        Values(),
        Values(text=None, number=None, flag=None, names=None),
        Values(text=Colour.RED, number=True, names=(Colour.RED, "blue", 1)),
        Values(text=12, number="12", names=[]),
        Values(mapping={Colour.RED: datetime(2026, 1, 31, tzinfo=UTC)}),
        Values(mapping={}),
    ],
)
def test_encoder_when_values_are_of_another_type_writes_what_marshmallow_writes(values: Values) -> None:
    written = compile_encoder(OfValues())(values)
    assert written == OfValues().dump(values)
    assert [type(value) for value in written.values()] == [type(value) for value in OfValues().dump(values).values()]


def test_document_when_carried_by_a_message_is_no_field_of_it() -> None:
    message, document = Values(), {"text": "as it came"}
    assert wire.keep(message, document) is message
    assert wire.document_of(message) is document
    assert message == Values()
    assert wire.document_of(replace(message)) == wire.encode(Values())


def test_document_when_of_another_kind_is_encoded() -> None:
    message = wire.keep(Values(), {"text": "as it came"})
    assert wire.document_of(message, Text) == {"text": "text"}
    assert wire.document_of(wire.keep(Values(), {"text": "of the other"}, Text), Text) == {"text": "of the other"}


@pytest.mark.parametrize("document", [None, [], "text", {}, {"text": 1}])
def test_document_when_of_another_shape_can_not_be_read(document: Any) -> None:
    with pytest.raises(Invalid) as refused:
        wire.read(Text, document)
    assert refused.value.code == "invalid_document"
