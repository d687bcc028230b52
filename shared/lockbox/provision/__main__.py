"""`python -m lockbox.provision files|database|accounts`: what docker-compose.yml runs before everything else."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from lockbox.provision.accounts import describe_accounts
from lockbox.provision.compose import DATABASE, ROOT, Addresses, Deployment
from lockbox.provision.database import provision_database

app = typer.Typer(add_completion=False, help="Prepare a deployment in containers.", no_args_is_help=True)
Root = Annotated[Path, typer.Option(help="The folder that the volumes are mounted in.")]


@app.command()
def files(root: Root = ROOT) -> None:
    """Write secrets, configuration and accounts for the addresses in the environment; what is there stays valid."""
    Deployment(root).write(Addresses.of(os.environ))


@app.command()
def database(
    address: Annotated[str, typer.Option(help="MongoDB, as localhost.")] = "127.0.0.1:27017",
    member: Annotated[str, typer.Option(help="MongoDB, as services find it.")] = DATABASE,
    root: Root = ROOT,
) -> None:
    """Prepare MongoDB, replica set and users, or find it prepared."""
    provision_database(address, Deployment(root).secrets.database, member=member)


@app.command()
def accounts(
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
    root: Root = ROOT,
) -> None:
    """Show where everything is, and the accounts of the demo."""
    known = Deployment(root).accounts
    if as_json:
        typer.echo(json.dumps(known, indent=2, sort_keys=True))
        return
    typer.echo(describe_accounts(known))
    typer.echo(f"Messages arrive at {known['mail']}, unless a mail server of yours takes them.")


if __name__ == "__main__":
    app()
