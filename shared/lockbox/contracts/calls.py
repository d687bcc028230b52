"""The declaration of an operation: service, roles, REST route and answer, once, on the class of its message."""

import re
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args

from lockbox.contracts.identity import Caller, Role
from lockbox.errors import Forbidden

REQUEST = "request_service"
APPROVAL = "approval_service"
NOTIFY = "notify_service"
AUDIT = "audit_service"
PORTAL = "portal_service"
EVERY = "*"
"""The service of an operation that each service answers for itself; the sender names the service."""

SERVICES = (REQUEST, APPROVAL, NOTIFY, AUDIT, EVERY)
"""The services that answer operations; the portal sends them."""

SIGNED_IN = tuple(Role)
"""The roles of an operation for every signed-in caller: an account has at least one role."""

ROUTE = re.compile(r"(GET|POST|PUT|DELETE) ((?:/(?:\.?[a-z0-9]+(?:[.-][a-z0-9]+)*|{[a-z_]+}))+)")
"""A method and a path of segments, each a name or one parameter; no segment is empty."""
PARAMETER = re.compile(r"{([a-z_]+)}")
OF_SUCCESS = frozenset(status for status in HTTPStatus if status // 100 == 2)  # noqa: PLR2004 - 2xx

R = TypeVar("R")


class Without(Enum):
    """The explicit statement that an operation has no roles, or no route."""

    SIGN_IN = "without sign-in"
    ROUTE = "no route of its own"


PUBLIC = Without.SIGN_IN
NO_ROUTE = Without.ROUTE


@dataclass(frozen=True)
class RestRoute:
    """An HTTP method and a path under /api/v1; a path under /.well-known/ is absolute."""

    method: str
    path: str

    @classmethod
    def of(cls, text: object) -> "RestRoute":
        """Read `METHOD /path`; raise ValueError for any other text."""
        match = ROUTE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"expected a route such as 'POST /grants/{{grant_id}}/revoke', got {text!r}")
        return cls(*match.groups())

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the braces of the path."""
        return tuple(PARAMETER.findall(self.path))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Call(Generic[R]):
    """A command or query with an answer of kind `R`.

    `class RevokeGrant(Call[GrantView], service=APPROVAL, rest="POST /grants/{grant_id}/revoke", roles=(...))` is
    answered by the method `revoke_grant` of approval_service, for callers with one of the roles. `roles` is a tuple of
    roles, `SIGNED_IN` or `PUBLIC`. `rest` is a route, several routes, or `NO_ROUTE`; `status` is the HTTP status of
    success. `body` names the field that is the body itself, where the body is not all fields beside those in the path.
    `only` are the roles of the one side, vendor or customer, that the operation belongs to.
    `lockbox.contracts.registry` checks all declarations against each other.
    """

    service: ClassVar[str]
    method: ClassVar[str]
    answer: ClassVar[type]
    roles: ClassVar[tuple[Role, ...]]
    public: ClassVar[bool]
    only: ClassVar[frozenset[Role] | None]
    routes: ClassVar[tuple[RestRoute, ...]]
    status: ClassVar[HTTPStatus]
    body: ClassVar[str | None]

    def __init_subclass__(  # noqa: PLR0913 - the declaration of an operation
        cls,
        *,
        service: str | None = None,
        roles: tuple[Role, ...] | Without | None = None,
        rest: str | tuple[str, ...] | Without | None = None,
        status: int = HTTPStatus.OK,
        body: str | None = None,
        only: frozenset[Role] | None = None,
    ) -> None:
        """Read the declaration; raise TypeError that names the class for one that is incomplete or of another kind."""
        super().__init_subclass__()
        cls.service = _declared(cls, "service", service)
        cls.method = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        cls.public = _declared(cls, "roles", roles) is PUBLIC
        cls.roles = _roles(cls, roles)
        cls.routes = _routes(cls, _declared(cls, "rest", rest))
        cls.status = _status(cls, status)
        cls.body = body
        cls.only = only
        cls.answer = _answer(cls)

    @classmethod
    def admits(cls, caller: Caller) -> bool:
        """Tell whether the caller's roles allow this operation."""
        return cls.public or caller.has(*cls.roles)

    @classmethod
    def require_role(cls, caller: Caller) -> None:
        """Raise `Forbidden("role_required", ...)` unless the caller's roles allow this operation."""
        if not cls.admits(caller):
            message = f"this needs the role {' or '.join(cls.roles)}"
            raise Forbidden("role_required", message, params={"roles": list(cls.roles)})


def _declared(kind: type, name: str, value: Any) -> Any:
    if not value or (isinstance(value, Without) and value is not {"roles": PUBLIC, "rest": NO_ROUTE}.get(name)):
        raise TypeError(f"{_name(kind)} declares no {name}")
    return value


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"


def _roles(kind: type, roles: object) -> tuple[Role, ...]:
    """Return the roles; a single role or a text is refused, as its letters would be read as roles of no caller."""
    if roles is PUBLIC:
        return ()
    if not isinstance(roles, tuple):
        raise TypeError(f"{_name(kind)}: expected a tuple of roles, SIGNED_IN or PUBLIC, got {roles!r}")
    return roles


def _routes(kind: type, rest: object) -> tuple[RestRoute, ...]:
    if isinstance(rest, Without):
        return ()
    try:
        return tuple(RestRoute.of(text) for text in (rest if isinstance(rest, tuple) else (rest,)))
    except ValueError as error:
        raise TypeError(f"{_name(kind)}: {error}") from error


def _status(kind: type, status: int) -> HTTPStatus:
    if status not in OF_SUCCESS:
        raise TypeError(f"{_name(kind)}: expected an HTTP status of success, got {status!r}")
    return HTTPStatus(status)


def _answer(kind: type) -> type:
    bases = [base for base in getattr(kind, "__orig_bases__", ()) if getattr(base, "__origin__", None) is Call]
    if not bases:
        raise TypeError(f"{_name(kind)} declares no answer: expected a base such as Call[GrantView]")
    [answer] = get_args(bases[0])
    return cast(type, answer)
