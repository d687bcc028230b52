"""The context of a web request: its caller, its keys, and the calls to other services."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar, cast

from flask import current_app, g, request

from lockbox.clock import Clock
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.calls import Call
from lockbox.contracts.events import VENDOR, Cause
from lockbox.contracts.fields import KeyField
from lockbox.contracts.identity import Caller
from lockbox.crypto import possession
from lockbox.crypto.possession import DPOP, Target
from lockbox.errors import Forbidden, invalid
from lockbox.faults import Expected
from lockbox.ids import new_id
from lockbox.runtime.process.waiting import Patience
from lockbox.values.addresses import source_address
from portal_service import ops_fanout, revocation_stream, usecases
from portal_service.domain.sign_in import Visitor
from portal_service.ops_fanout import Answers, Operations
from portal_service.revocation_stream import ENDING, ENDING_LANE, Ask, Listener
from portal_service.sign_in import SignInAttempt, sign_in
from portal_service.usecases import Identity, Known, OnRequest, RequestDetails, Services

OPENS_WITHIN_SECONDS = 5.0
R = TypeVar("R")


class Health(Protocol):
    """The health of the portal."""

    def alive(self) -> bool: ...  # noqa: D102
    def missing(self) -> list[str]: ...  # noqa: D102


class Revocations(Protocol):
    """The source of revocations."""

    def listener(self, ask: Ask) -> AbstractContextManager[Listener]: ...  # noqa: D102


class Web(Protocol):
    """The web server that the request came by."""

    def blocked(self, lane: str) -> bool: ...  # noqa: D102
    def worked(self, lane: str) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class PortalEdge:
    """The operations of the portal, for one web request."""

    known: Known
    services: Services
    operations: Operations
    clock: Clock
    health: Health
    revocations: Revocations
    web: Web

    def sign_in(self, email: str, password: str, browser: str | None = None) -> str:
        """Return a session token for the right password; `browser`: the id of one that the person was signed in at."""
        act = Act(Cause(email, correlation_id()), self.clock.now())
        attempt = SignInAttempt(new_id(), email, password, Visitor(source(), browser))
        return sign_in(self.known, attempt, act)

    def sign_out(self, token: str) -> None:
        """End a session."""
        usecases.sign_out(self.known, token)

    def identify(self, token: str) -> Identity:
        """Return the account that a token belongs to."""
        return usecases.identify(self.known, token, self.clock.now())

    def call(self, message: Call[R]) -> R:
        """Send a message to another service, in the name of the caller."""
        answer = self.services.call(caller(), message)
        if isinstance(message, ENDING):
            self.web.worked(ENDING_LANE)
        return answer

    def can_revoke(self) -> bool:
        """Return whether the portal takes revocations: guards deny while it does not."""
        return not self.web.blocked(ENDING_LANE)

    def call_as_portal(self, message: Call[R]) -> R:
        """Send a message that needs no sign-in, in the name of the portal."""
        portal = Caller(usecases.SERVICE, VENDOR, frozenset(), self.clock.now(), correlation_id())
        return self.services.call(portal, message)

    def operate(self, service: str, message: Call[R]) -> R:
        """Send an operator's message to one service."""
        return ops_fanout.ask(self.services, self.operations, caller(), message, service)

    def operate_all(self, message: Call[R]) -> Answers[R]:
        """Send an operator's message to every service; return the answer or the error of each."""
        return ops_fanout.ask_all(self.services, self.operations, caller(), message)

    def listen(self) -> AbstractContextManager[Listener]:
        """Listen for revocations from now on."""
        return self.revocations.listener(partial(revocation_stream.ask, self.services))

    def proven_key(self) -> str | None:
        """Return the thumbprint of the key that the header `DPoP` proves (RFC 9449), or None without the header."""
        shown = request.headers.getlist("DPoP")
        if not shown:
            return None
        if len(shown) > 1:
            raise Forbidden("proof_malformed", "expected one header DPoP")
        proof = possession.read(shown[0])
        if proof.typ != DPOP:
            raise Forbidden("proof_malformed", "expected a proof for one request")
        target = Target(request.method, current_app.config["PORTAL_URL"] + request.path)
        possession.check(proof, None, target, self.clock.now().timestamp())
        return proof.thumbprint

    def read_request(self, request_id: str) -> RequestDetails:
        """Return a request with its outcome."""
        return usecases.read_request(self.services, caller(), request_id, Patience(OPENS_WITHIN_SECONDS))

    def act_on_request(self, message: OnRequest) -> ApprovalView:
        """Act on a request: decide, ask, cancel, use break-glass, acknowledge."""
        return usecases.act_on_request(self.services, caller(), message, Patience(OPENS_WITHIN_SECONDS))


def edge() -> PortalEdge:
    """Return the edge of this web request."""
    return cast(PortalEdge, request.environ["lockbox.edge"])


def identity() -> Identity:
    """Return the identity behind this web request, as sign-in has set it."""
    return cast(Identity, g.identity)


def caller() -> Caller:
    """Return the caller of this web request, as the other services know it."""
    known = identity()
    return known.account.as_caller(known.since, correlation_id(), known.tenants)


def source() -> str | None:
    """Return the source address of this web request."""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    return source_address(request.remote_addr, forwarded, current_app.config["TRUSTED_PROXIES"])


def correlation_id() -> str:
    """Return the correlation id of this web request."""
    if "correlation_id" not in g:
        g.correlation_id = new_id()
    return cast(str, g.correlation_id)


def idempotency_key() -> str:
    """Return the client's Idempotency-Key, or a new one if it gave none; raise `Invalid` for a malformed one."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return new_id()
    if not KeyField.pattern.fullmatch(given):
        raise invalid("Idempotency-Key", Expected("not_an_idempotency_key"), given, "invalid_idempotency_key")
    return given
