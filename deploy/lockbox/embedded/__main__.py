"""`python -m lockbox.embedded up|down|status [--home var] [--product FILE]`."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lockbox.embedded.plan import Existing, Plan
from lockbox.embedded.stack import Stack, StackError
from lockbox.provision.accounts import describe_accounts

app = typer.Typer(add_completion=False, help="Run Lockbox on this machine.", no_args_is_help=True)
Home = Annotated[Path, typer.Option(help="The home directory.")]
Product = Annotated[Path | None, typer.Option(help="The example product to run beside it.")]


@app.command()
def up(home: Home = Path("var"), product: Product = None) -> None:
    """Start the programs that do not run, and wait until all are ready."""
    try:
        stack = Stack(home, Plan(Existing.of(os.environ), product))
        stack.up(lambda line: typer.echo(f"  {line}"))
    except StackError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    typer.echo(f"The portal is at {stack.portal_url}; the accounts are in {stack.accounts_file}.")


@app.command()
def down(home: Home = Path("var")) -> None:
    """Stop the programs that were started from this home, and no others."""
    Stack(home).down()


@app.command()
def status(home: Home = Path("var")) -> None:
    """Show the state of each program."""
    typer.echo(Stack(home).states())


@app.command()
def accounts(home: Home = Path("var")) -> None:
    """Show the portal's address and the accounts of the demo."""
    stack = Stack(home)
    typer.echo(describe_accounts(json.loads(stack.accounts_file.read_text())))
    typer.echo(
        f"The same is in {stack.accounts_file}; messages arrive in {stack.mail_folder}. `make down` stops it all."
    )


if __name__ == "__main__":
    app()
