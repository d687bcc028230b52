"""What a web request has at hand: who sent it, and the way to the other services."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar, cast

from flask import current_app, g, request

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
from portal_service import ops_fanout, revocation_stream, usecases
from portal_service.ops_fanout import Answers, Operations
from portal_service.revocation_stream import Ask, Listener
from portal_service.usecases import Identity, Known, OnRequest, RequestDetails, Services

OPENS_WITHIN_SECONDS = 5.0
R = TypeVar("R")


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime: ...  # noqa: D102


class Health(Protocol):
    """Where health comes from."""

    def alive(self) -> bool: ...  # noqa: D102
    def missing(self) -> list[str]: ...  # noqa: D102


class Revocations(Protocol):
    """Where revocations are heard of."""

    def listener(self, ask: Ask) -> AbstractContextManager[Listener]: ...  # noqa: D102


@dataclass(frozen=True)
class Edge:
    """The edge of Lockbox, for one web request."""

    known: Known
    services: Services
    operations: Operations
    clock: Clock
    health: Health
    revocations: Revocations

    def sign_in(self, email: str, password: str) -> str:
        """A session token for the right password."""
        act = Act(Cause(email, correlation_id()), self.clock.now())
        return usecases.sign_in(self.known, email, password, act, new_id())

    def sign_out(self, token: str) -> None:
        """End a session."""
        usecases.sign_out(self.known, token)

    def identify(self, token: str) -> Identity:
        """Whose token this is."""
        return usecases.identify(self.known, token, self.clock.now())

    def call(self, message: Call[R]) -> R:
        """Ask another service, as whoever sent this web request."""
        return self.services.call(caller(), message)

    def call_as_portal(self, message: Call[R]) -> R:
        """Ask another service for what everybody may know."""
        nobody = Caller(usecases.SERVICE, VENDOR, frozenset(), self.clock.now(), correlation_id())
        return self.services.call(nobody, message)

    def operate(self, service: str, message: Call[R]) -> R:
        """Ask one service to do what an operator wants done."""
        return ops_fanout.ask(self.services, self.operations, caller(), message, service)

    def operate_all(self, message: Call[R]) -> Answers[R]:
        """Ask every service the same, and learn of each what it answers or why it does not."""
        return ops_fanout.ask_all(self.services, self.operations, caller(), message)

    def listen(self) -> AbstractContextManager[Listener]:
        """Hear of revocations from now on."""
        return self.revocations.listener(partial(revocation_stream.ask, self.services))

    def proven_key(self) -> str | None:
        """The thumbprint of the key that the header `DPoP` of this web request proves (RFC 9449), if there is one."""
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
        """A request with its outcome."""
        return usecases.read_request(self.services, caller(), request_id, Patience(OPENS_WITHIN_SECONDS))

    def act_on_request(self, message: OnRequest) -> ApprovalView:
        """Do something about a request: decide, ask, cancel, open in an emergency, acknowledge."""
        return usecases.act_on_request(self.services, caller(), message, Patience(OPENS_WITHIN_SECONDS))


def edge() -> Edge:
    """The edge of this web request."""
    return cast(Edge, request.environ["lockbox.edge"])


def identity() -> Identity:
    """Who sent this web request; set by whatever let it in."""
    return cast(Identity, g.identity)


def caller() -> Caller:
    """Who sent this web request, as the other services know them."""
    return identity().account.as_caller(identity().since, correlation_id())


def correlation_id() -> str:
    """What ties together everything that this web request leads to."""
    if "correlation_id" not in g:
        g.correlation_id = new_id()
    return cast(str, g.correlation_id)


def idempotency_key() -> str:
    """The client's Idempotency-Key; a new one if it gave none. Raises `Invalid` for one that is no key."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return new_id()
    if not KeyField.pattern.fullmatch(given):
        raise invalid("Idempotency-Key", Expected("not_an_idempotency_key"), given, "invalid_idempotency_key")
    return given
