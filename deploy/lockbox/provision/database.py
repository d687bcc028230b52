"""MongoDB's replica set and users: each service reads and writes its own database and no other.

audit_service may add records and read them; it can't change or remove one. In other collections it may write for the
readiness check, and keep the operations and events of its own until they are on record.
"""

import time
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
APPEND_ONLY = "lockbox_audit_append"


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
        _ensure_append_only(client.admin, database_of("audit_service", prefix))
        for service in SERVICES:
            own = database_of(service, prefix)
            role = APPEND_ONLY if service == "audit_service" else {"role": "readWrite", "db": own}
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


def _ensure_append_only(admin: Database[dict[str, Any]], audit: str) -> None:
    append = ["find", "insert", "createCollection", "createIndex", "listIndexes"]
    actions = {
        "records": append,
        "readiness": ["find", "insert", "update", "createCollection"],
        "operations": [*append, "update"],
        "events": [*append, "update"],
    }
    privileges = [
        {"resource": {"db": audit, "collection": collection}, "actions": allowed}
        for collection, allowed in actions.items()
    ]
    _create_or_update(admin, "Role", APPEND_ONLY, privileges=privileges, roles=[])


def _ensure_user(admin: Database[dict[str, Any]], name: str, password: str, roles: list[Any]) -> None:
    _create_or_update(admin, "User", name, pwd=password, roles=roles)


def _create_or_update(admin: Database[dict[str, Any]], what: str, name: str, **options: Any) -> None:
    try:
        admin.command(f"create{what}", name, **options)
    except OperationFailure as error:
        if "already exists" not in str(error):
            raise
        admin.command(f"update{what}", name, **options)
