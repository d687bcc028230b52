"""The guard in a vendor's own Nameko services: an RPC method that is called only if a grant allows it.

class Mailboxes:
    name = "mailboxes"
    lockbox = Lockbox()

    @rpc(expected_exceptions=Forbidden)
    @guarded("mailbox/{owner}", "read")
    def read(self, tenant: str, owner: str) -> str: ...

with `LOCKBOX: {portal: https://..., token_file: ..., origin: https://...}` in the configuration. Grant and proof travel
in the context data of the call, as `lockbox: {grant, proof, method, address}`; Nameko hands that on to whatever is
called from there. What the proof is for is one of two things:

- Without `method` and `address` it is for the very RPC method, as `target_of` names it: `RPC` and the address
  `http://mailboxes.nameko.invalid/read`. So it is when the engineer's own program makes the call.
- With them it is for the request that an engineer sent to an edge, which handed both on (`Edge`, `context_of`). Only
  the path is taken from there; the origin is the service's own, and without one nothing of this kind counts.

What follows for security: every call needs a proof that the engineer's key made just now, so that stolen grants open
nothing, whoever can send on the broker. But the edge says which request a proof came with, and who can read a service's
queue sees grant and proof. Either can use both for as long as a proof lives (a minute; a session proof five), in a
process that has not seen that proof: for the one method if the proof is for it, for any guarded method behind that
origin if it came by an edge; and in both cases only for what the grant names. So let nobody but the service read its
queue. A client certificate is known to nobody behind the edge: grants that are bound to one are refused here.

A DPoP proof counts once in each process. Where one request makes several calls of a service, show a session proof.
"""

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import eventlet
import nameko.exceptions
from nameko.extensions import DependencyProvider
from werkzeug.wrappers import Request

from lockbox.crypto.possession import Target
from lockbox.errors import KINDS, Forbidden, Invalid
from lockbox.guard.configuration import GuardSettings, read_settings, refused, require_origin, ruled
from lockbox.guard.credentials import Reader
from lockbox.guard.decision import Attempt, Decision, Dpop, Shown
from lockbox.guard.guard import Guard
from lockbox.guard.routes import Route
from lockbox.guard.tables import Unfit, read_table
from lockbox.guard.templates import Template, name_of
from lockbox.guard.wsgi import Environ, request_of

nameko.exceptions.registry.update({f"{kind.__module__}.{kind.__name__}": kind for kind in KINDS})

CONTEXT, METHOD = "lockbox", "RPC"
READY_WITHIN_SECONDS = 5.0

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class LockboxSettings(GuardSettings):
    """The section `LOCKBOX` of a service's configuration."""

    origin: str | None = field(default=None, metadata=ruled(require_origin))


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    """The setting of an edge in the section `LOCKBOX`."""

    origin: str = field(metadata=ruled(require_origin))


class Lockbox(DependencyProvider):
    """The dependency that gives each worker its `Access`; calls begin when the guard is ready, or after 5 s."""

    def setup(self) -> None:
        """Read the settings and start the guard; raises `Invalid`."""
        settings = read_settings(LockboxSettings, self.container.config.get("LOCKBOX") or {}, Path.cwd())
        self._origin, self._guard = settings.origin, settings.guard()
        self._guard.start()
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._guard.ready and time.monotonic() < deadline:
            eventlet.sleep(0.05)

    def stop(self) -> None:
        """Stop the guard, and send the records that wait in its spool."""
        self._guard.stop()

    def get_dependency(self, worker_ctx: Any) -> "Access":
        """Return the access of one worker."""
        target = target_of(worker_ctx.service_name, worker_ctx.entrypoint.method_name)
        context = worker_ctx.data.get(CONTEXT)
        return Access(self._guard, Handover(context if isinstance(context, Mapping) else {}, target, self._origin))


@dataclass(frozen=True)
class Handover:
    """The credentials that came with a call."""

    context: Mapping[str, Any]
    target: Target
    origin: str | None

    @property
    def grant(self) -> str | None:
        """The grant."""
        return self._text("grant")

    @property
    def shown(self) -> Shown:
        """The proof, and the request that it has to be for."""
        proof, method, address = map(self._text, ("proof", "method", "address"))
        if proof is None:
            return None
        if self.origin is None or method is None or address is None or not address.startswith("/"):
            return Dpop(proof, self.target.method, self.target.url)
        return Dpop(proof, method, self.origin + address)

    def _text(self, name: str) -> str | None:
        value = self.context.get(name)
        return value if isinstance(value, str) else None


class Access:
    """The access of one worker; `decision` is the last one that allowed something."""

    def __init__(self, guard: Guard, credentials: Handover) -> None:
        self._guard = guard
        self._credentials = credentials
        self.decision: Decision | None = None

    def require(self, tenant: str, resource: str, action: str) -> Decision:
        """Return when it is allowed and on record; raises `Forbidden` with the reason."""
        decision = self._guard.enforce(self._credentials.grant, tenant, resource, action, self._credentials.shown)
        if not decision.allowed:
            raise Forbidden(decision.reason, f"{action} of {resource} of {tenant}")
        self.decision = decision
        return decision


def guarded(resource: str, action: str, tenant: str = "{tenant}") -> Callable[[F], F]:
    """Call a method only if a grant allows it; `resource` and `tenant` are templates of its arguments.

    Raises `Invalid` for what they can't be; the method raises `Forbidden` with the reason. Its service has a `Lockbox`.
    """

    def decorate(method: F) -> F:
        signature = inspect.signature(method)
        wanted = CallTemplate.of(signature.parameters, resource, action, tenant)

        @wraps(method)
        def called(service: Any, *args: Any, **kwargs: Any) -> Any:
            given = signature.bind(service, *args, **kwargs)
            given.apply_defaults()
            attempt = wanted.attempt(given.arguments)
            access: Access = getattr(service, _provider_of(type(service)))
            access.require(attempt.tenant, attempt.resource, attempt.action)
            return method(service, *args, **kwargs)

        called.__signature__ = signature  # type: ignore[attr-defined] # by which Nameko checks a call's arguments
        return cast(F, called)

    return decorate


@dataclass(frozen=True)
class CallTemplate:
    """The attempt of a call, by templates of its arguments."""

    route: Route
    names: tuple[str, ...]

    @classmethod
    def of(cls, parameters: Iterable[str], resource: str, action: str, tenant: str) -> "CallTemplate":
        """Read the templates; raises `Invalid`."""
        variables = dict.fromkeys([*Template(tenant).variables, *Template(resource).variables])
        route = Route("/" + "/".join(variables), {METHOD: action}, tenant, resource)
        names = tuple(map(name_of, variables))
        for fault in route.faults():
            raise Invalid("invalid_routes", f"{fault['field']}: expected {fault['expected']}", [fault])
        for unknown in set(names) - set(parameters):
            raise Invalid("invalid_routes", f"{unknown}: expected the name of a parameter")
        return cls(route, names)

    def attempt(self, arguments: Mapping[str, Any]) -> Attempt:
        """Return the attempt of a call with these arguments; raises `Forbidden("no_route", ...)`."""
        try:
            attempt = self.route.attempt(METHOD, {name: arguments[name] for name in self.names})
        except (TypeError, ValueError) as error:
            raise Forbidden("no_route", f"{', '.join(self.names)}: expected names of content: {error}") from error
        return cast(Attempt, attempt)  # as the route is not open


class Edge(DependencyProvider):
    """The dependency of a service at the edge: `self.edge.hand_on(request)`, before it calls others."""

    def setup(self) -> None:
        """Read the settings; raises `Invalid`."""
        section = self.container.config.get("LOCKBOX")
        origin = section.get("origin") if isinstance(section, Mapping) else None
        try:
            self._origin = read_table(EdgeSettings, {"origin": origin}).origin
        except Unfit as error:
            raise refused(error) from error

    def get_dependency(self, worker_ctx: Any) -> "Forwarder":
        """Return the forwarder of one worker."""
        return Forwarder(self._origin, worker_ctx.data)


@dataclass(frozen=True)
class Forwarder:
    """A forwarder of an engineer's credentials to the services that are called."""

    origin: str
    context: dict[str, Any]

    def hand_on(self, request: Request) -> None:
        """Forward the request's credentials with every later call; raises `Forbidden` where they can't be."""
        self.context.update(context_of(request.environ, self.origin))


def context_of(environ: Environ, origin: str) -> dict[str, Any]:
    """Return the context data for the calls of a WSGI request; `origin` is the address that the engineer used.

    Raises `Forbidden`: `credentials_ambiguous`, `cross_site`, `path_ambiguous`, `method_ambiguous`.
    """
    request = request_of(environ)
    request.require_plain()
    grant, shown = Reader(origin).read(request)
    context: dict[str, Any] = {} if grant is None else {"grant": grant}
    if isinstance(shown, Dpop):
        context |= {"proof": shown.proof, "method": shown.method, "address": request.address}
    return {CONTEXT: context}


def target_of(service: str, method: str) -> Target:
    """Return the target of a proof for one RPC method; no web site has such an address (RFC 2606)."""
    return Target(METHOD, f"http://{service}.nameko.invalid/{method}")


def _provider_of(service: type[Any]) -> str:
    """Return the name of the attribute that gives a service its access."""
    for name, _ in inspect.getmembers(service, lambda member: isinstance(member, Lockbox)):
        return name
    raise TypeError(f"{service.__name__} has guarded methods, and no Lockbox()")
