"""Waitress as `lockbox guard serve` needs it: it goes on when no file can be opened, and when connections are too many.

Waitress itself accepts nothing while there are too many connections, however idle, and turns in a loop while `accept`
fails for want of open files (EMFILE).
"""

import logging
import socket
import time
from itertools import islice
from typing import Any

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from lockbox import open_files

MOST_CONNECTIONS = 1_000
CLOSED_AT_ONCE = 20
PAUSE_SECONDS = 0.1
SLOW_SECONDS = 5.0

log = logging.getLogger(__name__)


class SteadyServer(TcpWSGIServer):
    """A server that closes the connections without work that are oldest, when it needs room for a new one."""

    paused_until = 0.0
    pausing = False

    @classmethod
    def on(cls, sock: socket.socket, application: Any, threads: int) -> "SteadyServer":
        """Return a server on a listening socket."""
        limit = min(MOST_CONNECTIONS, open_files.room_for_clients())
        adjustments = Adjustments(
            sockets=[sock],
            ident=None,
            connection_limit=limit,
            asyncore_use_poll=True,  # `select` knows no file beyond 1,023
            asyncore_loop_timeout=PAUSE_SECONDS,
        )
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(threads)
        about = (sock.family, sock.type, sock.proto, sock.getsockname())
        return cls(
            application, {}, _sock=sock, dispatcher=dispatcher, adj=adjustments, bind_socket=False, sockinfo=about
        )

    def readable(self) -> bool:
        """Return whether a connection can be accepted now (a hook of Waitress)."""
        if time.monotonic() < self.paused_until:
            return False
        if len(self._map) >= self.adj.connection_limit:
            self.make_room()
        return bool(super().readable())

    def accept(self) -> Any:
        """Accept a connection; without a file for it, make room and go on a little later (a hook of Waitress)."""
        try:
            accepted = super().accept()
        except OSError as error:
            if error.errno not in open_files.EXHAUSTED:
                raise
            if not self.pausing:
                log.error(
                    "lockbox guard: no connection can be accepted, %s; its limit is %d", error, open_files.limit()
                )
            self.pausing, self.paused_until = True, time.monotonic() + PAUSE_SECONDS
            self.make_room()
            return None
        self.pausing = False
        return accepted

    def make_room(self) -> None:
        """Close some connections without work: first those that sent nothing, then slow ones, then idle ones."""
        now = time.time()
        free = [(_order(channel, now), channel) for channel in self.active_channels.values() if not _works(channel)]
        for _, channel in islice(sorted(free, key=lambda one: one[0]), CLOSED_AT_ONCE):
            channel.handle_close()


def _works(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


def _order(channel: Any, now: float) -> tuple[int, float]:
    if channel.last_activity == channel.creation_time:
        return 0, channel.creation_time
    if channel.request is not None and now - channel.creation_time > SLOW_SECONDS:
        return 1, channel.creation_time
    return (2, channel.last_activity) if channel.request is None else (3, channel.creation_time)
