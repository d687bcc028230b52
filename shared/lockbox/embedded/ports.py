"""Ports: preferred ones, others where those are taken; kept once chosen."""

import json
import random
import socket
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
"""Where operating systems don't take ports for outgoing connections, which could be there before a server is."""


def choose_ports(path: Path, *, prefer: bool = True) -> dict[str, int]:
    """The ports in the file at `path`; at first the preferred ones that are free and random ones for the rest."""
    if path.exists():
        known: dict[str, int] = json.loads(path.read_text())
        if known.keys() == PREFERRED.keys():
            return known
    ports: dict[str, int] = {}
    for name, preferred in PREFERRED.items():
        ports[name] = preferred if prefer and _free(preferred) else _any_free(set(ports.values()))
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
