"""The messages of one AMQP channel that are in hand, and how they are acknowledged with few words.

An acknowledgement of many ("multiple") settles every message up to its delivery tag. It must therefore end before the
oldest message that is still in hand: one that waits for its copy to be safe, say, while those after it are done with.
"""

from collections.abc import Iterable
from typing import Any


class ChannelDeliveries:
    """What came on a channel and is not settled; a message that is not among it is nobody's business any more."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._in_hand: dict[int, None] = {}  # by delivery tag, in the order in which they came, which is ascending

    def add(self, tag: int) -> None:
        """A message came."""
        self._in_hand[tag] = None

    def ack(self, tags: Iterable[int]) -> None:
        """These are done with: as many as possible at a stroke, and one by one those that came after an open one."""
        done = [tag for tag in tags if self._remove(tag)]
        oldest_open = next(iter(self._in_hand), None)
        together = [tag for tag in done if oldest_open is None or tag < oldest_open]
        if together:
            self._channel.basic_ack(max(together), multiple=True)
        for tag in set(done).difference(together):
            self._channel.basic_ack(tag)

    def requeue(self, tag: int) -> None:
        """Somebody else shall have this one."""
        if self._remove(tag):
            self._channel.basic_reject(tag, requeue=True)

    def _remove(self, tag: int) -> bool:
        return self._in_hand.pop(tag, self) is None
