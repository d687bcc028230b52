"""Middleware for WSGI applications (PEP 3333): Flask, Django, Bottle and others.

app.wsgi_app = GuardedWsgi(app.wsgi_app, guard)
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lockbox.errors import Forbidden
from lockbox.guard import paths
from lockbox.guard.middleware import DECISION, RequestGuard, refusal_of
from lockbox.guard.refusals import Refusal
from lockbox.guard.request import Headers, Request, asks_for_websocket

ADDRESSES = ("RAW_URI", "REQUEST_URI", "RAW_PATH_INFO")  # of Gunicorn; of Waitress, uWSGI and mod_wsgi; of eventlet

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class GuardedWsgi:
    """An application that gets only the requests that the guard allows.

    The decision stands in the environ as `lockbox.decision`, None on an open path.
    """

    def __init__(self, application: Application, guard: RequestGuard) -> None:
        self._application = application
        self._guard = guard

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request, or refuse it."""
        try:
            environ[DECISION] = self._guard.authorize(request_of(environ))
        except Forbidden as error:
            return refuse(refusal_of(error), environ, start_response)
        return self._application(environ, start_response)


def request_of(environ: Environ) -> Request:
    """Return the request, by the path that the application gets; raises `Forbidden("path_ambiguous", ...)`."""
    mount = _text(environ.get("SCRIPT_NAME", ""))
    path = mount + _text(environ.get("PATH_INFO", "")) or "/"
    known = [environ[name].partition("?")[0] for name in ADDRESSES if name in environ]
    addresses = [paths.as_asked(path, address, mount) for address in known or [None]]
    headers = headers_of(environ)
    return Request(environ["REQUEST_METHOD"], path, addresses[0], headers, asks_for_websocket(headers))


def headers_of(environ: Environ) -> Headers:
    """Return the headers; a server has joined those of one name with a comma."""

    def values(name: str) -> Sequence[str]:
        value = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        return [] if value is None else [value]

    return values


def refuse(refusal: Refusal, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the refusal, without its body for HEAD."""
    start_response(f"{refusal.status.value} {refusal.status.phrase}", refusal.headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [refusal.body]


def _text(latin: str) -> str:
    """Decode text that a server has decoded as Latin-1, as PEP 3333 has it."""
    try:
        return latin.encode("latin-1").decode()
    except UnicodeError as error:
        raise paths.ambiguous("expected UTF-8") from error
