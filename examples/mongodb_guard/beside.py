"""`python -m examples.mongodb_guard.beside contoso=orders,invoices ...`: prepares it for the Lockbox of `make up`.

It gets a user on the broker and one in MongoDB, each with just the rights that it needs, and `var/mongodb_guard` with
what it is started with. Done again, it leaves the passwords as they are.
"""

import json
import os
import subprocess
from itertools import chain
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from pymongo import MongoClient

from examples.mongodb_guard.domain import LISTENS_TO
from examples.mongodb_guard.prepare import NAME, kept_password, prepare
from lockbox.embedded import rabbitmq
from lockbox.embedded.ports import choose_ports
from lockbox.embedded.stack import Stack
from lockbox.provision.broker import addon_definitions
from lockbox.provision.environment import ENVIRONMENT, read_environment
from lockbox.provision.files import private_directory, write_private, write_private_json
from lockbox.provision.secrets import ADMIN

RABBITMQCTL = Path(rabbitmq.SERVER).with_name("rabbitmqctl")
HEALTH = f"{NAME}_health"


def beside(stack: Stack, databases: dict[str, list[str]]) -> Path:
    """Prepare it; the folder that it is started with."""
    folder = private_directory(stack.home / NAME)
    broker, database = kept_password(folder / "broker.password"), kept_password(folder / "mongodb.password")
    _admit_to_broker(stack, folder / "broker.json", broker)
    with MongoClient[dict[str, Any]](stack.servers.database_uri(ADMIN, stack.secrets.database)) as client:
        prepare(client.admin, chain(*databases.values()), database)
    environment = _environment(stack, databases) | {
        "MONGODB_GUARD_AMQP_URI": f"amqp://{NAME}:{quote(broker)}@{stack.servers.broker}//",
        "MONGODB_GUARD_MONGO_URI": f"mongodb://{NAME}:{quote(database)}@{stack.servers.database}"
        "/?authSource=admin&replicaSet=rs0",
    }
    write_private(folder / ENVIRONMENT, "".join(f"{name}={value}\n" for name, value in environment.items()))
    return folder


def _admit_to_broker(stack: Stack, file: Path, password: str) -> None:
    write_private_json(file, addon_definitions(NAME, password, LISTENS_TO))
    environment = {**os.environ, **rabbitmq.environment(stack.home / "rabbitmq", stack.ports)}
    command = [str(RABBITMQCTL), "--silent", "import_definitions", str(file)]
    subprocess.run(command, env=environment, check=True)  # noqa: S603 - a command of ours


def _environment(stack: Stack, databases: dict[str, list[str]]) -> dict[str, str]:
    ports = choose_ports(stack.home / "ports.json", more=[NAME, HEALTH])
    return {
        "LOCKBOX_URL": stack.portal_url,
        "LOCKBOX_TOKEN_FILE": str(stack.home / "content_service.token"),
        "MONGODB_GUARD_URL": f"http://127.0.0.1:{ports[NAME]}",
        "MONGODB_GUARD_WEB_ADDRESS": f"127.0.0.1:{ports[NAME]}",
        "MONGODB_GUARD_HEALTH_ADDRESS": f"127.0.0.1:{ports[HEALTH]}",
        "MONGODB_GUARD_DATABASES": json.dumps(databases),
    }


def main(
    databases: Annotated[list[str], typer.Argument(help="Whose databases grants may open: contoso=orders,invoices.")],
    home: Annotated[Path, typer.Option(help="Where `make up` keeps everything.")] = Path("var"),
) -> None:
    """Prepare mongodb_guard for the Lockbox of `make up`, which runs."""
    if not (home / "rabbitmq").is_dir():
        raise SystemExit(f"error: no Lockbox was started in {home}; run `make up` first")
    named = dict(each.split("=", 1) for each in databases)
    folder = beside(Stack(home), {tenant: own.split(",") for tenant, own in named.items()})
    url = read_environment(folder / ENVIRONMENT)["MONGODB_GUARD_URL"]
    typer.echo(f"Once it runs, mongodb_guard is at {url}. Run it: python -m examples.mongodb_guard {folder}")


if __name__ == "__main__":
    typer.run(main)
