"""The alarm of the broker: it is short of memory or disk, has said so to a connection, and reads nothing from it.

RabbitMQ tells a connection that publishes (`connection.blocked`). A new connection would get one message through, be
blocked too, and stay at the broker, which does not notice its end. So nothing is published while any connection of
this process is blocked.
"""

import time

import structlog

from lockbox.runtime.process.metrics import BROKER_BLOCKED

log = structlog.get_logger(__name__)


class Alarm:
    """The connections of this process that are blocked; a log line at the begin and at the end."""

    def __init__(self) -> None:
        self._blocked: set[object] = set()
        self._since = 0.0

    def __bool__(self) -> bool:
        """Return whether the broker takes nothing."""
        return bool(self._blocked)

    def begin(self, connection: object) -> None:
        """Record a connection as blocked."""
        if not self._blocked:
            self._since = time.monotonic()
            log.error("broker_blocked", reason="it is short of memory or disk; see its log")
        self._blocked.add(connection)
        BROKER_BLOCKED.set(1)

    def end(self, connection: object) -> None:
        """Record a connection as no longer blocked, or as gone."""
        if connection in self._blocked:
            self._blocked.discard(connection)
            if not self._blocked:
                BROKER_BLOCKED.set(0)
                log.info("broker_takes_messages_again", blocked_seconds=round(time.monotonic() - self._since, 1))


alarm = Alarm()
