"""A mail server that behaves badly, for tests: slow, hanging, or ending badly. aiosmtpd calls its methods.

`python -m tests.mail_server <port> <folder> <domain>` keeps messages as the mailbox of `make up` does, and hangs at
RCPT for one domain.
"""

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from aiosmtpd.controller import Controller, UnthreadedController
from aiosmtpd.smtp import SMTP, Envelope, Session

from lockbox.embedded.mailbox import Mailbox

FOR_EVER = 3600.0


class BadServer(SMTP):
    """Sends its answers at one byte a second while it is `slow`."""

    slow = False
    connected: ClassVar[set["BadServer"]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connected.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.connected.discard(self)

    async def push(self, status: Any) -> None:
        if not self.slow:
            await super().push(status)
            return
        for byte in f"{status}\r\n".encode():
            await asyncio.sleep(1)
            self.transport.write(bytes([byte]))


@dataclass
class BadMailbox:
    """Hangs at RCPT for one domain, is slow from there on for another, and answers QUIT with 421."""

    hanging: str = ""
    slow: str = ""
    mailbox: Mailbox | None = None
    taken: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: BadServer, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        domain = address.rpartition("@")[2]
        self.asked[domain] += 1
        if domain == self.hanging:
            await asyncio.sleep(FOR_EVER)
        server.slow = server.slow or domain == self.slow
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.update(envelope.rcpt_tos)
        return "250 OK" if self.mailbox is None else await self.mailbox.handle_DATA(server, session, envelope)

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return "421 Going down"


class BadController(Controller):
    """Serves the first two connections slowly from the greeting on, as one bad machine behind the name would."""

    connections = -1  # it connects to itself once, to see that it serves

    def factory(self) -> SMTP:
        self.connections += 1
        server = BadServer(self.handler)
        server.slow = 0 < self.connections <= 2
        return server

    def stop(self, no_assert: bool = False) -> None:
        """Break off what is under way, then stop."""
        for server in list(BadServer.connected):
            self.loop.call_soon_threadsafe(server.transport.abort)
        super().stop(no_assert)


class _HangingController(UnthreadedController):
    def factory(self) -> SMTP:
        return BadServer(self.handler)


def main() -> None:
    """Serve until the process is ended."""
    port, folder, domain = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    loop = asyncio.new_event_loop()
    box = BadMailbox(hanging=domain, mailbox=Mailbox(folder))
    _HangingController(box, hostname="127.0.0.1", port=port, loop=loop).begin()  # type: ignore[no-untyped-call]
    loop.run_forever()


if __name__ == "__main__":
    main()
