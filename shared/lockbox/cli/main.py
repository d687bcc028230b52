"""`lockbox`: sign in, ask, decide, revoke, read the trail."""

import sys

import typer

from lockbox.cli import audit, grants, ops, policy, requests, signing_in
from lockbox.cli.session import CommandError

app = typer.Typer(
    name="lockbox",
    help="Ask for access to a customer's content, decide on it, end it, and read what happened.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("login")(signing_in.login)
app.command("logout")(signing_in.logout)
app.command("request")(requests.request)
app.command("list")(requests.list_requests)
app.command("show")(requests.show)
app.command("approve")(requests.approve)
app.command("deny")(requests.deny)
app.command("cancel")(requests.cancel)
app.command("grants")(grants.list_grants)
app.command("token")(grants.token)
app.command("revoke")(grants.revoke)
app.command("complete")(grants.complete)
app.add_typer(policy.app, name="policy")
app.command("audit")(audit.audit)
app.add_typer(ops.app, name="ops")


def main() -> None:
    """Run the command; what it can't do is said on standard error, with exit code 1."""
    try:
        app()
    except CommandError as error:
        sys.stderr.write(f"lockbox: {error}\n")
        sys.exit(1)
