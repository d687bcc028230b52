"""MongoDB's replica set and users: each service reads and writes documents of its own database and of no other.

No service can drop or rename a collection, or drop or change an index. audit_service may add records and read them; it
can't change or remove one. In other collections it may write for the readiness check, and keep the operations and
events of its own until they are on record. It can't make an index either, as an index with an age
(`expireAfterSeconds`) removes documents: its indexes are made here.
"""

import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, OperationFailure

from lockbox.provision.certificates import CA, SERVER
from lockbox.provision.secrets import ADMIN, SERVICES

ALREADY_INITIALIZED = 23
PRIMARY_WITHIN_SECONDS = 60.0
DOCUMENTS = ["find", "insert", "update", "remove", "killCursors", "createCollection", "createIndex", "listIndexes"]
"""The actions of a service on all collections of its own database."""

APPEND_ONLY = "lockbox_audit_append"
APPENDED = {
    "records": ["find", "insert", "listIndexes"],
    "readiness": ["find", "insert", "update", "createCollection"],
    "operations": ["find", "insert", "update", "listIndexes"],
    "events": ["find", "insert", "update", "listIndexes"],
}
"""The actions of audit_service by collection."""


def tls_options(directory: Path) -> list[str]:
    """Return the options with which mongod takes connections over TLS alone; clients sign in by password."""
    return [
        *("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(directory / SERVER)),
        *("--tlsCAFile", str(directory / CA), "--tlsAllowConnectionsWithoutCertificates"),
    ]


def database_of(service: str, prefix: str = "lockbox") -> str:
    """Return the name of a service's own database."""
    return f"{prefix}_{service.removesuffix('_service')}"


def provision_database(
    host: str,
    passwords: Mapping[str, str],
    prefix: str = "lockbox",
    *,
    member: str | None = None,
    ca_file: Path | None = None,
) -> None:
    """Initiate the replica set at `host` (`name:port`, reached as localhost) and create all users, unless they exist.

    The first call uses MongoDB's localhost exception: until the first user exists, a local client may make it.
    `member` is the name and port for services, where it differs from `host`. With `ca_file` it is reached over TLS.
    """
    tls = {} if ca_file is None else {"tls": True, "tlsCAFile": str(ca_file)}
    with MongoClient[dict[str, Any]](host, directConnection=True, serverSelectionTimeoutMS=90_000, **tls) as client:
        _initiate(client, member or host)
        _await_primary(client)
        _ensure_admin(client, passwords[ADMIN])
    with MongoClient[dict[str, Any]](
        host, directConnection=True, username=ADMIN, password=passwords[ADMIN], authSource="admin", **tls
    ) as client:
        _ensure_audit_indexes(client[database_of("audit_service", prefix)])
        for service in SERVICES:
            role = APPEND_ONLY if service == "audit_service" else f"lockbox_{service}"
            allowed = APPENDED if service == "audit_service" else {"": DOCUMENTS}
            _ensure_role(client.admin, role, database_of(service, prefix), allowed)
            _ensure_user(client.admin, service, passwords[service], [role])


def _initiate(client: MongoClient[dict[str, Any]], member: str) -> None:
    try:
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": [{"_id": 0, "host": member}]})
    except OperationFailure as error:
        if error.code != ALREADY_INITIALIZED and "requires authentication" not in str(error):
            raise


def _await_primary(client: MongoClient[dict[str, Any]]) -> None:
    deadline = time.monotonic() + PRIMARY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            if client.admin.command("hello").get("isWritablePrimary"):
                return
        except ConnectionFailure:
            pass  # it is starting
        time.sleep(0.1)
    raise TimeoutError(f"MongoDB has no primary after {PRIMARY_WITHIN_SECONDS} s")


def _ensure_admin(client: MongoClient[dict[str, Any]], password: str) -> None:
    try:
        client.admin.command("createUser", ADMIN, pwd=password, roles=["root"])
    except OperationFailure as error:
        if "requires authentication" not in str(error) and "not authorized" not in str(error):
            raise


def _ensure_audit_indexes(database: Database[dict[str, Any]]) -> None:
    """Make the collections of audit_service, with their indexes, unless they exist."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Eventlet is in maintenance; none of it runs here
        from audit_service.store import RecordStore
        from audit_service.usage_store import UsageStore
        from lockbox.runtime.ops.operator import OperationStore
        from lockbox.runtime.storage.ledger import Published
    relay: Any = None  # nothing is published here
    for store in (RecordStore, UsageStore, OperationStore):
        store(database, relay).ensure_indexes()
    Published(database).ensure_indexes()


def _ensure_role(admin: Database[dict[str, Any]], name: str, database: str, allowed: Mapping[str, list[str]]) -> None:
    privileges = [
        {"resource": {"db": database, "collection": collection}, "actions": actions}
        for collection, actions in allowed.items()
    ]
    _create_or_update(admin, "Role", name, privileges=privileges, roles=[])


def _ensure_user(admin: Database[dict[str, Any]], name: str, password: str, roles: list[Any]) -> None:
    _create_or_update(admin, "User", name, pwd=password, roles=roles)


def _create_or_update(admin: Database[dict[str, Any]], what: str, name: str, **options: Any) -> None:
    try:
        admin.command(f"create{what}", name, **options)
    except OperationFailure as error:
        if "already exists" not in str(error):
            raise
        admin.command(f"update{what}", name, **options)
