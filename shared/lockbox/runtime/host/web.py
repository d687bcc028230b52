"""HTTP inside a Nameko service: a WSGI application served by Nameko's web server, each request in a worker.

A request has arrived in full before it gets a worker, and its lane decides whether there is one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import structlog
from nameko.exceptions import ConfigurationError
from nameko.extensions import DependencyProvider
from nameko.web.handlers import HttpRequestHandler
from nameko.web.server import WebServer
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from lockbox import open_files
from lockbox.runtime.host.settings import Config
from lockbox.runtime.web.lanes import Lane, LaneFull, Lanes
from lockbox.runtime.web.listener import WebListener
from lockbox.runtime.web.protocol import REQUEST_SECONDS, HttpServer, Reception
from lockbox.values.addresses import network_of, source_address

UPGRADE = "lockbox.upgrade"
"""The protocol that a request asks to go on with; the application refuses it."""
MOST_CONNECTIONS = 2_000
OTHER_WORKERS = 10
"""The workers that are left for timers and events where a service has no lanes of its own."""

log = structlog.get_logger(__name__)


def refuse(_request: Request) -> Response:
    """Answer that there is no worker."""
    return Response(status=503, headers={"Retry-After": "2"})


@dataclass(frozen=True)
class EdgeRules:
    """The rules of a service's web server.

    `lane_of` names the lane of a request; `busy` answers where the lane is full. `trusted_proxies`: the number of
    proxies in front, each of which adds its client to `X-Forwarded-For`; None: all clients count for one another.
    """

    lanes: tuple[Lane, ...]
    lane_of: Callable[[Request], str]
    busy: Callable[[Request], Response] = refuse
    trusted_proxies: int | None = None
    application: Any = None

    def peer_of(self, peer: str) -> str | None:
        """Return the address that a new connection counts for; None behind proxies: its clients are not known yet."""
        return _network(source_address(peer, "", 0)) if self.trusted_proxies == 0 else None

    def client_of(self, environ: Mapping[str, Any]) -> str | None:
        """Return the address that a request counts for."""
        if self.trusted_proxies is None:
            return None
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        return _network(source_address(environ.get("REMOTE_ADDR"), forwarded, self.trusted_proxies))


class BoundedWebServer(WebServer):
    """Nameko's web server with bounds: of connections, of the time of a request, and of workers for each lane."""

    def __init__(self) -> None:
        super().__init__()
        self._lanes: Lanes | None = None
        self._listens = False

    def apply(self, rules: EdgeRules) -> None:
        """Set the rules; raise ConfigurationError where the workers are fewer than those of all lanes."""
        self.rules, self._lanes = rules, Lanes(rules.lanes)
        if self.lanes.workers >= self.container.max_workers:
            expected = f"expected more than {self.lanes.workers}, got {self.container.max_workers}"
            raise ConfigurationError(f"config.yml: max_workers: {expected}")

    @property
    def lanes(self) -> Lanes:
        """The lanes; without rules of the service there is one for all requests."""
        if self._lanes is None:
            one = Lane("requests", self.container.max_workers - OTHER_WORKERS, whole=True)
            self.apply(EdgeRules((one,), lambda _: one.name))
        return cast(Lanes, self._lanes)

    def blocked(self, lane: str) -> bool:
        """Return whether requests of a lane have not been possible for some seconds, or no connections."""
        return self.lanes.blocked(lane) or self.listener.refuses

    def worked(self, lane: str) -> None:
        """Note that a request of a lane had its effect."""
        self.lanes.worked(lane)

    def start(self) -> None:
        """Listen (a hook of Nameko); called once for each address that the service answers on."""
        if self._listens:
            return
        self._listens, config = True, self.container.config
        most = _number(config, "MAX_CONNECTIONS", MOST_CONNECTIONS, (16, 20_000))
        seconds = _number(config, "REQUEST_SECONDS", REQUEST_SECONDS, (1, 300))
        lanes, rules = self.lanes, self.rules
        self.listener = WebListener("web", self.bind_addr, partial(_within_files, int(most)), rules.peer_of)
        self._sock = self.listener.socket
        behind_proxies = rules.client_of if rules.trusted_proxies else None
        self._serv = HttpServer(Reception(self.listener, seconds, behind_proxies), self.get_wsgi_app())
        self._gt = self._spawn(self.listener.run, self._serv.serve, self._spawn)
        log.info("listening", connections=_within_files(int(most)), workers=lanes.workers)

    def get_wsgi_app(self) -> Callable[..., Any]:
        """Return the application (a hook of Nameko): a request for another protocol reaches it like any other."""
        application: Any = super().get_wsgi_app()

        def plain(environ: dict[str, Any], start_response: Any) -> Any:
            environ[UPGRADE] = environ.pop("HTTP_UPGRADE", None)
            return application(environ, start_response)

        return plain

    def _spawn(self, work: Callable[..., object], *arguments: object) -> Any:
        return self.container.spawn_managed_thread(partial(work, *arguments), identifier="web")

    def stop(self) -> None:
        """Stop to listen (a hook of Nameko)."""
        self.listener.close()
        super().stop()


class WebEdge(DependencyProvider):
    """The web server as a dependency, with the rules that `make` makes of the configuration."""

    server = BoundedWebServer()

    def __init__(self, make: Callable[[Config], EdgeRules]) -> None:
        self.make = make

    def setup(self) -> None:
        """Set the rules before the server listens."""
        self.server.apply(self.make(self.container.config))

    def get_dependency(self, worker_ctx: object) -> BoundedWebServer:
        """Return the server, for the state of its lanes."""
        return self.server


class WebRequest(HttpRequestHandler):
    """An entrypoint for every HTTP request below an address: `method(self, request, **path)`."""

    server = BoundedWebServer()

    def __init__(self, address: str) -> None:
        super().__init__("*", address)

    def get_url_rule(self) -> Rule:
        """Return the rule of the address: every method reaches the application, which refuses those that it lacks."""
        return Rule(self.url)

    def handle_request(self, request: Request) -> Response:
        """Answer a request if its lane has a worker (a hook of Nameko)."""
        lanes, rules = self.server.lanes, self.server.rules
        try:
            with lanes.turn(rules.lane_of(request), rules.client_of(request.environ)) as turn:
                response: Response = super().handle_request(request)
                turn.failed = response.status_code >= 500  # noqa: PLR2004
                return response
        except LaneFull:
            return rules.busy(request)


def respond(application: Any, request: Request, **context: Any) -> Response:
    """Return the response of a WSGI application; `context` goes into its environment under `lockbox.<name>`."""
    environ = {**request.environ, **{f"lockbox.{name}": value for name, value in context.items()}}
    return Response.from_app(application, environ)


def _number(config: Config, name: str, default: float, bounds: tuple[int, int]) -> float:
    """Return a number of the configuration; raise ConfigurationError that names the setting."""
    given, (least, most) = config.get(name, default), bounds
    if isinstance(given, int | float) and not isinstance(given, bool) and least <= given <= most:
        return float(given)
    raise ConfigurationError(f"config.yml: {name}: expected a number from {least} to {most}, got {given!r}")


def _within_files(most: int) -> int:
    """Return the number of connections that there may be now: so many, and no more than files can be open."""
    return min(most, open_files.room_for_clients())


def _network(source: str | None) -> str | None:
    return None if source is None else network_of(source)


web_request = WebRequest.decorator
