"""A crowd at the portal's door: connections that send nothing, or a little at a time, or guess; from many addresses."""

import json
import resource
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from itertools import islice
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

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


@contextmanager
def sign_in_flood(portal: str, number: int) -> Iterator[list[int]]:
    """So many connections, each from an address of its own, that try one new account after another; their answers."""
    address, over, answers = urlsplit(portal), Event(), list[int]()

    def try_accounts(index: int) -> None:
        source = f"127.0.{1 + index // 250}.{2 + index % 250}"
        while not over.is_set():
            with suppress(OSError, HTTPException):
                answers.append(_attempt(str(address.hostname), int(address.port or 80), source))

    with ThreadPoolExecutor(number) as strangers:
        for index in range(number):
            strangers.submit(try_accounts, index)
        try:
            yield answers
        finally:
            over.set()


def _attempt(host: str, port: int, source: str) -> int:
    connection = HTTPConnection(host, port, timeout=10, source_address=(source, 0))
    try:
        body = json.dumps({"email": f"{uuid4()}@contoso.example", "password": "a guess"})
        connection.request("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
