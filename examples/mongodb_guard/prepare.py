"""`python -m examples.mongodb_guard.prepare`: the user that mongodb_guard works as, in the product's MongoDB.

It can make users in its own database and give them rights in the databases that are named here, and ends sessions and
operations. It reads no content, and it can give nobody rights on `admin` or on a database that is not named.
"""

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from examples.mongodb_guard.domain import OWN_DATABASE
from lockbox.provision.files import write_private

NAME = "mongodb_guard"
ADMIN_URI = "MONGODB_ADMIN_URI"
KEEPS = ["find", "insert", "update", "remove", "createCollection", "createIndex"]
MAKES_USERS = ["createUser", "dropUser", "viewUser"]
GIVES_RIGHTS = ["createRole", "dropRole", "viewRole", "grantRole"]
ENDS = ["killAnySession", "killop", "inprog"]


def prepare(admin: Database[dict[str, Any]], databases: Iterable[str], password: str) -> None:
    """Make the user and its role, or have them fit."""
    privileges = [
        _privilege(KEEPS + MAKES_USERS, db=OWN_DATABASE, collection=""),
        *(_privilege(GIVES_RIGHTS, db=database, collection="") for database in databases),
        _privilege(ENDS, cluster=True),
    ]
    _create_or_update(admin, "Role", privileges=privileges, roles=[])
    _create_or_update(admin, "User", pwd=password, roles=[NAME])


def kept_password(file: Path) -> str:
    """Return the content of a file, after creating it if it is missing."""
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32))
    return file.read_text().strip()


def _privilege(actions: list[str], **resource: Any) -> dict[str, Any]:
    return {"resource": resource, "actions": actions}


def _create_or_update(admin: Database[dict[str, Any]], what: str, **options: Any) -> None:
    try:
        admin.command(f"create{what}", NAME, **options)
    except OperationFailure as error:
        if "already exists" not in str(error):
            raise
        admin.command(f"update{what}", NAME, **options)


def main(
    databases: Annotated[list[str], typer.Argument(help="The databases that grants may open.")],
    password_file: Annotated[Path, typer.Option(help="Where the user's password is; made if it is not there.")],
    uri: Annotated[str, typer.Option(envvar=ADMIN_URI, help="MongoDB, as somebody who may make roles and users.")],
) -> None:
    """Make the user that mongodb_guard works as, or have it fit."""
    with MongoClient[dict[str, Any]](uri) as client:
        prepare(client.admin, databases, kept_password(password_file))


if __name__ == "__main__":
    typer.run(main)
