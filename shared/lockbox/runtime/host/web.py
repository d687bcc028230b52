"""HTTP inside a Nameko service: a WSGI application served by Nameko's web server, each request in a worker."""

from typing import Any

import structlog
from eventlet import wsgi
from nameko.web.handlers import HttpRequestHandler
from nameko.web.server import HttpOnlyProtocol, WebServer
from werkzeug.wrappers import Request, Response

IDLE_SECONDS = 75
LONGEST_URL = 8_192
METHODS = "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS"

log = structlog.get_logger(__name__)


class PatientWebServer(WebServer):
    """Nameko's web server; a connection that breaks ends that connection and not the process."""

    def process_request(self, sock: Any, address: Any) -> None:
        """Serve one connection."""
        try:
            super().process_request(sock, address)
        except Exception as error:  # noqa: BLE001 - whatever a client does to its connection, others go on
            log.info("connection_broke", error=repr(error)[:200])

    def get_wsgi_server(self, sock: Any, wsgi_app: Any, protocol: Any = HttpOnlyProtocol, debug: bool = False) -> Any:
        """Return the server, with limits on idle connections and long addresses, and without a log of its own.

        What an application gives out bit by bit is sent so, and not gathered.
        """
        return wsgi.Server(
            sock,
            sock.getsockname(),
            wsgi_app,
            protocol=protocol,
            debug=debug,
            log_output=False,
            socket_timeout=IDLE_SECONDS,
            url_length_limit=LONGEST_URL,
            minimum_chunk_size=1,
        )


class WebRequest(HttpRequestHandler):
    """An entrypoint for every HTTP request below an address: `method(self, request, **path)`."""

    server = PatientWebServer()

    def __init__(self, address: str) -> None:
        super().__init__(METHODS, address)


def respond(application: Any, request: Request, **context: Any) -> Response:
    """Return the response of a WSGI application; `context` goes into its environment under `lockbox.<name>`."""
    environ = {**request.environ, **{f"lockbox.{name}": value for name, value in context.items()}}
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        environ["wsgi.input_terminated"] = True  # the server ends it, so that it can be read without a length
    return Response.from_app(application, environ)


web_request = WebRequest.decorator
