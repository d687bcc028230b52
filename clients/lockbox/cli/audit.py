"""`lockbox audit`: the records of a tenant."""

from typing import Annotated

import typer

from lockbox.cli.arguments import Every, Limit, a_tenant
from lockbox.cli.output import Json, say_more, show_json, show_rows
from lockbox.cli.session import Document, read_list

COLUMNS = (("TIME", "time"), ("EVENT", "event"), ("BY", "actor"), ("ABOUT", "subject"), ("SHA-256", "digest"))


def audit(
    tenant: Annotated[
        str, typer.Argument(help="The tenant; `vendor` for the vendor's own records.", callback=a_tenant)
    ],
    event_type: Annotated[str | None, typer.Option("--type", help="Only this type, such as access_granted.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only events of this person or service.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only events about this request or grant.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Only events from this moment on, as RFC 3339.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Only events before this moment, as RFC 3339.")] = None,
    newest_first: Annotated[bool, typer.Option("--newest-first/--oldest-first", help="The order.")] = True,
    limit: Limit = 200,
    every: Every = False,
    as_json: Json = False,
) -> None:
    """List a tenant's audit records, newest first."""
    given = {"type": event_type, "actor": actor, "subject": subject, "from": start, "to": end, "limit": limit}
    page = read_list(f"/tenants/{tenant}/audit", every=every, newest_first=newest_first, **given)
    if as_json:
        show_json(page)
    else:
        show_rows([record | {"event": _event(record)} for record in page["items"]], COLUMNS)
        say_more(page)


def _event(record: Document) -> str:
    """Return the type of an event, and the source of one that does not own the type."""
    return f"{record['type']} (foreign: {record['source']})" if record.get("foreign") else str(record["type"])
