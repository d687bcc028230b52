"""Encoders write what marshmallow's own `dump` writes, for every message and every state of an aggregate."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields
from marshmallow_dataclass import class_schema
from tests.unit.strategies import EVERY_CALL, EVERY_FACT, messages

from approval_service.domain.access import AccessRecord
from approval_service.domain.approval.approval import Approval
from approval_service.domain.policy.policy import Policy
from lockbox.contracts import wire
from lockbox.contracts.encoder import compile_encoder
from lockbox.errors import Invalid
from notify_service.domain.delivery import Delivery
from portal_service.domain.account import Account
from portal_service.domain.session import ApiToken, FailedAttempt, Session
from request_service.domain.request import AccessRequest

EVERY_ANSWER = {call.answer for call in EVERY_CALL}
STATES = {Approval, Policy, AccessRecord, Delivery, Account, Session, ApiToken, FailedAttempt, AccessRequest}
MESSAGES = sorted({*EVERY_CALL, *EVERY_ANSWER, *EVERY_FACT, *STATES}, key=lambda kind: kind.__name__)
READ = sorted({*EVERY_ANSWER, *STATES}, key=lambda kind: kind.__name__)
few = settings(max_examples=max(3, settings().max_examples // 10))
"""There are many kinds, and each is tried with some messages."""


@cache
def plain_schema(kind: type) -> Schema:
    """The schema of a message with marshmallow's own `dump`."""
    return class_schema(kind)()


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@few
@given(data=st.data())
def test_encoder_when_given_any_message_writes_the_bytes_that_marshmallow_writes(kind: type, data: Any) -> None:
    message = data.draw(messages(kind))
    assert json.dumps(wire.encode(message)) == json.dumps(plain_schema(kind).dump(message))


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.__name__)
@few
@given(data=st.data())
def test_document_when_read_gives_the_message(kind: type, data: Any) -> None:
    message = data.draw(messages(kind))
    assert wire.read(kind, json.loads(json.dumps(wire.encode(message)))) == message


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
