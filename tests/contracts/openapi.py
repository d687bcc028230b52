"""The OpenAPI document of this tree, and the part of it that programs rely on."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask

from portal_service.app import create_app

GOLDEN = Path(__file__).parent / "openapi.json"
FOR_PEOPLE = {"summary", "description", "tags"}
Json = dict[str, Any]


@cache
def application() -> Flask:
    """The portal's web application."""
    with TemporaryDirectory() as folder:
        key = Path(folder) / "web_key"
        key.write_text("a secret of this test alone")
        return create_app({"lockbox": {"portal_url": "http://localhost", "web_key": str(key)}})


def current() -> Json:
    """The document as the portal answers it."""
    return json.loads(application().test_client().get("/openapi.json").data)  # type: ignore[no-any-return]


def content(document: Json) -> Json:
    """Paths, methods, parameters, bodies and answers, each schema in its place, without words for people."""
    return {path: _path_content(whole(document, item)) for path, item in document["paths"].items()}


def whole(document: Json, value: Any, above: tuple[str, ...] = ()) -> Any:
    """The same with each reference replaced by that which it names."""
    if isinstance(value, list):
        return [whole(document, one, above) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" not in value:
        return {name: whole(document, one, above) for name, one in value.items()}
    reference = value["$ref"]
    assert reference not in above, f"{reference} refers to itself"
    target: Any = document
    for step in reference.removeprefix("#/").split("/"):
        target = target[step]
    return whole(document, target, (*above, reference))


def _path_content(item: Json) -> Json:
    parameters = sorted(item.get("parameters", ()), key=lambda one: str(one["name"]))
    methods = {method: _operation(operation) for method, operation in item.items() if method != "parameters"}
    return {"parameters": parameters} | methods


def _operation(operation: Json) -> Json:
    kept = {name: value for name, value in operation.items() if name not in FOR_PEOPLE}
    if "parameters" in kept:
        kept["parameters"] = sorted(kept["parameters"], key=lambda one: str(one["name"]))
    for part in (kept.get("requestBody", {}), *kept["responses"].values()):
        for media in part.get("content", {}).values():
            media.pop("example", None)
    return kept
