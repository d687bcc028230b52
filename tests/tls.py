"""Servers that show a certificate, and end: the part of TLS that a client judges."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lockbox import clock
from lockbox.provision.certificates import SERVER, Authority


@dataclass
class TlsServer:
    """A server with a certificate for some names; `accepted` counts the clients that took it."""

    context: ssl.SSLContext
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    accepted: int = 0

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def run(self) -> None:
        """Serve clients until the listener is closed."""
        with suppress(OSError):
            while True:
                self._serve(self.listener.accept()[0])

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(5)
        with suppress(OSError), client, self.context.wrap_socket(client, server_side=True) as encrypted:
            if encrypted.recv(1):  # a client that refuses the certificate sends nothing
                self.accepted += 1


def authority(directory: Path) -> Authority:
    """A CA that no system knows."""
    made = Authority(directory)
    made.ensure(clock.now())
    return made


@contextmanager
def tls_server(signer: Authority, *names: str) -> Iterator[TlsServer]:
    """Run a server with a certificate of this CA for these names."""
    signer.equip(signer.directory, names, clock.now())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signer.directory / SERVER)
    server = TlsServer(context)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join()
