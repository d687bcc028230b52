"""The keeper of idle connections: it reads the broker's heartbeats and alarms, and sends heartbeats."""

from typing import Any, Protocol
from weakref import WeakSet

import eventlet

TEND_SECONDS = 1.0


class Tended(Protocol):
    """A connection that is tended while it is idle."""

    def tend(self) -> None: ...  # noqa: D102


class Keeper:
    """One green thread that tends the connections of a process."""

    def __init__(self) -> None:
        self._kept: WeakSet[Tended] = WeakSet()
        self._thread: Any = None

    def keep(self, connection: Tended) -> None:
        """Tend a connection as long as it exists."""
        self._kept.add(connection)
        if self._thread is None:
            self._thread = eventlet.spawn(self._run)

    def _run(self) -> None:
        while True:
            eventlet.sleep(TEND_SECONDS)
            for connection in list(self._kept):
                eventlet.spawn_n(connection.tend)


keeper = Keeper()
