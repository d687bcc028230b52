"""The portal's HTTP interface, as a guard uses it: documents posted, and answers read while they arrive.

TLS is verified with the certificates of this machine; the environment variable `SSL_CERT_FILE` names others. A proxy is
taken from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. Redirects are not followed. Each call carries the API token, so
that http is for this machine alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from lockbox.errors import Invalid
from lockbox.values.hosts import is_this_machine

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

TIMEOUT_SECONDS = 5.0
MOST_CONNECTIONS = 100
READ_BYTES = 65_536
NO_HEADERS: Mapping[str, str] = {}


def require_protected(url: str, *, allow_http: bool = False) -> None:
    """Raise `Invalid("invalid_portal", ...)` unless the token is safe on its way: https, or http on this machine.

    `allow_http`: http to other machines counts too.
    """
    address = urlsplit(url)
    protected = address.scheme == "https" or (
        address.scheme == "http" and (allow_http or is_this_machine(address.hostname))
    )
    if not protected or not address.hostname:
        expected = "an https address, or http to 127.0.0.1, ::1 or localhost"
        raise Invalid(
            "invalid_portal", f"portal: expected {expected}, got {url!r}; `allow_http` is for closed networks"
        )


class PortalUnreachable(Exception):
    """The portal was not reached, or a connection to it broke or fell silent."""


class PortalRefusal(Exception):
    """The portal answered with another status than success; `text` is the body of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"the portal answered {status}: {text[:200]}")
        self.status = status
        self.text = text


FAULTS = (PortalUnreachable, PortalRefusal, KeyError, TypeError, ValueError, RuntimeError)
"""Every failure of a call, with those of an answer that is not as expected."""


class PortalClient:
    """A client of the portal with an API token. Any number of threads can use it; a forked process needs its own."""

    def __init__(self, url: str, token: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        """`timeout`: seconds for a connection, and for each read of an answer."""
        self._url = url.rstrip("/")
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._timeout = timeout
        self._pool = _pool_for(url)
        self._closed = False

    def close(self) -> None:
        """Close every connection; calls fail from now on."""
        self._closed = True
        self._pool.clear()

    def post(self, path: str, document: object) -> Any:
        """Post a JSON document and return that of the answer; raises one of `FAULTS`."""
        headers = {"Content-Type": "application/json"}
        answer = self._request("POST", path, headers, body=orjson.dumps(document), timeout=self._timeout)
        if not _is_success(answer.status):
            raise PortalRefusal(answer.status, answer.data.decode(errors="replace"))
        return orjson.loads(answer.data)

    @contextmanager
    def stream(
        self, path: str, headers: Mapping[str, str] = NO_HEADERS, silence: float | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Open an answer and give its bytes while they arrive; raises one of `FAULTS`.

        `silence`: seconds without a byte after which the answer is given up.
        """
        from urllib3 import Timeout

        timeout = Timeout(connect=self._timeout, read=self._timeout if silence is None else silence)
        answer = self._request("GET", path, headers, timeout=timeout, preload_content=False)
        try:
            if not _is_success(answer.status):
                raise PortalRefusal(answer.status, answer.reason or "")
            yield _chunks(answer)
        finally:
            answer.close()
            answer.release_conn()

    def _request(self, method: str, path: str, headers: Mapping[str, str], **options: Any) -> "BaseHTTPResponse":
        if self._closed:
            raise RuntimeError("the client is closed")
        with _unreachable():
            return self._pool.urlopen(
                method, self._url + path, headers=self._headers | headers, retries=False, redirect=False, **options
            )


def _pool_for(url: str) -> "PoolManager":
    """Return the pool of connections; its library is loaded when a guard is made, as it is large."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    address, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if proxy and not proxy_bypass(address.hostname or ""):
        return urllib3.ProxyManager(proxy, num_pools=1, maxsize=MOST_CONNECTIONS)
    return urllib3.PoolManager(num_pools=1, maxsize=MOST_CONNECTIONS)


def _is_success(status: int) -> bool:
    return status // 100 == 2  # noqa: PLR2004


def _chunks(answer: "BaseHTTPResponse") -> Iterator[bytes]:
    with _unreachable():
        while data := answer.read1(READ_BYTES):
            yield data


@contextmanager
def _unreachable() -> Iterator[None]:
    from urllib3.exceptions import HTTPError

    try:
        yield
    except HTTPError as error:
        raise PortalUnreachable(repr(error)) from error
