"""The open connections of a listener, and which one is closed when there are too many.

Three kinds can be closed, because no work is lost: a connection that has sent nothing yet, one that waits for its next
request, and one whose request has not arrived in full. The rest are at work. Where room is needed, the first to go is
the one that has sent nothing for the longest time.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Any

SLOW_SECONDS = 5.0
"""A request that takes longer to arrive is closed before a connection that waits for its next one."""

MOST_BODY_BYTES = 64 * 1024 * 1024
"""The bytes of all bodies together that are in memory."""


class Phase(Enum):
    """The phase of a connection."""

    SILENT = "silent"
    WAITING = "waiting"
    READING = "reading"
    WORKING = "working"


class NoRoom(Exception):
    """The listener has no room for one more connection, and none that it can close."""


class Connection:
    """A connection of a client; `address` is the one that it counts for, None where that is not known."""

    def __init__(self, sock: Any, address: str | None = None) -> None:
        self.sock = sock
        self.address = address
        self.phase = Phase.SILENT
        self.since = 0.0
        self.body_bytes = 0
        self.closed_for: str | None = None


class Crowd:
    """Connections by their phase, each phase in the order in which they entered it."""

    def __init__(self) -> None:
        self._phases: dict[Phase, OrderedDict[Connection, None]] = {phase: OrderedDict() for phase in Phase}

    def __len__(self) -> int:
        return sum(map(len, self._phases.values()))

    def count(self, phase: Phase) -> int:
        """Return the number of connections in a phase."""
        return len(self._phases[phase])

    def add(self, connection: Connection) -> None:
        """Add a connection at the end of its phase."""
        self._phases[connection.phase][connection] = None

    def discard(self, connection: Connection) -> None:
        """Remove a connection."""
        self._phases[connection.phase].pop(connection, None)

    def oldest(self, phase: Phase) -> Connection | None:
        """Return the connection that has been in a phase for the longest time."""
        return next(iter(self._phases[phase]), None)

    def closable(self, now: float) -> Connection | None:
        """Return the connection to close first, or None if all are at work."""
        reading = self.oldest(Phase.READING)
        slow = reading if reading and now - reading.since > SLOW_SECONDS else None
        return self.oldest(Phase.SILENT) or slow or self.oldest(Phase.WAITING) or reading


class Connections:
    """The connections of one listener: `most` together, and half of them for one address."""

    def __init__(
        self,
        most: Callable[[], int],
        close: Callable[[Connection], None],
        clock: Callable[[], float] = time.monotonic,
        most_body_bytes: int = MOST_BODY_BYTES,
    ) -> None:
        """`close` ends a connection that has to make room; its `closed_for` says why."""
        self._most = most
        self._close = close
        self._clock = clock
        self._most_body_bytes = most_body_bytes
        self._body_bytes = 0
        self._all = Crowd()
        self._of: dict[str, Crowd] = {}

    def __len__(self) -> int:
        return len(self._all)

    @property
    def most(self) -> int:
        """The number of connections that there may be now."""
        return self._most()

    def count(self, phase: Phase) -> int:
        """Return the number of connections in a phase."""
        return self._all.count(phase)

    def add(self, connection: Connection) -> None:
        """Add a new connection, in place of another one where necessary; raise `NoRoom` if none can be closed."""
        self._make_room(self._all, self._most())
        self._count_for(connection, connection.address)
        connection.since = self._clock()
        self._all.add(connection)

    def remove(self, connection: Connection) -> None:
        """Remove a connection that has ended."""
        self._all.discard(connection)
        self._uncount(connection)
        self._hold(connection, -connection.body_bytes)

    def enter(self, connection: Connection, phase: Phase) -> None:
        """Move a connection to a phase; one that was closed meanwhile stays out."""
        if connection.closed_for is not None:
            return
        crowds = [self._all, *([self._of[connection.address]] if connection.address in self._of else [])]
        for crowd in crowds:
            crowd.discard(connection)
        connection.phase, connection.since = phase, self._clock()
        for crowd in crowds:
            crowd.add(connection)
        if phase is not Phase.WORKING:
            self._hold(connection, -connection.body_bytes)

    def assign(self, connection: Connection, address: str | None) -> None:
        """Count a connection for another address from now on; raise `NoRoom` if that one has too many."""
        if connection.closed_for is None and address != connection.address:
            self._uncount(connection)
            self._count_for(connection, address)

    def hold(self, connection: Connection, number: int) -> None:
        """Count bytes of a body that is in memory; where they are too many, the slowest request is closed."""
        if connection.closed_for is not None:
            return
        self._hold(connection, number)
        while self._body_bytes > self._most_body_bytes:
            slowest = self._all.oldest(Phase.READING)
            if slowest is None:
                return
            self._end(slowest, "body_memory")

    def shed(self, number: int) -> None:
        """Close up to so many connections that are not at work."""
        for _ in range(number):
            oldest = self._all.closable(self._clock())
            if oldest is None:
                return
            self._end(oldest, "open_files")

    def _make_room(self, crowd: Crowd, most: int) -> None:
        while len(crowd) >= most:
            oldest = crowd.closable(self._clock())
            if oldest is None:
                raise NoRoom
            self._end(oldest, "room")

    def _count_for(self, connection: Connection, address: str | None) -> None:
        connection.address = None
        if address is None:
            return
        crowd = self._of.get(address) or Crowd()
        self._make_room(crowd, max(1, self._most() // 2))
        connection.address = address
        self._of.setdefault(address, crowd).add(connection)

    def _uncount(self, connection: Connection) -> None:
        crowd = self._of.get(connection.address or "")
        if crowd is not None:
            crowd.discard(connection)
            if not len(crowd):
                del self._of[connection.address or ""]

    def _hold(self, connection: Connection, number: int) -> None:
        connection.body_bytes += number
        self._body_bytes += number

    def _end(self, connection: Connection, reason: str) -> None:
        self.remove(connection)
        connection.closed_for = reason
        self._close(connection)
