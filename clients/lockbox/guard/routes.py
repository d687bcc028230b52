"""Routes: a table of paths that names the tenant, the resource and the action of a request.

The first route whose path matches counts. A path is a template (`lockbox.guard.templates`), and a slash at its end
counts. Its variables make up the tenant and the resource: by themselves if they are named `tenant` and `resource`, else
as the route's own `tenant` and `resource` say. Each variable has a part in that, as two contents could have one name
otherwise; those that begin with `_` are left out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lockbox.errors import Fault, Forbidden, Invalid
from lockbox.guard import tables
from lockbox.guard.decision import Attempt
from lockbox.guard.templates import Names, Template, name_of
from lockbox.values import resources
from lockbox.values.names import is_action, is_tenant

LITERAL = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._~!$&'()*+,=:@-]+\Z")
ITEM_LITERAL = re.compile(rf"(?!\.{{1,2}}\Z){resources.SEGMENT}\Z")
METHOD = re.compile(r"[A-Z]+(?:-[A-Z]+)*\Z")

A_PATH = "a path such as /documents/{tenant}/{resource...}: plain letters and variables, no two of a name, one with ..."
A_TENANT = "the name of a tenant, or the variable that holds it, such as {tenant}"
A_RESOURCE = "two segments at least, such as files/{name} or {resource...}"
ACTIONS = 'an action for each method, such as {GET = "read"}; or open = true'
EACH_USED = "each variable in the tenant or the resource, but for those that begin with _"
NOTHING_ELSE = "neither actions nor tenant nor resource where all is open"


@dataclass(frozen=True)
class Route:
    """A path, with the tenant, the resource and the actions that it stands for.

    `actions` names the action of each method (a WebSocket's is `WEBSOCKET`); other methods are refused. An `open` path
    needs no grant.
    """

    path: str = field(metadata={"rule": tables.text})
    actions: dict[str, str] = field(default_factory=dict, metadata={"rule": tables.texts_by_name})
    tenant: str | None = field(default=None, metadata={"rule": tables.text})
    resource: str | None = field(default=None, metadata={"rule": tables.text})
    open: bool = field(default=False, metadata={"rule": tables.flag})

    @cached_property
    def path_template(self) -> Template:
        """The template of the path."""
        return Template(self.path)

    @cached_property
    def tenant_template(self) -> Template:
        """The template of the tenant."""
        return Template(self.tenant if self.tenant is not None else self._variable("tenant"))

    @cached_property
    def resource_template(self) -> Template:
        """The template of the resource."""
        return Template(self.resource if self.resource is not None else self._variable("resource"))

    def attempt(self, method: str, names: Names) -> Attempt | None:
        """Return the attempt of a request, None on an open path; raises `Forbidden("no_route", ...)`."""
        if self.open:
            return None
        tenant, action = self.tenant_template.fill(names), self.actions.get(method)
        if action is None or not is_tenant(tenant):
            raise Forbidden("no_route", f"{self.path} says nothing about {method}, or about such a tenant")
        return Attempt(tenant=tenant, resource=self.resource_template.fill(names), action=action)

    def faults(self) -> Iterator[Fault]:
        """Yield every fault of the route."""
        if not _is_path(self.path_template):
            yield Fault(field="path", expected=A_PATH, received=self.path)
        elif not self.open:
            yield from _action_faults(self.actions)
            yield from self._template_faults()
        elif self.actions or self.tenant is not None or self.resource is not None:
            yield Fault(field="open", expected=NOTHING_ELSE, received="true")

    def _template_faults(self) -> Iterator[Fault]:
        known = self.path_template.variables
        for name, template, is_right, expected in (
            ("tenant", self.tenant_template, _is_tenant, A_TENANT),
            ("resource", self.resource_template, _is_resource, A_RESOURCE),
        ):
            if not is_right(template):
                yield Fault(field=name, expected=expected, received=template.text)
            elif unknown := set(template.variables) - set(known):
                yield Fault(field=name, expected=f"variables of the path: {', '.join(known)}", received=min(unknown))
        used = {*self.tenant_template.variables, *self.resource_template.variables}
        for unused in sorted(set(known) - used):
            if not unused.startswith("{_"):
                yield Fault(field="path", expected=EACH_USED, received=unused)

    def _variable(self, name: str) -> str:
        return next((one for one in self.path_template.variables if name_of(one) == name), "")


class Routes:
    """Routes, of which the first that matches counts; raises `Invalid` that names every fault."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)
        faults = [
            Fault(**{**fault, "field": f"routes.{number}.{fault['field']}"})
            for number, route in enumerate(self._routes)
            for fault in route.faults()
        ]
        if faults:
            raise Invalid("invalid_routes", f"{faults[0]['field']}: expected {faults[0]['expected']}", faults)

    def find(self, method: str, path: str) -> Attempt | None:
        """Return the attempt of a request, None on an open path; raises `Forbidden("no_route", ...)`."""
        for route in self._routes:
            names = route.path_template.match(path)
            if names is not None:
                return route.attempt(method, names)
        raise Forbidden("no_route", "no route names this path")


def _is_path(template: Template) -> bool:
    literals = template.literals[1:-1] if template.text.endswith("/") else template.literals[1:]
    several = sum(variable.endswith("...}") for variable in template.variables)
    return (
        template.text.startswith("/") and all(map(LITERAL.match, literals)) and _names_once(template) and several <= 1
    )


def _names_once(template: Template) -> bool:
    names = list(map(name_of, template.variables))
    return len(set(names)) == len(names)


def _is_tenant(template: Template) -> bool:
    is_variable = len(template.segments) == len(template.variables) == 1 and "..." not in template.text
    return is_variable or is_tenant(template.text)


def _is_resource(template: Template) -> bool:
    several = len(template.segments) > 1 or template.text.endswith("...}")
    return several and all(map(ITEM_LITERAL.match, template.literals)) and _names_once(template)


def _action_faults(actions: Mapping[str, str]) -> Iterator[Fault]:
    if not actions:
        yield Fault(field="actions", expected=ACTIONS)
    for method, action in actions.items():
        if not METHOD.match(method):
            yield Fault(field="actions", expected="methods in capitals, such as GET", received=method)
        if not is_action(action):
            yield Fault(field=f"actions.{method}", expected="an action such as read", received=action)
