"""The users of the product's MongoDB that are made for grants, their roles, and their running operations.

A user is kept in this service's own database, and marked in `customData`. Its rights are in a role of the same name in
each database that it may touch: roles over several are kept in `admin`, and who may make those may make everything.
Roles go first and the user last, so that what a killed process leaves undone can do nothing, and is found.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from examples.mongodb_guard.domain import OWN_DATABASE, Right, Rights, grant_of
from examples.mongodb_guard.settings import settings
from lockbox.errors import Conflict
from lockbox.runtime.host.settings import Config
from lockbox.runtime.process.waiting import Patience
from lockbox.runtime.storage.mongo import Document

USER_NOT_FOUND, ROLE_NOT_FOUND, ROLE_EXISTS, USER_EXISTS = 11, 31, 51002, 51003
OURS = re.compile(r"lockbox-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIMEOUTS: dict[str, Any] = {"serverSelectionTimeoutMS": 5_000, "connectTimeoutMS": 5_000, "socketTimeoutMS": 7_000}
OPERATIONS_END_WITHIN_SECONDS = 1.0
AT_ONCE: dict[str, Any] = {"writeConcern": {"w": 1}}
"""The write concern of removals: a removal that a new primary undoes is found and repeated."""

log = structlog.get_logger(__name__)


class Access:
    """Opens and closes users of one MongoDB, in some of its databases."""

    def __init__(self, uri: str, databases: Iterable[str]) -> None:
        self._uri = uri
        self._client: MongoClient[Document] = MongoClient(uri, **TIMEOUTS)
        self._own = self._client[OWN_DATABASE]
        self._databases = [self._client[name] for name in databases]
        self._members: dict[Any, MongoClient[Document]] = {}

    def found(self) -> dict[str, Rights]:
        """The users that are there, whole or in part, each with all that it can do."""
        found: dict[str, set[Right]] = {}
        for user in self._own.command("usersInfo", 1, filter={"customData.lockbox": {"$exists": True}})["users"]:
            foreign = [role for role in user["roles"] if role["role"] != user["user"]]
            found[user["user"]] = {Right(role["db"], "", role["role"]) for role in foreign}
        for database in self._databases:
            for role in database.command("rolesInfo", 1, showPrivileges=True)["roles"]:
                if OURS.fullmatch(role["role"]):
                    found.setdefault(role["role"], set()).update(_rights(role))
        return {user: frozenset(held) for user, held in found.items()}

    def open(self, user: str, held: Rights, password: str) -> None:
        """Create a user with these rights; raises `Conflict` if another login or a user to be removed exists."""
        databases = sorted({right.database for right in held})
        try:
            for database in databases:
                privileges = [_privilege(right) for right in held if right.database == database]
                self._client[database].command("createRole", user, privileges=privileges, roles=[])
            roles = [{"role": user, "db": database} for database in databases]
            mark = {"lockbox": {"grant_id": grant_of(user)}}
            self._own.command("createUser", user, pwd=password, roles=roles, customData=mark)
        except OperationFailure as error:
            if error.code in (ROLE_EXISTS, USER_EXISTS, ROLE_NOT_FOUND):
                raise Conflict("busy", "this user is being opened or closed; try again") from error
            raise

    def close(self, *users: str) -> None:
        """Revoke the rights of users, end their operations, remove them; operations that go on wait for the next call.

        All rights go first, so that no user keeps rights while another user's operation is waited for.
        """
        for user in filter(OURS.fullmatch, users):  # a role of another name is somebody else's
            for database in self._databases:
                with _unless(ROLE_NOT_FOUND):
                    database.command("dropRole", user, **AT_ONCE)
        for user in users:
            self._remove(user)

    def _remove(self, user: str) -> None:
        if not all([self._ended(server, user) for server in self._servers()]):
            log.warning("operations_may_still_run", user=user)
            return
        with _unless(USER_NOT_FOUND):
            self._own.command("dropUser", user, **AT_ONCE)
            log.info("closed", user=user)

    def _servers(self) -> Iterator[Database[Document]]:
        """`admin` of each server of the replica set with data: sessions and operations are each server's own."""
        parsed = parse_uri(self._uri)
        shared = {key: value for key, value in parsed["options"].items() if key.lower() != "replicaset"}
        for node in self._client.nodes - self._client.arbiters:
            if node not in self._members:
                own = {"username": parsed["username"], "password": parsed["password"], "directConnection": True}
                self._members[node] = MongoClient(*node, **shared | own | TIMEOUTS)
            yield self._members[node].admin

    def _ended(self, server: Database[Document], user: str) -> bool:
        """Return whether no operation of a user runs on a server; false for a server that does not answer."""
        try:
            return self._end(server, user)
        except PyMongoError as error:
            log.warning("not_ended", user=user, error=str(error)[:300])
            return False

    def _end(self, server: Database[Document], user: str) -> bool:
        """End sessions with their cursors and transactions, then operations outside of sessions; whether all ended.

        Until a secondary has heard that the rights are gone, something new could begin there.
        """
        patience = Patience(OPERATIONS_END_WITHIN_SECONDS)
        while True:
            may_begin = self._has_role(server, user)
            with _unless(USER_NOT_FOUND):
                server.command("killAllSessions", [{"user": user, "db": OWN_DATABASE}])
            running = self._running(server, user)
            for operation in running:
                server.command("killOp", op=operation)
            if not may_begin and not running:
                return True
            if not patience():
                return False

    def _has_role(self, server: Database[Document], user: str) -> bool:
        if not OURS.fullmatch(user):
            return False
        known = server.client[OWN_DATABASE].command("usersInfo", user)["users"]
        return any(role["role"] == user for one in known for role in one["roles"])

    def _running(self, server: Database[Document], user: str) -> list[Any]:
        of_user = {"effectiveUsers": {"user": user, "db": OWN_DATABASE}}
        operations = server.aggregate([{"$currentOp": {"allUsers": True}}, {"$match": of_user}])
        return [operation["opid"] for operation in operations]


def access(config: Config) -> Access:
    """The access to the MongoDB that `MONGO` names, for the databases of the settings."""
    databases = [database for own in settings(config).databases.values() for database in own]
    return Access(config["MONGO"]["uri"], databases)


def _rights(role: Document) -> Iterator[Right]:
    for privilege in role["inheritedPrivileges"]:
        resource = privilege["resource"]
        for action in privilege["actions"]:
            yield Right(resource.get("db", "*"), resource.get("collection", "*"), action)


def _privilege(right: Right) -> Document:
    return {"resource": {"db": right.database, "collection": right.collection}, "actions": [right.action]}


@contextmanager
def _unless(code: int) -> Iterator[None]:
    """Ignore the error for a user that does not exist any more."""
    try:
        yield
    except OperationFailure as error:
        if error.code != code:
            raise
