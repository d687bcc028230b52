"""`lockbox`: sign in, ask, decide, use a grant, revoke, settle the policy, read the trail."""

import sys

import typer

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
from lockbox.cli.session import CommandError

ASK, DECIDE, ACCESS, GUARD, GOVERN = "Asking", "Deciding", "Access", "Enforcing", "Policy, record and operation"

app = typer.Typer(
    name="lockbox",
    help="Ask for access to a customer's content, decide on it, use it, end it, and read what happened.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("login")(sign_in.login)
app.command("logout")(sign_in.logout)
app.command("request", rich_help_panel=ASK)(request.request)
app.command("list", rich_help_panel=ASK)(request.list_requests)
app.command("show", rich_help_panel=ASK)(request_view.show)
app.command("answer", rich_help_panel=ASK)(request.answer)
app.command("cancel", rich_help_panel=ASK)(request.cancel)
app.command("queue", rich_help_panel=DECIDE)(decision.queue)
app.command("approve", rich_help_panel=DECIDE)(decision.approve)
app.command("deny", rich_help_panel=DECIDE)(decision.deny)
app.command("ask", rich_help_panel=DECIDE)(decision.ask_back)
app.add_typer(break_glass.app, name="break-glass", rich_help_panel=DECIDE)
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
app.add_typer(policy.app, name="policy", rich_help_panel=GOVERN)
app.command("audit", rich_help_panel=GOVERN)(audit.audit)
app.command("usage", rich_help_panel=GOVERN)(usage.usage)
app.add_typer(ops.app, name="ops", rich_help_panel=GOVERN)


def main() -> None:
    """Run the command; what it can't do is said on standard error, with exit code 1."""
    try:
        app()
    except CommandError as error:
        sys.stderr.write(f"lockbox: {error}\n")
        sys.exit(1)
