"""The login over HTTP: an engineer shows a grant and its proof (RFC 9449), and names the content in the address.

    POST /read/contoso/database/orders/customers      or /write/...

with `Authorization: DPoP <grant>` and `DPoP: <proof>`, gives `{"username", "password", "auth_source", "ends_at"}`.
"""

import json
from collections.abc import Callable
from pathlib import Path

import structlog
from pymongo.errors import PyMongoError
from werkzeug.wrappers import Request, Response

from examples.mongodb_guard.domain import ACTIONS, Databases, Scope, rights
from examples.mongodb_guard.settings import settings
from examples.mongodb_guard.usecases import Credentials
from lockbox.contracts import wire
from lockbox.errors import Conflict, Forbidden
from lockbox.guard import Decision, Guard
from lockbox.guard.middleware import RequestGuard, refusal_of
from lockbox.guard.refusals import REASONS
from lockbox.guard.routes import Route, Routes
from lockbox.guard.wsgi import request_of
from lockbox.runtime.host.settings import Config

ROUTES = Routes(
    Route(
        path=f"/{action}/{{tenant}}/database/{{database}}/{{collection}}",
        actions={"POST": action},
        resource="database/{database}/{collection}",
    )
    for action in ACTIONS
)

log = structlog.get_logger(__name__)


def request_guard(config: Config) -> RequestGuard:
    """Return the guard of requests, started."""
    read = settings(config)
    guard = Guard(read.portal_url, Path(read.token_file))
    guard.start()
    return RequestGuard(guard, ROUTES, read.url)


def decide(request: Request, request_guard: RequestGuard, databases: Databases) -> Decision:
    """Have the guard decide on a login, and put it on record; raises `Forbidden` with the reason why not."""
    asked = request_of(request.environ)
    attempt = request_guard.attempt(asked)
    if attempt is None or not rights(
        Scope(tenant=attempt.tenant, resources=(attempt.resource,), actions=(attempt.action,)), databases
    ):
        raise Forbidden("opens_nothing_here", "this tenant has no such database here")
    return request_guard.enforce(asked, attempt)


def answer(log_in: Callable[[], Credentials]) -> Response:
    """Answer with the login, or with a problem document (RFC 9457)."""
    try:
        return _response(200, wire.encode(log_in()))
    except Forbidden as error:
        if error.code in REASONS:
            refusal = refusal_of(error)
            return Response(refusal.body, refusal.status, refusal.headers)
        return _problem(403, error.code, error.message)
    except Conflict as error:
        return _problem(409, error.code, error.message)
    except PyMongoError as error:
        log.warning("login_failed", error=f"{type(error).__name__}: {error}"[:300])
        return _problem(503, "database_unavailable", "try again")


def _problem(status: int, code: str, detail: str) -> Response:
    document = {"status": status, "code": code, "detail": detail}
    return _response(status, document, "application/problem+json")


def _response(status: int, document: object, kind: str = "application/json") -> Response:
    return Response(json.dumps(document), status, {"Cache-Control": "no-store"}, content_type=kind)
