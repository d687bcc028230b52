"""Forward authentication: a proxy asks over HTTP about each request, before it passes the request on.

`frontend` says who asks, and so what tells about the request; whoever asks overwrites that, and nothing else is
believed. On `CHECK` the answer is 200 with the headers `Lockbox-Grant` and `Lockbox-Engineer`, empty where all is open,
or a refusal. On `HEALTH` it is 200 if the guard is ready, else 503.
"""

import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus

from waitress.server import create_server

from lockbox.errors import Forbidden
from lockbox.guard.decision import Decision
from lockbox.guard.middleware import Door, refusal_of
from lockbox.guard.request import Headers, Request
from lockbox.guard.wsgi import Environ, StartResponse, headers_of, refuse

CHECK, HEALTH = "/check", "/healthz"
THREADS = 32

Told = tuple[str, str]


def told_by_nginx(_environ: Environ, headers: Headers) -> Told:
    """The headers that the configuration of `auth_request` sets."""
    return _only(headers("x-original-method")), _only(headers("x-original-uri"))


def told_by_traefik(_environ: Environ, headers: Headers) -> Told:
    """The headers of ForwardAuth."""
    return _only(headers("x-forwarded-method")), _only(headers("x-forwarded-uri"))


def told_by_envoy(environ: Environ, _headers: Headers) -> Told:
    """The request itself, as ext_authz sends it with `CHECK` before its path."""
    return environ["REQUEST_METHOD"], environ["REQUEST_URI"].removeprefix(CHECK)


TOLD: Mapping[str, Callable[[Environ, Headers], Told]] = {
    "nginx": told_by_nginx,
    "traefik": told_by_traefik,
    "envoy": told_by_envoy,
}
LATER = {"nginx": HTTPStatus.FORBIDDEN}  # which makes 500 of what is neither 2xx nor 401 nor 403


class ForwardAuth:
    """A WSGI application that answers a proxy."""

    def __init__(self, door: Door, frontend: str) -> None:
        self._door = door
        self._told = TOLD[frontend]
        self._later = LATER.get(frontend, HTTPStatus.SERVICE_UNAVAILABLE)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        asked = environ["REQUEST_URI"].partition("?")[0]
        if asked == CHECK or asked.startswith(f"{CHECK}/"):
            return self._check(environ, start_response)
        if asked == HEALTH:
            ready = self._door.guard.ready
            return _answer(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, [], start_response)
        return _answer(HTTPStatus.NOT_FOUND, [], start_response)

    def _check(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        headers = headers_of(environ)
        try:
            decision = self._door.let_in(Request.of(*self._told(environ, headers), headers))
        except Forbidden as error:
            return refuse(replace(refusal_of(error), later=self._later), environ, start_response)
        return _answer(HTTPStatus.OK, _named(decision), start_response)


class Server:
    """Serves a door to a proxy until SIGTERM, or Ctrl-C, ends it."""

    def __init__(self, door: Door, frontend: str, host: str, port: int) -> None:
        """Listen, from now on; raises OSError where that is not possible."""
        self._guard = door.guard
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self._server = create_server(ForwardAuth(door, frontend), sockets=[self._socket], threads=THREADS, ident=None)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def run(self) -> None:
        """Serve; in the end, what waits in the spool is sent."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._guard.start()
        try:
            self._server.run()
        finally:
            self._guard.stop()


def _only(values: Iterable[str]) -> str:
    value = next(iter(values), "")
    if not value:
        raise Forbidden("request_untold", "the proxy does not tell about the request; is it the configured frontend?")
    return value


def _named(decision: Decision | None) -> list[tuple[str, str]]:
    """Who uses which grant, for the product: always both, so that nobody's own headers pass for them."""
    grant_id, engineer = (decision.grant_id, decision.engineer) if decision else (None, None)
    return [("Lockbox-Grant", grant_id or ""), ("Lockbox-Engineer", (engineer or "").encode().decode("latin-1"))]


def _answer(status: HTTPStatus, headers: list[tuple[str, str]], start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{status.value} {status.phrase}", [*headers, ("Content-Length", "0")])
    return []
