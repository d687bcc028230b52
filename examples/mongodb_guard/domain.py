"""The rights in MongoDB that a grant gives: pure rules.

A resource is `database/<database>/<collection>`, or a pattern of such. `read` is to find; `write` is to insert, update
and remove, and not to find. Whatever else a grant names opens nothing here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Action, Resource, TenantName, Timestamp, Uuid
from lockbox.contracts.grant.facts import AccessGranted, ExtensionDecided, GrantCompleted, GrantExpired, GrantRevoked
from lockbox.values.resources import ONE, covers, overlap

LISTENS_TO = (AccessGranted, ExtensionDecided, GrantCompleted, GrantRevoked, GrantExpired)
ACTIONS = {"read": ("find",), "write": ("insert", "update", "remove")}
EVERY_COLLECTION = ""  # but for `system.` ones: this is how MongoDB writes it in a privilege
SYSTEM = "system."
PREFIX = "lockbox-"
CLOSED_EARLIER = timedelta(seconds=1)
"""Access closes so much before its end, so that the end finds it closed."""

OWN_DATABASE = "mongodb_guard"
"""The database of users and of known grants."""

Databases = Mapping[str, Sequence[str]]
"""The databases of each tenant."""


class Right(NamedTuple):
    """One action on one collection, in MongoDB's own words."""

    database: str
    collection: str
    action: str


Rights = frozenset[Right]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A tenant, resources and actions."""

    tenant: TenantName | None = None
    resources: tuple[Resource, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Grant(Scope):
    """A grant as its events describe it. They may come late, twice and in any order; the result is the same.

    What is not known yet opens nothing; an end is for good.
    """

    id: Uuid
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    ended: bool = False

    def heed(self, fact: Fact) -> "Grant":
        """Return the grant with a fact applied."""
        match fact:
            case AccessGranted(tenant=tenant, resources=resources, actions=actions, starts_at=starts_at):
                changed = replace(self, tenant=tenant, resources=resources, actions=actions, starts_at=starts_at)
                return changed._lasting(fact.ends_at)
            case ExtensionDecided(outcome="approve", ends_at=ends_at):
                return self._lasting(ends_at)
            case GrantCompleted() | GrantRevoked() | GrantExpired():
                return replace(self, ended=True)
        return self

    def open_at(self, now: datetime) -> bool:
        """Whether it can be used: by the clock, whatever event is still on its way."""
        if self.ended or self.starts_at is None or self.ends_at is None:
            return False
        return self.starts_at <= now < self.ends_at - CLOSED_EARLIER

    def _lasting(self, ends_at: datetime) -> "Grant":
        """An extension only ever lengthens, so the latest end counts."""
        return replace(self, ends_at=ends_at if self.ends_at is None else max(self.ends_at, ends_at))


def user_of(grant_id: str) -> str:
    """The name of a grant's user, and of its role in each database."""
    return f"{PREFIX}{grant_id}"


def grant_of(user: str) -> str:
    """The grant that a user was made for."""
    return user.removeprefix(PREFIX)


def rights(scope: Scope, databases: Databases) -> Rights:
    """Return the rights that a resource gives, in the tenant's own databases alone."""
    return frozenset(
        Right(database, collection, action)
        for database in databases.get(scope.tenant or "", ())
        for resource in scope.resources
        if (collection := _collection(resource, database)) is not None
        for granted in scope.actions
        for action in ACTIONS.get(granted, ())
    )


def left_out(grant: Grant, databases: Databases) -> list[str]:
    """Return the databases that a grant names and gives no rights in."""
    own = databases.get(grant.tenant or "", ())
    return [
        resource
        for resource in grant.resources
        if overlap(resource, "database/**") and all(_collection(resource, database) is None for database in own)
    ]


def wanted(grants: Iterable[Grant], databases: Databases, now: datetime) -> dict[str, Rights]:
    """The users that there may be at `now`, each with all that it may do."""
    opened = {user_of(grant.id): rights(grant, databases) for grant in grants if grant.open_at(now)}
    return {user: held for user, held in opened.items() if held}


def in_excess(found: Mapping[str, Rights], allowed: Mapping[str, Rights]) -> list[str]:
    """The users that there may not be, or that can do more than they may."""
    return sorted(user for user, held in found.items() if user not in allowed or not held <= allowed[user])


def _collection(resource: str, database: str) -> str | None:
    """Return the collection of a database that a resource names: one, every one, or none."""
    if covers(resource, f"database/{database}/{ONE}"):
        return EVERY_COLLECTION
    name = resource.rpartition("/")[2]
    named = covers(resource, f"database/{database}/{name}")
    return name if named and not name.startswith(SYSTEM) else None
