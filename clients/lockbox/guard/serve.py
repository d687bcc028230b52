"""Forward authentication: a proxy asks over HTTP about each request, before it passes the request on.

`frontend` names the proxy, and so the headers that describe the request; the proxy overwrites them, and the guard
believes nothing else. The answer on `CHECK` is 200 with the headers `Lockbox-Grant` and `Lockbox-Engineer`, empty on an
open path, or a refusal. The answer on `HEALTH` is 200 if the guard is ready, else 503.
"""

import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus

from lockbox import open_files
from lockbox.errors import Forbidden
from lockbox.guard.decision import Decision
from lockbox.guard.listening import SteadyServer
from lockbox.guard.middleware import RequestGuard, refusal_of
from lockbox.guard.request import Headers, Request
from lockbox.guard.wsgi import Environ, StartResponse, headers_of, refuse

CHECK, HEALTH = "/check", "/healthz"
THREADS = 32

MethodAndTarget = tuple[str, str]


def read_nginx(_environ: Environ, headers: Headers) -> MethodAndTarget:
    """Read the headers that the configuration of `auth_request` sets."""
    return _only(headers("x-original-method")), _only(headers("x-original-uri"))


def read_traefik(_environ: Environ, headers: Headers) -> MethodAndTarget:
    """Read the headers of ForwardAuth."""
    return _only(headers("x-forwarded-method")), _only(headers("x-forwarded-uri"))


def read_envoy(environ: Environ, _headers: Headers) -> MethodAndTarget:
    """Read the request itself, as ext_authz sends it with `CHECK` before its path."""
    return environ["REQUEST_METHOD"], environ["REQUEST_URI"].removeprefix(CHECK)


READERS: Mapping[str, Callable[[Environ, Headers], MethodAndTarget]] = {
    "nginx": read_nginx,
    "traefik": read_traefik,
    "envoy": read_envoy,
}
LATER = {"nginx": HTTPStatus.FORBIDDEN}  # nginx turns every status but 2xx, 401 and 403 into 500


class ForwardAuth:
    """A WSGI application that answers a proxy's questions."""

    def __init__(self, guard: RequestGuard, frontend: str) -> None:
        self._guard = guard
        self._read = READERS[frontend]
        self._later = LATER.get(frontend, HTTPStatus.SERVICE_UNAVAILABLE)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        asked = environ["REQUEST_URI"].partition("?")[0]
        if asked == CHECK or asked.startswith(f"{CHECK}/"):
            return self._check(environ, start_response)
        if asked == HEALTH:
            ready = self._guard.guard.ready
            return _answer(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, [], start_response)
        return _answer(HTTPStatus.NOT_FOUND, [], start_response)

    def _check(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        headers = headers_of(environ)
        try:
            decision = self._guard.authorize(Request.of(*self._read(environ, headers), headers))
        except Forbidden as error:
            return refuse(replace(refusal_of(error), later=self._later), environ, start_response)
        return _answer(HTTPStatus.OK, _named(decision), start_response)


class Server:
    """A server that answers a proxy until SIGTERM or Ctrl-C."""

    def __init__(self, guard: RequestGuard, frontend: str, host: str, port: int) -> None:
        """Start to listen; raises OSError where that is not possible."""
        open_files.raise_limit()
        self._guard = guard.guard
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self._server = SteadyServer.on(self._socket, ForwardAuth(guard, frontend), THREADS)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    def run(self) -> None:
        """Serve; at the end, send the records that wait in the spool."""
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
    """Return grant and engineer for the product: always both headers, so that a client's own never pass for them."""
    grant_id, engineer = (decision.grant_id, decision.engineer) if decision else (None, None)
    return [("Lockbox-Grant", grant_id or ""), ("Lockbox-Engineer", (engineer or "").encode().decode("latin-1"))]


def _answer(status: HTTPStatus, headers: list[tuple[str, str]], start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{status.value} {status.phrase}", [*headers, ("Content-Length", "0")])
    return []
