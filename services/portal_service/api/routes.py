"""The routes of all operations, derived from their declarations.

A route sends the operation's message and answers what the service answers. `SPECIAL` lists the operations that need
more than that, each with its handler.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lockbox.contracts import registry, wire
from lockbox.contracts.calls import RestRoute
from lockbox.contracts.registry import OPERATIONS, Operation
from portal_service.api import enforcement, grants, ops, policy, requests
from portal_service.api.blueprint import Blueprint, refuse_input, signed_in
from portal_service.api.document import other_parameters, path_parameters
from portal_service.api.examples import EXAMPLES
from portal_service.api.messages import Input
from portal_service.api.special import Special

API = "/api/v1"
SPECIAL: Mapping[Operation, Special] = {
    **requests.SPECIAL,
    **grants.SPECIAL,
    **policy.SPECIAL,
    **enforcement.SPECIAL,
    **ops.SPECIAL,
}
TAGS = (
    ("/requests", "requests", "Access requests"),
    ("/queue", "queue", "What waits for the caller"),
    ("/grants", "grants", "Grants"),
    ("/tenants/{tenant}/usage", "usage", "Granted versus used"),
    ("/tenants", "tenants", "Tenants"),
    ("/ops", "ops", "For operators"),
    ("/.well-known", "keys", "Public keys"),
    ("/", "enforcement", "For enforcement points"),
)
"""The parts of the API by the beginning of their paths; the first that fits is the one."""


def blueprints() -> list[Blueprint]:
    """Return the parts of the API with the routes of all operations; raise TypeError for a wrong declaration."""
    registry.check()
    parts = {name: Blueprint(name, __name__, description=text) for _, name, text in TAGS}
    for operation in OPERATIONS:
        for number, route in enumerate(operation.routes):
            _add(parts[_tag(route)], Input(operation, route), number)
    return list(parts.values())


def _tag(route: RestRoute) -> str:
    return next(name for beginning, name, _ in TAGS if route.path.startswith(beginning))


def _add(part: Blueprint, given: Input, number: int) -> None:
    operation, special = given.operation, SPECIAL.get(given.operation, Special())
    if operation not in EXAMPLES:
        raise TypeError(f"{operation.__name__} has no example in portal_service.api.examples")
    example, answer = EXAMPLES[operation], special.answer or operation.answer
    arguments = special.arguments or given.arguments
    view = _view(given, special, None if arguments is None else given.location)
    view = part.response(operation.status, wire.schema(answer), example=wire.encode(example.answer, answer))(view)
    for status, text in special.also.items():
        view = part.alt_response(status, schema=wire.schema(operation.answer), description=text)(view)
    if arguments is not None:
        shown = {"example": dict(example.body)} if given.location == "json" else {}
        view = part.arguments(wire.schema(arguments), location=given.location, **shown)(view)
    prefix = "" if given.route.path.startswith("/.well-known/") else API
    endpoint = f"{operation.method}_{number}" if number else operation.method
    others = other_parameters(operation, arguments if given.location == "query" else None)
    view = part.doc(operationId=endpoint, **{"parameters": others} if others else {})(view)
    documented = path_parameters(given.path)
    part.route(prefix + given.rule, methods=[given.route.method], endpoint=endpoint, parameters=documented)(
        view if operation.public else signed_in(view)
    )


def _view(given: Input, special: Special, location: str | None) -> Callable[..., Any]:
    def view(*arguments: object, **path: object) -> Any:
        if not given.operation.public:
            refuse_input(query=location != "query", body=location is None)
        [argument] = arguments or [None]
        return special.respond(given.message(argument, path, special.read))

    view.__name__ = given.operation.method
    view.__doc__ = given.operation.__doc__
    return view
