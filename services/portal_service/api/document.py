"""The OpenAPI document: problem documents as the API answers them, and the rules of fields as they are enforced."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask_smorest import Api
from flask_smorest.utils import prepare_response
from marshmallow import Schema, fields

from lockbox.contracts import wire
from lockbox.contracts.fields import DurationField, TimestampField
from lockbox.contracts.registry import IDEMPOTENCY_KEY, Operation
from lockbox.crypto import possession

PROBLEM = "application/problem+json"
HEADERS: Mapping[str, Mapping[str, Any]] = {
    IDEMPOTENCY_KEY: {
        "in": "header",
        "name": "Idempotency-Key",
        "description": "A name of this command: sent again with the same key, it is carried out once",
        "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
    },
    "confirmation": {
        "in": "header",
        "name": "DPoP",
        "description": "A proof of possession of the key that the grant is bound to (RFC 9449)",
        "schema": {"type": "string", "maxLength": possession.LONGEST},
    },
}
"""The headers that operations read, by the field of the message that they become."""


class FieldFault(Schema):
    """A fault of one field of an input."""

    field = fields.String(required=True, metadata={"description": "The path of the field, such as `resources.1`"})
    code = fields.String(required=True)
    expected = fields.String(required=True)
    params = fields.Dict()
    received = fields.Raw()


class Problem(Schema):
    """A problem document (RFC 9457) with a stable code."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "A stable code"})
    detail = fields.String(required=True, metadata={"description": "One English sentence"})
    instance = fields.String(required=True, metadata={"description": "The correlation id that the logs know"})
    params = fields.Dict(metadata={"description": "The facts in `detail`"})
    errors = fields.List(fields.Nested(FieldFault), metadata={"description": "A fault for each field"})


class DocumentedApi(Api):
    """An API with a true OpenAPI document: the rules that are enforced, and errors as they are answered."""

    ERROR_SCHEMA = Problem

    def _register_responses(self) -> None:
        """Register a problem document for each status of an error (flask-smorest has its own kind of error)."""
        named = {status.name: status.phrase for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}
        for name, text in {**named, self.DEFAULT_ERROR_RESPONSE_NAME: "A problem document"}.items():
            response = {"description": text, "schema": self.ERROR_SCHEMA}
            prepare_response(response, self.spec, PROBLEM)
            self.spec.components.response(name, response, lazy=True)


def say_rules(plugin: MarshmallowPlugin) -> None:
    """Have a plugin of apispec say the rules of our own fields, in the syntax of JSON Schema (2020-12)."""
    plugin.map_to_openapi_type(TimestampField, "string", "date-time")  # type: ignore[no-untyped-call]
    plugin.map_to_openapi_type(DurationField, "string", None)  # type: ignore[no-untyped-call]
    plugin.converter.add_attribute_function(_rules)  # type: ignore[union-attr]


def spec_with_rules() -> tuple[APISpec, MarshmallowPlugin]:
    """Return an empty document that says the rules of our own fields, and its plugin."""
    plugin = MarshmallowPlugin()
    spec = APISpec("", "", "3.1.0", plugins=[plugin])
    say_rules(plugin)
    return spec, plugin


def _rules(_converter: Any, field: fields.Field[Any], *, ret: dict[str, Any], **_options: Any) -> dict[str, Any]:
    said: dict[str, Any] = dict(ret)
    for rule in (field, *field.validators):
        said |= getattr(rule, "json_schema", {})
    return said | ({"pattern": ecma(said["pattern"])} if "pattern" in said else {})


def path_parameters(kind: type) -> list[dict[str, Any]]:
    """Return the parameters of a path, which are the fields of a message, with their rules."""
    rules = _converter().fields2jsonschema(wire.schema(kind).fields)["properties"]
    return [{"in": "path", "name": name, "schema": _in_path(rule)} for name, rule in rules.items()]


def other_parameters(operation: Operation, query: type | None) -> list[dict[str, Any]]:
    """Return the headers that an operation reads, and the fields of its query."""
    fields_of_query = [] if query is None else _converter().schema2parameters(wire.schema(query), location="query")
    names = {one.name for one in dataclasses.fields(operation)}  # type: ignore[arg-type]
    return [*fields_of_query, *(header for name, header in HEADERS.items() if name in names)]


@cache
def _converter() -> Any:
    _, plugin = spec_with_rules()
    return plugin.converter


def _in_path(rules: dict[str, Any]) -> dict[str, Any]:
    """Return the rules of a field as those of a path, in which each parameter is a text."""
    return {name: rule for name, rule in rules.items() if name != "default"} | {"type": "string"}


def ecma(pattern: str) -> str:
    """Return an expression in the syntax of ECMA-262: Python's `match` begins at the beginning, `pattern` anywhere."""
    return f"^(?:{pattern.replace('(?P<', '(?<').replace(chr(92) + 'Z', '$')})"
