"""A crowd at the portal's door: connections that send nothing, or a little at a time, from many addresses."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

ADDRESSES = tuple(f"127.0.0.{number}" for number in range(2, 32))
SPARE_FILES = 200
GRANT = "123e4567-e89b-12d3-a456-426614174000"


def heads() -> Iterator[bytes]:
    """Beginnings of requests, none of which ends: of heads, of bodies, of chunks."""
    revoke = f"POST /api/v1/grants/{GRANT}/revoke HTTP/1.1\r\nHost: portal\r\n".encode()
    sign_in = b"POST /sign-in HTTP/1.1\r\nHost: portal\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    while True:
        yield revoke
        yield revoke + b"Content-Length: 100\r\n\r\n{"
        yield sign_in + b"Content-Length: 200000\r\n\r\nemail="
        yield b"POST /api/v1/access-events HTTP/1.1\r\nHost: portal\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"


def nothing() -> Iterator[bytes]:
    """Connections that send nothing."""
    while True:
        yield b""


@contextmanager
def crowd(portal: str, number: int, sent: Callable[[], Iterator[bytes]]) -> Iterator[list[Any]]:
    """So many connections at once; fewer where this process may not have as many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(number + SPARE_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    address = urlsplit(portal)
    connections: list[socket.socket] = []
    try:
        for index, beginning in enumerate(islice(sent(), wanted - SPARE_FILES)):
            source = ADDRESSES[index % len(ADDRESSES)]
            connections.append(_connection((str(address.hostname), int(address.port or 80)), source))
            with suppress(OSError):  # it had to make room for another
                connections[-1].sendall(beginning)
        yield connections
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _connection(address: tuple[str, int], source: str) -> socket.socket:
    return socket.create_connection(address, timeout=5, source_address=(source, 0))
