"""The input of a route, derived from the operation's fields: path, body or query, idempotency key."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, make_dataclass
from functools import cached_property
from typing import Any, get_args, get_type_hints

from lockbox.contracts import wire
from lockbox.contracts.calls import Call, RestRoute
from lockbox.contracts.fields import NameField, Uuid
from lockbox.contracts.registry import IDEMPOTENCY_KEY, WITHOUT_BODY
from lockbox.errors import Invalid, NotFound
from portal_service.edge import idempotency_key

Read = Callable[[Any, Mapping[str, Any]], Mapping[str, Any]]
"""Makes the operation's fields of the arguments and the parameters of the path."""


@dataclass(frozen=True)
class Input:
    """The input of one operation on one route."""

    operation: type[Call[Any]]
    route: RestRoute

    @property
    def location(self) -> str:
        """The place of the fields that are not in the path: `query` or `json`."""
        return "query" if self.route.method in WITHOUT_BODY else "json"

    @property
    def rule(self) -> str:
        """The path as Flask writes it; an id that is no UUID is an address that does not exist."""
        path = self.route.path
        for name in self.route.parameters:
            converter = "uuid:" if Uuid in (self._hints[name], *get_args(self._hints[name])) else ""
            path = path.replace(f"{{{name}}}", f"<{converter}{name}>")
        return path

    @cached_property
    def arguments(self) -> type | None:
        """The message of body or query: the operation's fields beside path and key, or None if there are none."""
        if self.operation.body is not None:
            return self._hints[self.operation.body]
        in_a_path = {name for route in self.operation.routes for name in route.parameters}
        names = [name for name in self._fields if name not in in_a_path and name != IDEMPOTENCY_KEY]
        return self._part("Body" if self.location == "json" else "Query", names) if names else None

    def message(self, arguments: object, path: Mapping[str, object], read: Read | None = None) -> Call[Any]:
        """Return the operation's message; `read` makes its fields of arguments that are not the operation's own.

        Raise `NotFound` for a name that no tenant can have, `Invalid` for any other wrong parameter.
        """
        given = self.parameters(path)
        given |= self._own(arguments) if read is None else read(arguments, given)
        if IDEMPOTENCY_KEY in self._fields:
            given[IDEMPOTENCY_KEY] = idempotency_key()
        return self.operation(**given)

    def parameters(self, path: Mapping[str, object]) -> dict[str, Any]:
        """Return the checked parameters of the path."""
        if not path:
            return {}
        try:
            return dict(vars(wire.decode(self.path, {name: str(value) for name, value in path.items()})))
        except Invalid as error:
            if any(NameField in getattr(self._hints[name], "__metadata__", ()) for name in self.route.parameters):
                raise NotFound("tenant_not_found", "there is no such tenant") from error
            raise

    def _own(self, arguments: object) -> dict[str, Any]:
        if self.operation.body is not None:
            return {self.operation.body: arguments}
        return {} if arguments is None else vars(arguments)

    @cached_property
    def path(self) -> type:
        """The message of the path: the operation's fields in it."""
        return self._part("Path", self.route.parameters)

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        return get_type_hints(self.operation, include_extras=True)

    @cached_property
    def _fields(self) -> Mapping[str, Any]:
        return {one.name: one for one in fields(self.operation)}  # type: ignore[arg-type]

    def _part(self, suffix: str, names: Iterable[str]) -> type:
        """Return a message class of some of the operation's fields, with the same types, rules and defaults."""
        parts = [(name, self._hints[name], _again(self._fields[name])) for name in names]
        return make_dataclass(f"{self.operation.__name__}{suffix}", parts, frozen=True, kw_only=True)


def _again(one: Any) -> Any:
    default = {name: getattr(one, name) for name in ("default", "default_factory") if getattr(one, name) is not MISSING}
    return field(**default, metadata=one.metadata)
