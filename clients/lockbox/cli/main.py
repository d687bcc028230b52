"""`lockbox`: requests, decisions, grants, policies, audit records and operations on the command line."""

import sys

from lockbox.cli import (
    audit,
    break_glass,
    decision,
    fetch,
    grant,
    guard,
    key,
    ops,
    policy,
    possession,
    proxy,
    request,
    request_view,
    sign_in,
    usage,
)
from lockbox.cli.app import App
from lockbox.cli.session import CommandError

REQUESTS, DECISIONS, ACCESS, GUARD = "Requests", "Decisions", "Access", "Guard"
ADMINISTRATION = "Policy, audit and operations"

app = App(
    name="lockbox",
    help="Request access to a customer's content, decide on requests, use and end grants, and read the audit records.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("login")(sign_in.login)
app.command("logout")(sign_in.logout)
app.command("request", rich_help_panel=REQUESTS)(request.request)
app.command("list", rich_help_panel=REQUESTS)(request.list_requests)
app.command("show", rich_help_panel=REQUESTS)(request_view.show)
app.command("answer", rich_help_panel=REQUESTS)(request.answer)
app.command("cancel", rich_help_panel=REQUESTS)(request.cancel)
app.command("queue", rich_help_panel=DECISIONS)(decision.queue)
app.command("approve", rich_help_panel=DECISIONS)(decision.approve)
app.command("deny", rich_help_panel=DECISIONS)(decision.deny)
app.command("ask", rich_help_panel=DECISIONS)(decision.ask)
app.add_typer(break_glass.app, name="break-glass", rich_help_panel=DECISIONS)
app.command("grants", rich_help_panel=ACCESS)(grant.list_grants)
app.command("fetch", rich_help_panel=ACCESS)(fetch.fetch)
app.command("proxy", rich_help_panel=ACCESS)(proxy.proxy)
app.command("token", rich_help_panel=ACCESS)(possession.token)
app.command("proof", rich_help_panel=ACCESS)(possession.proof)
app.add_typer(key.app, name="key", rich_help_panel=ACCESS)
app.command("extend", rich_help_panel=ACCESS)(grant.extend)
app.command("complete", rich_help_panel=ACCESS)(grant.complete)
app.command("revoke", rich_help_panel=ACCESS)(grant.revoke)
app.add_typer(guard.app, name="guard", rich_help_panel=GUARD)
app.add_typer(policy.app, name="policy", rich_help_panel=ADMINISTRATION)
app.command("audit", rich_help_panel=ADMINISTRATION)(audit.audit)
app.command("usage", rich_help_panel=ADMINISTRATION)(usage.usage)
app.add_typer(ops.app, name="ops", rich_help_panel=ADMINISTRATION)


def main() -> None:
    """Run the command; an error goes to standard error, with exit code 1."""
    try:
        app()
    except CommandError as error:
        sys.stderr.write(f"lockbox: {error}\n")
        sys.exit(1)
