"""`lockbox proxy`: a local proxy that sends a browser's requests to the vendor's product with a grant."""

import re
import secrets
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated

import httpx
import typer

from lockbox.cli.output import say
from lockbox.cli.possession import GrantOrToken, address_of, show, signed_grant
from lockbox.cli.session import TIMEOUT_SECONDS, CommandError
from lockbox.guard.credentials import OWN_SITE
from lockbox.guard.refusals import REASON

LOOPBACK = "127.0.0.1"
HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
    *("te", "trailer", "transfer-encoding", "upgrade"),
}
NOT_SENT = HOP_BY_HOP | {"host", "authorization", "dpop", "content-length", "expect"}
NOT_ANSWERED = HOP_BY_HOP | {"referrer-policy", "server", "date"}
DOMAIN = re.compile(r";\s*domain=[^;]*", re.IGNORECASE)
RENEWED = ("token_expired", "token_key_unknown", "token_key_revoked")
Fields = list[tuple[bytes, bytes]]


class Declined(Exception):
    """A request that the proxy itself refuses."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def proxy(
    grant: GrantOrToken,
    origin: Annotated[str, typer.Argument(help="The vendor's product, such as https://files.vendor.example.")],
    port: Annotated[int, typer.Option(help="Where to listen on 127.0.0.1; any free port if left out.")] = 0,
) -> None:
    """Open the vendor's product to your browser: each request goes there with your grant and a proof.

    It prints an address that nobody can guess, and passes on only what is asked for there, on this computer.
    Keep the address to yourself. It ends with Ctrl-C. WebSockets do not pass.
    """
    passage = Passage(grant, _origin(origin))
    passage.token()
    try:
        server = ProxyServer(passage, port)
    except (OSError, OverflowError) as error:
        raise CommandError(f"can't listen on {LOOPBACK}:{port}: {error}") from error
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell has what it starts in the background ignore the first
        signal.signal(number, signal.default_int_handler)
    with server:
        say(f"{server.address}/ leads to {passage.origin} with your grant, until Ctrl-C.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("Ended.")


@dataclass
class Passage:
    """A connection to one product with one grant; the signed grant is fetched again when it is no longer valid."""

    grant: str
    origin: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_SECONDS))
    _token: str | None = None

    def token(self) -> str:
        """Return the signed grant."""
        if self._token is None:
            self._token = signed_grant(self.grant)
        return self._token

    def send(self, method: str, target: str, fields: Fields, content: bytes) -> httpx.Response:
        """Send a request to the product with a proof; return the answer as a stream."""
        token = self.token()
        try:
            request = httpx.Request(method, self.origin + target, headers=fields, content=content or None)
            show(request, token)
            answer = self.client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandError(f"{self.origin} does not answer: {error}") from error
        if answer.headers.get(REASON) in RENEWED:
            self._token = None
        return answer


class ProxyServer(ThreadingHTTPServer):
    """A server on the loopback address, under a secret name."""

    daemon_threads = True

    def __init__(self, passage: Passage, port: int = 0) -> None:
        """Listen on a port; 0 is any free one."""
        super().__init__((LOOPBACK, port), Handler)
        self.passage = passage
        self.host = f"{secrets.token_hex(16)}.localhost:{self.server_port}"
        self.address = f"http://{self.host}"

    def require_own(self, hosts: Sequence[str], sites: Sequence[str]) -> None:
        """Raise `Declined` unless the request names the secret host and comes from no other site.

        The name keeps out other people on this computer, and other sites: neither knows it, and no name that another
        site has made lead here (DNS rebinding) is this one.
        """
        if len(hosts) != 1 or not secrets.compare_digest(hosts[0].encode(), self.host.encode()):
            raise Declined(HTTPStatus.MISDIRECTED_REQUEST, "ask at the address that `lockbox proxy` printed")
        if any(site not in OWN_SITE for site in sites):
            raise Declined(HTTPStatus.FORBIDDEN, "another site asks for this")


class Handler(BaseHTTPRequestHandler):
    """A handler that forwards one request, and its answer back."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    server: ProxyServer

    def do_GET(self) -> None:
        """Forward the request, or answer with the reason why not."""
        try:
            self.server.require_own(self._all("Host"), self._all("Sec-Fetch-Site"))
            answer = self.server.passage.send(self.command, self._target(), self._fields(), self._content())
        except Declined as error:
            self._say(error.status, str(error))
        except CommandError as error:
            self._say(HTTPStatus.BAD_GATEWAY, str(error))
        else:
            try:
                self._pass(answer)
            except (OSError, httpx.HTTPError):
                self.close_connection = True
            finally:
                answer.close()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - http.server looks for these

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing; the product's guard keeps the record."""

    def _all(self, name: str) -> list[str]:
        return self.headers.get_all(name, [])

    def _target(self) -> str:
        if not self.path.startswith("/") or "#" in self.path:
            raise Declined(HTTPStatus.BAD_REQUEST, "expected a path")
        if self._all("Upgrade"):
            raise Declined(HTTPStatus.NOT_IMPLEMENTED, "WebSockets do not pass")
        return self.path

    def _fields(self) -> Fields:
        """Return the browser's headers with the addresses of the product."""
        there, here = self.server.passage.origin, self.server.address
        return [
            (name.encode("latin-1"), value.replace(here, there).encode("latin-1"))
            for name, value in self.headers.items()
            if name.lower() not in NOT_SENT
        ]

    def _content(self) -> bytes:
        lengths = self._all("Content-Length") or ["0"]
        if self._all("Transfer-Encoding") or len(lengths) > 1 or not lengths[0].isdecimal():
            raise Declined(HTTPStatus.LENGTH_REQUIRED, "expected a length")
        return self.rfile.read(int(lengths[0]))

    def _pass(self, answer: httpx.Response) -> None:
        self.send_response(answer.status_code, answer.reason_phrase)
        for name, value in self._answered(answer):
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            for part in answer.iter_raw():
                self.wfile.write(part)

    def _answered(self, answer: httpx.Response) -> Iterator[tuple[str, str]]:
        """Return the product's headers with the address of the proxy, which no other site learns."""
        there, here = self.server.passage.origin, self.server.address
        for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw):
            if name.lower() == "location" and f"{value}/".startswith(f"{there}/"):
                yield name, here + value.removeprefix(there)
            elif name.lower() == "set-cookie":
                yield name, DOMAIN.sub("", value)
            elif name.lower() not in NOT_ANSWERED:
                yield name, value
        yield "Referrer-Policy", "same-origin"

    def _say(self, status: HTTPStatus, message: str) -> None:
        body = f"lockbox: {message}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _origin(given: str) -> str:
    address = address_of(given)
    origin = f"{address.scheme}://{address.netloc.decode()}"
    if given.rstrip("/").lower() != origin:
        raise CommandError(f"expected an address such as https://files.vendor.example, got {given!r}")
    return origin
