"""`/session`: sign in, read the account, sign out."""

from dataclasses import dataclass
from typing import Any

from flask import Response

from lockbox.contracts import wire
from portal_service.api.blueprint import Blueprint, bearer_token, signed_in
from portal_service.edge import edge, identity
from portal_service.usecases import Credentials

blueprint = Blueprint("session", __name__, url_prefix="/api/v1", description="Signing in")


@dataclass(frozen=True)
class SessionToken:
    """The token to send with every other call."""

    token: str


@dataclass(frozen=True)
class Profile:
    """The account behind a token."""

    email: str
    organisation: str
    roles: tuple[str, ...]


@blueprint.route("/session", methods=["POST"])
@blueprint.doc(operationId="sign_in")
@blueprint.arguments(wire.schema(Credentials))
@blueprint.response(200, wire.schema(SessionToken))
def sign_in(credentials: Credentials) -> SessionToken:
    """Sign in with an address and a password."""
    return SessionToken(edge().sign_in(credentials.email, credentials.password))


@blueprint.route("/session", methods=["GET"])
@blueprint.doc(operationId="who_am_i")
@signed_in
@blueprint.response(200, wire.schema(Profile))
def who_am_i() -> Any:
    """Read the account that the token belongs to."""
    return identity().account


@blueprint.route("/session", methods=["DELETE"])
@blueprint.doc(operationId="sign_out")
@signed_in
@blueprint.response(204)
def sign_out() -> Response:
    """End the session."""
    edge().sign_out(bearer_token())
    return Response(status=204)
