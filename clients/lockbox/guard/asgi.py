"""The front door of an ASGI application (https://asgi.readthedocs.io): Starlette, FastAPI, Django, anything.

app = Starlette(routes=..., middleware=[Middleware(GuardedAsgi, door=door)])
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lockbox.errors import Forbidden
from lockbox.guard import paths
from lockbox.guard.middleware import DECISION, Door, refusal_of
from lockbox.guard.refusals import Refusal
from lockbox.guard.request import Headers, Request

AT_ONCE = 64
POLICY_VIOLATION = 1008

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class GuardedAsgi:
    """An application that gets no request, and no WebSocket, that the door does not let in.

    The decision stands in the scope as `lockbox.decision`, None where all is open. A WebSocket is let in, or not, when
    it is opened; its action is that of `WEBSOCKET`, which a route has to name. What waits for the record waits in
    threads, and the event loop goes on.
    """

    def __init__(self, app: Application, door: Door) -> None:
        self._application = app
        self._door = door
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lockbox-door")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request or WebSocket in, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        try:
            request = request_of(scope)
            attempt = self._door.attempt(request)
            decision = attempt and await self._in_thread(self._door.enforce, request, attempt)
        except Forbidden as error:
            await refuse(refusal_of(error), scope, send)
            return
        await self._application({**scope, DECISION: decision}, receive, send)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def request_of(scope: Scope) -> Request:
    """The request, by the path that the application gets; raises `Forbidden("path_ambiguous", ...)`."""
    websocket = {"http": False, "websocket": True}[scope["type"]]
    path, raw = scope["path"], scope.get("raw_path")
    address = paths.as_asked(path, raw and raw.decode("latin-1").partition("?")[0], scope.get("root_path", ""))
    return Request("GET" if websocket else scope["method"], path, address, headers_of(scope), websocket)


def headers_of(scope: Scope) -> Headers:
    """The headers, each as often as it came."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return lambda name: found.get(name, [])


async def refuse(refusal: Refusal, scope: Scope, send: Send) -> None:
    """Answer with the refusal; to a WebSocket where the server can, else the server answers 403."""
    kind = scope["type"]
    if kind == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.reason})
        return
    prefix = "http.response" if kind == "http" else "websocket.http.response"
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers]
    await send({"type": f"{prefix}.start", "status": refusal.status.value, "headers": headers})
    await send({"type": f"{prefix}.body", "body": b"" if scope.get("method") == "HEAD" else refusal.body})
