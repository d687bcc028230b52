"""The product of `content_service` on Starlette and Uvicorn; FastAPI takes the same lines.

    GET /documents/<tenant>/<resource>    action `read`
    PUT /documents/<tenant>/<resource>    action `write`

`GuardedAsgi` lets in what is allowed and on record. It waits for the record in threads of its own, so that the event
loop goes on with other requests meanwhile.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lockbox.guard import Decision, Guard, routes
from lockbox.guard.asgi import GuardedAsgi
from lockbox.guard.middleware import DECISION, RequestGuard

DOCUMENTS = {
    ("contoso", "mailbox/alice"): "From: bank@example.org\nSubject: Your statement\n\nDear Alice, ...\n",
    ("contoso", "mailbox/bob"): "From: carol@contoso.example\nSubject: Merger, confidential\n\nBob, ...\n",
    ("fabrikam", "mailbox/fiona"): "From: frank@fabrikam.example\nSubject: Patent draft\n\nFiona, ...\n",
}
ROUTES = routes.Routes(
    [
        routes.Route("/documents/{tenant}/{resource...}", {"GET": "read", "HEAD": "read", "PUT": "write"}),
        routes.Route("/", open=True),
    ]
)

log = logging.getLogger("uvicorn.error")
guard = Guard(os.environ["LOCKBOX_URL"], Path(os.environ["LOCKBOX_TOKEN_FILE"]))
request_guard = RequestGuard(guard, ROUTES, os.environ["CONTENT_ORIGIN"])


async def document(request: Request) -> Response:
    """Serve or replace one document; whoever gets here may."""
    decision: Decision = request.scope[DECISION]
    log.info("%s by %s under grant %s", decision.attempt, decision.engineer, decision.grant_id)
    name = (request.path_params["tenant"], request.path_params["resource"])
    if name not in DOCUMENTS:
        return problem(404, "no_such_document")
    if request.method == "PUT":
        DOCUMENTS[name] = (await request.body()).decode(errors="replace")
    return PlainTextResponse(DOCUMENTS[name])


async def alive(_: Request) -> Response:
    """The product runs, and its guard has heard of revocations."""
    if not guard.ready:
        return problem(503, "revocations_stale")
    return JSONResponse({"product": "starlette_service"})


def problem(status: int, code: str) -> Response:
    """An error as a problem document (RFC 9457)."""
    return JSONResponse({"status": status, "code": code}, status, media_type="application/problem+json")


@asynccontextmanager
async def guarding(_: Starlette) -> AsyncIterator[None]:
    """The guard lives as long as the product."""
    guard.start()
    yield
    await run_in_threadpool(guard.stop)


app = Starlette(
    routes=[
        Route("/documents/{tenant}/{resource:path}", document, methods=["GET", "PUT"]),
        Route("/", alive),
    ],
    middleware=[Middleware(GuardedAsgi, guard=request_guard)],
    lifespan=guarding,
)

if __name__ == "__main__":
    uvicorn.run(app, host=os.environ.get("CONTENT_HOST", "127.0.0.1"), port=int(os.environ["CONTENT_PORT"]))
