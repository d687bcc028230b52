"""The base of every part of the API: strict input, and sign-in by token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import flask
from flask import g, request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from lockbox.contracts import wire
from lockbox.errors import Invalid
from lockbox.values.json_text import read_json
from portal_service.domain.session import Unauthenticated
from portal_service.edge import edge

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Nothing:
    """A query or a body without fields."""


class Parser(FlaskParser):
    """Reads JSON bodies and query strings strictly; a fault is an `Invalid` that names the field."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}  # noqa: RUF012 - webargs' own name and type

    def load_json(self, req: flask.Request, schema: Schema) -> Any:
        """Return the body; an absent one counts as an empty object."""
        return _body(req)

    def load_querystring(self, req: flask.Request, schema: Schema) -> Any:
        """Return the query string."""
        return req.args.to_dict()

    def handle_error(self, error: ValidationError, req: flask.Request, schema: Schema, **_options: object) -> NoReturn:
        """Raise `Invalid` with every fault."""
        [(location, messages)] = error.normalized_messages().items()  # type: ignore[no-untyped-call]
        data = _body(req) if location == "json" else req.args.to_dict()
        raise wire.refusal(messages, data) from error


class Blueprint(SmorestBlueprint):
    """A part of the API."""

    ARGUMENTS_PARSER = Parser()


def refuse_input(*, query: bool, body: bool) -> None:
    """Raise `Invalid` for a field in a query or body that this route does not read.

    A selection in the wrong place could widen an operation: `DELETE /ops/parked/{queue}?parked_id=...` would drop all.
    """
    for unread, given in ((query, lambda: request.args.to_dict()), (body, lambda: _body(request))):
        if unread and (found := given()) != {}:
            wire.decode(Nothing, found)


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """Require the token of a session or a machine: `Authorization: Bearer <token>`."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        g.identity = edge().identify(bearer_token())
        return view(*args, **kwargs)

    documented = getattr(view, "_apidoc", {})
    secured = {**documented.get("manual_doc", {}), "security": [{"bearer": []}]}
    guarded._apidoc = {**documented, "manual_doc": secured}  # type: ignore[attr-defined]
    return guarded


def bearer_token() -> str:
    """Return the token of this request; raise `Unauthenticated` if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("token_missing", "send a token: `Authorization: Bearer <token>`")
    return token.strip()


def _body(req: flask.Request) -> Any:
    data = req.get_data(cache=True)
    if not data:
        return {}
    if not req.is_json:
        raise Invalid("not_json", f"expected a body of type application/json, got {req.mimetype[:80]!r}")
    try:
        return read_json(data)
    except (ValueError, RecursionError) as error:
        raise Invalid("malformed_json", f"the body is not JSON: {error}", params={"reason": str(error)}) from error
