"""`/schemas`: the documents of the API as JSON Schema (2020-12)."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from flask import Response, jsonify

from lockbox.contracts import wire
from lockbox.contracts.policy.document import PolicySettings
from portal_service.api.blueprint import Blueprint
from portal_service.api.document import spec_with_rules

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IN_OPENAPI, HERE = "#/components/schemas/", "#/$defs/"

blueprint = Blueprint("schemas", __name__, url_prefix="/api/v1/schemas", description="Schemas of documents")


@blueprint.route("/policy", methods=["GET"])
@blueprint.doc(operationId="get_policy_schema")
@blueprint.response(200, {"type": "object"}, description="A JSON Schema (2020-12)")
def get_policy_schema() -> Response:
    """Read the JSON schema of a policy."""
    return jsonify(json_schema("Policy", PolicySettings))


@cache
def json_schema(name: str, kind: type) -> Mapping[str, Any]:
    """Return the schema of a message and its parts, made of the rules that the message is read by."""
    spec, _ = spec_with_rules()
    spec.components.schema(name, schema=wire.schema(kind))
    parts = _here(spec.to_dict()["components"]["schemas"])
    return {"$schema": DIALECT, "title": name, "$ref": f"{HERE}{name}", "$defs": parts}


def _here(value: Any) -> Any:
    """Return the value with references into the document itself."""
    if isinstance(value, Mapping):
        return {name: _here(text) for name, text in value.items()}
    if isinstance(value, list):
        return [_here(one) for one in value]
    return value.replace(IN_OPENAPI, HERE) if isinstance(value, str) else value
