"""`lockbox policy get`, `lockbox policy put`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from lockbox.cli.output import Json, show_fields, show_json
from lockbox.cli.session import CommandError, ask, load_session

app = typer.Typer(help="Read and change a tenant's policy.", no_args_is_help=True)
FIELDS = (
    ("Tenant", "tenant"),
    ("Version", "version"),
    ("Require approval for all data access requests", "require_approval"),
    ("Request lifetime", "request_lifetime"),
    ("Maximum duration", "maximum_duration"),
    ("Customer quorum", "customer_quorum"),
    ("A denial says why", "comment_on_denial"),
    ("Service request pattern", "service_request_pattern"),
    ("Changed", "changed_at"),
    ("Changed by", "changed_by"),
)
Tenant = Annotated[str, typer.Argument(help="The tenant.")]


@app.command("get")
def get(tenant: Tenant, as_json: Json = False) -> None:
    """Show a tenant's policy."""
    _report(ask(load_session(), "GET", f"/tenants/{tenant}/policy"), as_json)


@app.command("put")
def put(
    tenant: Tenant,
    settings: Annotated[list[str] | None, typer.Argument(help="Settings to change, as name=value.")] = None,
    file: Annotated[Path | None, typer.Option(help="A whole policy, as JSON; - for standard input.")] = None,
    as_json: Json = False,
) -> None:
    """Change a tenant's policy: some settings, or all of it from a file."""
    session = load_session()
    if (file is None) == (not settings):
        raise CommandError("give either settings, as in require_approval=false, or --file")
    if file is not None:
        body = _read(file)
    else:
        body = ask(session, "GET", f"/tenants/{tenant}/policy")
        for setting in settings or []:
            name, _, value = setting.partition("=")
            body[name] = _value(value)
    _report(ask(session, "PUT", f"/tenants/{tenant}/policy", json=body), as_json)


def _read(file: Path) -> Any:
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text()
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} can't be read as JSON: {error}") from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _report(policy: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(policy)
    else:
        show_fields(policy, FIELDS)
