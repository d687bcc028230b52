"""What every front door does: find out what a request is for, read what was shown, and have the guard decide."""

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
"""Where an application finds the decision that let a request in."""

log = logging.getLogger(__name__)


class Door:
    """Lets in what is open, and what a grant opens.

    A request that means nothing is refused without a record, as there is nobody whose record it could stand in; it is
    logged. All others are on record by what the guard does.
    """

    def __init__(self, guard: Guard, routes: Routes, origin: str, certificate_header: str | None = None) -> None:
        """`origin`: the address that proofs are made for, such as `https://files.vendor.example`."""
        self.guard = guard
        self._routes = routes
        self._reader = Reader(origin, certificate_header)

    def let_in(self, request: Request) -> Decision | None:
        """The decision that lets it in, or None where all is open; raises `Forbidden` with the reason."""
        attempt = self.attempt(request)
        return None if attempt is None else self.enforce(request, attempt)

    def attempt(self, request: Request) -> Attempt | None:
        """What it tries, or None where all is open; asks nobody. Raises `Forbidden` for what means nothing."""
        request.require_plain()
        return self._routes.find(request.act, request.path)

    def enforce(self, request: Request, attempt: Attempt) -> Decision:
        """The decision that lets it in; it may take as long as the record does. Raises `Forbidden` with the reason."""
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
    """What is answered; the log knows of it too."""
    log.info("lockbox guard: refused: %s", error)
    return Refusal(error.code)
