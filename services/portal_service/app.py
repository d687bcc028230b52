"""The web application: REST, pages and health."""

from http import HTTPStatus

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed

from lockbox.errors import Invalid
from lockbox.faults import Expected
from lockbox.runtime.host.settings import Config
from lockbox.runtime.host.web import UPGRADE
from lockbox.runtime.web.bodies import LARGEST_BODY
from portal_service import request_log, web
from portal_service.api import health, problems, reference, routes, schemas, session
from portal_service.api.document import DocumentedApi, say_rules
from portal_service.settings import WebSettings, web_settings

HSTS_SECONDS = 365 * 24 * 3600
API = "/api/"
OF_BROWSERS = frozenset({"GET", "HEAD", "POST"})
FOR_PROGRAMS = (API, "/.well-known/", "/openapi.json")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(config: Config) -> Flask:
    """Create the web application."""
    settings = web_settings(config)
    app = Flask("portal_service")
    app.config.update(
        SECRET_KEY=settings.secret,
        PORTAL_URL=settings.portal_url.rstrip("/"),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        SESSION_COOKIE_NAME=_cookie("lockbox_form", settings),
        TRUSTED_PROXIES=settings.trusted_proxies,
        KNOWN_COOKIE_NAME=_cookie("lockbox_known", settings),
        SIGN_IN_COOKIE_NAME=_cookie("lockbox_session", settings),
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_SAMESITE="Lax",
        API_TITLE="Lockbox",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        },
    )
    api = DocumentedApi(app)
    say_rules(api.ma_plugin)
    for part in (session.blueprint, *routes.blueprints(), schemas.blueprint):
        api.register_blueprint(part)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(reference.blueprint)
    problems.register(app)
    web.register(app, secure=settings.secure)
    for status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        app.register_error_handler(status, _of_nowhere)
    request_log.register(app)
    app.before_request(_refuse_other_protocols)
    app.before_request(_refuse_repeated)
    app.after_request(_secure)
    if settings.secure:
        app.after_request(_stay_on_https)
    return app


def _refuse_other_protocols() -> Response | None:
    """Refuse a WebSocket, and `HEAD` in the API, where reading can leave a trace, such as a key bound to a grant."""
    if request.environ.get(UPGRADE):
        return problems.of_http(BadRequest("this server speaks HTTP/1.1 alone"))
    if request.method == "HEAD" and request.path.startswith(API):
        return problems.of_http(MethodNotAllowed(["GET"]))
    return None


def _refuse_repeated() -> None:
    """Raise `Invalid` for a parameter that the query has twice; no operation takes a list there."""
    for name, values in request.args.lists():
        if len(values) > 1:
            fault = Expected("repeated").fault(name)
            raise Invalid("repeated_field", f"{name}: expected {fault['expected']}", [fault])


def _of_nowhere(error: HTTPException) -> ResponseReturnValue:
    """Answer an unknown address as the API or as a page, by the beginning of its path."""
    for_programs = request.path.startswith(FOR_PROGRAMS) or request.method not in OF_BROWSERS
    return problems.of_http(error) if for_programs else web.errors.of_unknown_address(error)


def _cookie(name: str, settings: WebSettings) -> str:
    """Return the name of a cookie; over https a browser takes it from this host alone (RFC 6265bis, `__Host-`)."""
    return f"__Host-{name}" if settings.secure else name


def _stay_on_https(response: Response) -> Response:
    """Have browsers use https alone for this host from now on (RFC 6797)."""
    response.headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}; includeSubDomains"
    return response


def _secure(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response
