"""Reading from the broker in large pieces.

py-amqp asks the socket nine times for each message, and sets the socket's timeout six times. Its transport keeps what
it was given beyond what it had asked for; so more is asked for, and frames that are there as a whole are handled
without the socket.
"""

from struct import unpack_from
from typing import Any

AT_LEAST_BYTES = 16_384
FRAME_HEAD, FRAME_END = 7, 1


class ReadAhead:
    """The read-ahead of one py-amqp connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._transport = connection.transport
        receive = self._transport._quick_recv
        self._transport._quick_recv = lambda size: receive(max(size, AT_LEAST_BYTES))

    def handle_frames(self) -> None:
        """Handle every frame that has been read as a whole."""
        while self._has_frame():
            self._connection.on_inbound_frame(self._transport.read_frame())

    def _has_frame(self) -> bool:
        read = self._transport._read_buffer
        return len(read) > FRAME_HEAD and len(read) >= FRAME_HEAD + unpack_from(">I", read, 3)[0] + FRAME_END
