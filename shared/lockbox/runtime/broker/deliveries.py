"""The unacknowledged messages of one AMQP channel, acknowledged in as few frames as possible.

An acknowledgement of many ("multiple") covers every message up to its delivery tag. It must therefore end before the
oldest message that is still in hand: one that waits for its copy to be safe, say, while those after it are done with.
"""

from collections.abc import Iterable
from typing import Any


class ChannelDeliveries:
    """The messages that came on a channel and are not acknowledged; any other message is ignored."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._in_hand: dict[int, None] = {}  # by delivery tag, in the order in which they came, which is ascending

    def add(self, tag: int) -> None:
        """Add a message that came."""
        self._in_hand[tag] = None

    def ack(self, tags: Iterable[int]) -> None:
        """Acknowledge messages: as many as possible in one frame, and one by one those that came after an open one."""
        done = [tag for tag in tags if self._remove(tag)]
        oldest_open = next(iter(self._in_hand), None)
        together = [tag for tag in done if oldest_open is None or tag < oldest_open]
        if together:
            self._channel.basic_ack(max(together), multiple=True)
        for tag in set(done).difference(together):
            self._channel.basic_ack(tag)

    def requeue(self, tag: int) -> None:
        """Return this message to its queue."""
        if self._remove(tag):
            self._channel.basic_reject(tag, requeue=True)

    def _remove(self, tag: int) -> bool:
        return self._in_hand.pop(tag, self) is None
