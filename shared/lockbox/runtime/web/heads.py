"""The head of a request, read strictly: one that two readers could understand differently is refused (RFC 9112)."""

import re
from email.message import Message
from http import HTTPStatus
from typing import Any

REQUEST_LINE = re.compile(rb"[A-Z]+ (?:/[\x21-\x7e]*|\*) HTTP/1\.[0-9]\r\n")
"""A method, a path or `*`, and the version; no other spaces, and no address with a host of its own."""
LATER_VERSION = re.compile(rb"[^\r\n]* HTTP/[2-9]\.[0-9]\r\n")
FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")
"""A name and at once its colon; no line that goes on. A name with `_` is dropped later, as it is like one with `-`."""
HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
END = b"\r\n"


class BadHead(Exception):
    """A head that can be read in two ways, or in none; the connection ends with this status."""

    def __init__(self, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(status.phrase)
        self.status = status


class Truncated(Exception):
    """A head that ends too early: the client has gone."""


class HeadLines:
    """The lines of header fields from a file, each checked as it is read."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readline(self, size: int = -1) -> bytes:
        """Return a line; raise `BadHead`, or `Truncated` where the head does not end."""
        line = bytes(self._file.readline(size))
        if not line:
            raise Truncated
        if line != END and not FIELD.fullmatch(line):
            raise BadHead
        return line


def require_request_line(line: bytes) -> None:
    """Raise `BadHead` for another line than method, path and version."""
    if LATER_VERSION.fullmatch(line):
        raise BadHead(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    if not REQUEST_LINE.fullmatch(line):
        raise BadHead


def require_host(version: str, headers: Message) -> None:
    """Raise `BadHead` unless there is one header Host; HTTP/1.0 may do without."""
    hosts = [str(host).strip() for host in headers.get_all("host", [])]
    if version == "HTTP/1.0" and not hosts:
        return
    if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
        raise BadHead
