"""The guard of HTTP requests, which WSGI, ASGI and forward authentication share.

It finds the content that a request is for, reads the grant and its proof, and has the guard decide.
"""

import logging
from dataclasses import replace

from lockbox.errors import Forbidden
from lockbox.guard.credentials import Reader
from lockbox.guard.decision import Attempt, Decision
from lockbox.guard.guard import Guard
from lockbox.guard.refusals import Refusal
from lockbox.guard.request import Request
from lockbox.guard.routes import Routes

DECISION = "lockbox.decision"
"""The key under which an application finds the decision that allowed a request."""

log = logging.getLogger(__name__)


class RequestGuard:
    """A guard of requests: it allows open paths, and those that a grant allows.

    A request that no route knows is refused without a record, as no tenant is known; it is logged. All others are on
    record.
    """

    def __init__(self, guard: Guard, routes: Routes, origin: str, certificate_header: str | None = None) -> None:
        """`origin`: the address that proofs are made for, such as `https://files.vendor.example`."""
        self.guard = guard
        self._routes = routes
        self._reader = Reader(origin, certificate_header)

    def authorize(self, request: Request) -> Decision | None:
        """Return the decision that allows the request, None on an open path; raises `Forbidden` with the reason."""
        attempt = self.attempt(request)
        return None if attempt is None else self.enforce(request, attempt)

    def attempt(self, request: Request) -> Attempt | None:
        """Return the attempt of the request, None on an open path; makes no call. Raises `Forbidden`."""
        request.require_plain()
        return self._routes.find(request.act, request.path)

    def enforce(self, request: Request, attempt: Attempt) -> Decision:
        """Return the decision that allows it, as soon as it is on record; raises `Forbidden` with the reason."""
        decision = self._decide(request, attempt)
        if not decision.allowed:
            raise Forbidden(decision.reason, f"{attempt.action} of {attempt.resource} of {attempt.tenant}")
        return decision

    def _decide(self, request: Request, attempt: Attempt) -> Decision:
        try:
            token, shown = self._reader.read(request)
        except Forbidden as refusal:
            decision = self.guard.enforce(None, attempt.tenant, attempt.resource, attempt.action)
            return replace(decision, allowed=False, reason=refusal.code)
        return self.guard.enforce(token, attempt.tenant, attempt.resource, attempt.action, shown)


def refusal_of(error: Forbidden) -> Refusal:
    """Return the answer for an error, and log it."""
    log.info("lockbox guard: refused: %s", error)
    return Refusal(error.code)
