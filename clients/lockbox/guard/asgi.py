"""Middleware for ASGI applications (https://asgi.readthedocs.io): Starlette, FastAPI, Django and others.

app = Starlette(routes=..., middleware=[Middleware(GuardedAsgi, guard=guard)])
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lockbox.errors import Forbidden
from lockbox.guard import paths
from lockbox.guard.middleware import DECISION, RequestGuard, refusal_of
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
    """An application that gets only the requests and WebSockets that the guard allows.

    The decision stands in the scope as `lockbox.decision`, None on an open path. A WebSocket is allowed or refused when
    it is opened; its action is that of `WEBSOCKET`, which a route has to name. Requests wait for their record in
    threads, so the event loop goes on.
    """

    def __init__(self, app: Application, guard: RequestGuard) -> None:
        self._application = app
        self._guard = guard
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lockbox-request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        try:
            request = request_of(scope)
            attempt = self._guard.attempt(request)
            decision = attempt and await self._in_thread(self._guard.enforce, request, attempt)
        except Forbidden as error:
            await refuse(refusal_of(error), scope, send)
            return
        await self._application({**scope, DECISION: decision}, receive, send)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def request_of(scope: Scope) -> Request:
    """Return the request, by the path that the application gets; raises `Forbidden("path_ambiguous", ...)`."""
    websocket = {"http": False, "websocket": True}[scope["type"]]
    path, raw = scope["path"], scope.get("raw_path")
    address = paths.as_asked(path, raw and raw.decode("latin-1").partition("?")[0], scope.get("root_path", ""))
    return Request("GET" if websocket else scope["method"], path, address, headers_of(scope), websocket)


def headers_of(scope: Scope) -> Headers:
    """Return the headers, each as often as it came."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return lambda name: found.get(name, [])


async def refuse(refusal: Refusal, scope: Scope, send: Send) -> None:
    """Answer with the refusal; a WebSocket gets it where the server can send it, else a 403."""
    kind = scope["type"]
    if kind == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.reason})
        return
    prefix = "http.response" if kind == "http" else "websocket.http.response"
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers]
    await send({"type": f"{prefix}.start", "status": refusal.status.value, "headers": headers})
    await send({"type": f"{prefix}.body", "body": b"" if scope.get("method") == "HEAD" else refusal.body})
