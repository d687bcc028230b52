"""An SMTP server for one machine that keeps each message as a file.

Run as `python -m lockbox.embedded.mailbox <port> <folder>`.
"""

import asyncio
import signal
import sys
from itertools import count
from pathlib import Path

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """A folder of messages, named `<number>.eml` in the order of arrival."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        last = max((int(path.stem) for path in folder.glob("*.eml")), default=0)
        self._numbers = count(last + 1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store one message; aiosmtpd calls this."""
        content = envelope.original_content or b""
        path = self._folder / f"{next(self._numbers):06}.eml"
        partial = path.with_suffix(".partial")
        partial.write_bytes(content)
        partial.rename(path)
        return "250 Message accepted for delivery"


def main() -> None:
    """Serve until SIGTERM."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    loop = asyncio.new_event_loop()
    controller = UnthreadedController(Mailbox(folder), hostname="127.0.0.1", port=port, loop=loop)
    controller.begin()  # type: ignore[no-untyped-call]
    loop.add_signal_handler(signal.SIGTERM, loop.stop)
    loop.run_forever()
    controller.end()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
