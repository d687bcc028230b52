"""A network that can fail: a TCP proxy in front of a server."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

CHUNK = 65_536


class Proxy:
    """Forwards connections to a port of this machine, until told otherwise."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._delay = 0.0
        self._refusing = False
        self._swallowing = False
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server: asyncio.Server = self._do(asyncio.start_server, self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End every connection at once, and let nobody in."""
        self._refusing = True
        self._loop.call_soon_threadsafe(self._abort_all)

    def swallow(self) -> None:
        """Be half-open: whatever is sent is lost, on old and new connections, and nobody is told."""
        self._swallowing = True
        for link in list(self._links):
            link.dead = True

    def delay(self, seconds: float) -> None:
        """Hold up whatever is sent, in both directions."""
        self._delay = seconds

    def heal(self) -> None:
        """Be well for new connections; one that has lost something stays as it is."""
        self._refusing = self._swallowing = False
        self._delay = 0.0

    def close(self) -> None:
        """End it all."""
        self._loop.call_soon_threadsafe(self._server.close)
        self._do(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(function(*arguments), self._loop).result(10)

    def _abort_all(self) -> None:
        for link in self._links:
            link.abort()

    async def _end(self) -> None:
        self._abort_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = _Link([writer, back], dead=self._swallowing)
        self._links.add(link)
        try:
            await asyncio.gather(self._pump(link, reader, back), self._pump(link, there, writer))
        except asyncio.CancelledError:  # it is the end; asyncio would log it as an error
            pass
        finally:
            link.abort()
            self._links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._refusing:
            raise ConnectionRefusedError
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _pump(self, link: "_Link", source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Each chunk is due after the delay that was in force when it came, and never before an earlier one."""
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = self._loop.create_task(_deliver(link, due, sink))
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                due.put_nowait((self._loop.time() + self._delay, chunk))
        due.put_nowait((self._loop.time() + self._delay, b""))
        await delivering


async def _deliver(link: "_Link", due: "asyncio.Queue[tuple[float, bytes]]", sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while True:
            when, chunk = await due.get()
            await asyncio.sleep(max(0.0, when - asyncio.get_running_loop().time()))
            if not chunk:
                break
            if not link.dead:
                sink.write(chunk)
                await sink.drain()
    if not link.dead:
        link.abort()


class _Link:
    """One connection, both ends of it; a dead one forwards nothing and tells nobody."""

    def __init__(self, ends: list[asyncio.StreamWriter], *, dead: bool) -> None:
        self._ends = ends
        self.dead = dead

    def abort(self) -> None:
        for end in self._ends:
            end.transport.abort()
