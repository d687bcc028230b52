"""A request in one form for every server that it can come through."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lockbox.errors import Forbidden
from lockbox.guard import paths

WEBSOCKET = "WEBSOCKET"
OTHER_METHOD = ("x-http-method-override", "x-http-method", "x-method-override")
OTHER_PATH = ("x-original-url", "x-rewrite-url")

Headers = Callable[[str], Sequence[str]]
"""All values of a header, by its name in lower case."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request: `path` as the product gets it, `address` as the request line has it, without its query."""

    method: str
    path: str
    address: str
    headers: Headers
    websocket: bool = False

    @classmethod
    def of(cls, method: str, target: str, headers: Headers) -> "Request":
        """Read a method and the target of a request line; raises `Forbidden("path_ambiguous", ...)`."""
        address = target.partition("?")[0]
        return cls(method, paths.decode(address), address, headers, asks_for_websocket(headers))

    @property
    def act(self) -> str:
        """The method by which a route names an action; `WEBSOCKET` for the GET that opens one."""
        return WEBSOCKET if self.websocket else self.method

    @property
    def changes(self) -> bool:
        """Whether the request may change something, or opens a WebSocket."""
        return self.act not in ("GET", "HEAD", "OPTIONS")

    def require_plain(self) -> None:
        """Raise `Forbidden` if a header makes some frameworks read another method or path."""
        if any(map(self.headers, OTHER_METHOD)):
            raise Forbidden("method_ambiguous", "a header names another method")
        if any(map(self.headers, OTHER_PATH)):
            raise paths.ambiguous("a header names another path")


def asks_for_websocket(headers: Headers) -> bool:
    """Return whether this is the handshake of a WebSocket (RFC 6455)."""
    return any("websocket" in value.lower() for value in headers("upgrade"))
