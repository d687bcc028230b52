"""`lockbox policy`: read, test and change a tenant's policy."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lockbox.cli import policy_proposal, policy_trial, session
from lockbox.cli.app import App
from lockbox.cli.arguments import Tenant
from lockbox.cli.output import Json, say, show_json
from lockbox.cli.policy_document import change, read_document, settings_of
from lockbox.cli.policy_view import say_proposed, show_policy
from lockbox.cli.session import CommandError, read

app = App(help="Read a tenant's policy, test it with a request, and change it.", no_args_is_help=True)


def get(
    tenant: Tenant,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the settings alone, to keep and to `put --file`.")
    ] = False,
) -> None:
    """Show a tenant's policy, and the proposed change if there is one."""
    policy = read(f"/tenants/{tenant}/policy")
    if as_json:
        show_json(settings_of(policy))
    else:
        show_policy(policy)


def put(
    tenant: Tenant,
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Settings to change, as name=value or break_glass.allowed=true; lists as JSON."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="A whole policy, as JSON such as `get --json` prints; - for standard input."),
    ] = None,
    if_version: Annotated[int | None, typer.Option(help="Only if this version is in force.")] = None,
    as_json: Json = False,
) -> None:
    """Change a tenant's policy: some settings, or all of it from a file. Under four eyes, propose the change."""
    if (file is None) == (not settings):
        raise CommandError("give either settings, as in require_approval=false, or --file")
    path = f"/tenants/{tenant}/policy"
    body = change(read(path), settings or []) if file is None else read_document(file)
    if if_version is not None:
        body["version"] = if_version
    _report(session.put(path, body), as_json)


def schema() -> None:
    """Print the JSON schema of a policy, for editors and checks."""
    show_json(read("/schemas/policy"))


def _report(policy: Any, as_json: bool) -> None:
    if as_json:
        show_json(policy)
    elif policy["proposal"]:
        say(f"Version {policy['version']} of {policy['tenant']}'s policy stays in force for now.")
        say_proposed(policy)
    else:
        say(f"Version {policy['version']} of {policy['tenant']}'s policy is in force.")


app.command("get")(get)
app.command("put")(put)
app.command("diff")(policy_proposal.diff)
app.command("test")(policy_trial.trial)
app.command("agree")(policy_proposal.agree)
app.command("reject")(policy_proposal.reject)
app.command("schema")(schema)
