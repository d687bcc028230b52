"""Ports of the programs: the preferred ones where they are free; kept in a file once chosen."""

import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

from lockbox.provision.files import write_private_json

PREFERRED = {
    "portal": 8480,
    "content": 8490,
    "request_service": 8481,
    "approval_service": 8482,
    "notify_service": 8483,
    "audit_service": 8484,
    "portal_service": 8485,
    "smtp": 8425,
    "amqp": 8472,
    "amqp_dist": 8473,
    "epmd": 8469,
    "mongodb": 8417,
}


BELOW_OUTGOING = range(20_000, 32_000)
"""Ports below the range that operating systems use for outgoing connections."""


def choose_ports(path: Path, *, prefer: bool = True, more: Iterable[str] = ()) -> dict[str, int]:
    """Return the ports in the file at `path`; choose ports for names that are not in it, at random for `more` names."""
    ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    if not PREFERRED.keys() <= ports.keys():
        ports = {}
    for name in (*PREFERRED, *more):
        preferred = PREFERRED.get(name)
        if name not in ports:
            free = prefer and preferred is not None and _free(preferred)
            ports[name] = preferred if preferred and free else _any_free(set(ports.values()))
    write_private_json(path, ports)
    return ports


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _any_free(taken: set[int]) -> int:
    while True:
        port = random.choice(BELOW_OUTGOING)  # noqa: S311 - not a secret
        if port not in taken and _free(port):
            return port
