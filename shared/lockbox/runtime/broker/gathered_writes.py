"""Writing to the broker in large pieces: the frames of a batch go out together.

py-amqp writes each message to the socket by itself, and each such write costs more than encoding the message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AT_MOST_BYTES = 65_536
"""The bytes that are gathered before they are written."""


class GatheredWrites:
    """The gathered writes of one py-amqp connection that a single green thread uses at a time."""

    def __init__(self, connection: Any) -> None:
        self._transport = connection.transport

    @contextmanager
    def together(self) -> Iterator[None]:
        """Gather the writes inside, and write them together at the end; after an error, nothing further is written."""
        gathered, write = bytearray(), self._transport._write

        def gather(piece: bytes) -> None:
            gathered.extend(piece)  # a copy, as py-amqp packs the next message into the same memory
            if len(gathered) >= AT_MOST_BYTES:
                write(bytes(gathered))
                gathered.clear()

        self._transport._write = gather
        try:
            yield
        finally:
            self._transport._write = write
        if gathered:
            self._transport.write(bytes(gathered))
