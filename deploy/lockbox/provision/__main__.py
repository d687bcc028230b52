"""`python -m lockbox.provision files|database|accounts`: the preparation that docker-compose.yml runs first.

`python -m lockbox.provision addon` is for an operator who adds a service of their own.
"""

import json
import os
import re
import secrets
from pathlib import Path
from typing import Annotated

import typer

from lockbox.contracts.events import FACTS, Fact
from lockbox.provision.accounts import describe_accounts
from lockbox.provision.broker import addon_definitions
from lockbox.provision.compose import DATABASE, ROOT, Addresses, Deployment
from lockbox.provision.database import provision_database
from lockbox.provision.files import write_private
from lockbox.provision.secrets import ADMIN, SERVICES

RESERVED = (*SERVICES, ADMIN, "rpc", "amq")
"""Beginnings of names on the broker that belong to Lockbox or to the broker itself."""

app = typer.Typer(add_completion=False, help="Prepare a deployment in containers.", no_args_is_help=True)
Root = Annotated[Path, typer.Option(help="The folder that the volumes are mounted in.")]
Tls = Annotated[bool, typer.Option(envvar="LOCKBOX_TLS", help="Reach RabbitMQ and MongoDB over TLS alone.")]


@app.command()
def files(root: Root = ROOT, tls: Tls = False) -> None:
    """Write secrets, configuration and accounts for the addresses in the environment; existing secrets stay."""
    Deployment(root, tls).write(Addresses.of(os.environ))


@app.command()
def database(
    address: Annotated[str, typer.Option(help="The address of MongoDB from here.")] = "127.0.0.1:27017",
    member: Annotated[str, typer.Option(help="The address of MongoDB for the services.")] = DATABASE,
    root: Root = ROOT,
    tls: Tls = False,
) -> None:
    """Initiate the replica set and create the users of MongoDB, unless they exist."""
    deployment = Deployment(root, tls)
    provision_database(address, deployment.secrets.database, member=member, ca_file=deployment.ca_file)


@app.command()
def accounts(
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
    root: Root = ROOT,
) -> None:
    """Show the addresses and the accounts of the demo."""
    known = Deployment(root).accounts
    if as_json:
        typer.echo(json.dumps(known, indent=2, sort_keys=True))
        return
    typer.echo(describe_accounts(known))
    typer.echo(f"Messages arrive at {known['mail']}, unless a mail server of yours takes them.")


@app.command()
def addon(
    name: Annotated[str, typer.Argument(help="The service, as it calls itself.")],
    events: Annotated[list[str], typer.Argument(help="The events that it reads, such as grant_revoked.")],
    password_file: Annotated[Path, typer.Option(help="The file of its password; created if it does not exist.")],
) -> None:
    """Print the definitions of a broker user for a service that you add, to be imported with rabbitmqctl."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in RESERVED:
        raise typer.BadParameter(f"expected small letters, digits and _, and no name of Lockbox's, got {name!r}")
    kinds = [_kind(event) for event in events]
    if not password_file.exists():
        write_private(password_file, secrets.token_urlsafe(24))
    made = addon_definitions(name, password_file.read_text().strip(), kinds)
    typer.echo(json.dumps(made, indent=2))


def _kind(event: str) -> type[Fact]:
    found = {kind.type: kind for kind in FACTS.values()}.get(event)
    if found is None:
        raise typer.BadParameter(f"there is no event {event!r}")
    return found


if __name__ == "__main__":
    app()
