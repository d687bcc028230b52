"""People and their roles, for checks and forecasts of a policy; a decision itself looks at the caller alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from lockbox.contracts.events import VENDOR
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import DECIDING_ROLES, Group, Side


@dataclass(frozen=True)
class Person:
    """A member of an organisation."""

    email: str
    organisation: str
    roles: frozenset[str]


@dataclass(frozen=True)
class People:
    """The people of a tenant and of the vendor, by address."""

    tenant: str
    known: Mapping[str, Person]

    @classmethod
    def of(cls, tenant: str, people: Iterable[Person]) -> "People":
        """Return the people of a tenant and of the vendor."""
        return cls(tenant, {one.email: one for one in people if one.organisation in (tenant, VENDOR)})

    def with_role(self, role: Role, side: Side) -> frozenset[str]:
        """Return the people of this side with a role."""
        return self._by_role[side].get(role, frozenset())

    def eligible(self, group: Group, side: Side) -> frozenset[str]:
        """Return the people of this side that count for the group."""
        deciding = frozenset[str]().union(*(self.with_role(role, side) for role in DECIDING_ROLES[side]))
        by_role = [self._by_role[side].get(member, frozenset()) for member in group.members]
        return deciding & frozenset(group.members).union(*by_role)

    @cached_property
    def _by_role(self) -> Mapping[Side, Mapping[str, frozenset[str]]]:
        found: dict[Side, dict[str, set[str]]] = {side: {} for side in Side}
        for side in Side:
            for one in self._of(side):
                for role in one.roles:
                    found[side].setdefault(role, set()).add(one.email)
        return {side: {role: frozenset(emails) for role, emails in roles.items()} for side, roles in found.items()}

    def _of(self, side: Side) -> Iterable[Person]:
        organisation = VENDOR if side == Side.VENDOR else self.tenant
        return (one for one in self.known.values() if one.organisation == organisation)


def assign(people: Mapping[str, Iterable[str]], places: Mapping[str, int]) -> dict[str, list[str]]:
    """Assign people to the places of groups, each person to one place at most, so that most places are filled.

    The maximum matching of a bipartite graph, by augmenting paths (Kuhn 1955). Returns the people of each group.
    """
    assigned: dict[str, list[str]] = {group: [] for group in places}

    def place(person: str, tried: set[str]) -> bool:
        return any(take(person, group, tried) for group in people[person] if group in places and group not in tried)

    def take(person: str, group: str, tried: set[str]) -> bool:
        tried.add(group)
        if len(assigned[group]) >= places[group]:
            moved = next((other for other in assigned[group] if place(other, tried)), None)
            if moved is None:
                return False
            assigned[group].remove(moved)
        assigned[group].append(person)
        return True

    for person in people:
        place(person, set())
    return assigned


def unfilled(assigned: Mapping[str, list[str]], places: Mapping[str, int]) -> int:
    """Return the number of places that stay empty."""
    return sum(places.values()) - len(list(chain.from_iterable(assigned.values())))
