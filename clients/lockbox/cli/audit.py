"""`lockbox audit`: the records of a tenant."""

from typing import Annotated

import typer

from lockbox.cli.output import Json, show_json, show_rows
from lockbox.cli.session import Document, ask, load_session

COLUMNS = (("TIME", "time"), ("EVENT", "event"), ("BY", "actor"), ("ABOUT", "subject"), ("SHA-256", "digest"))


def audit(
    tenant: Annotated[str, typer.Argument(help="The tenant; `vendor` for the vendor's own records.")],
    event_type: Annotated[str | None, typer.Option("--type", help="Only this type, such as access_granted.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only events of this person or service.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only events about this request or grant.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Only events from this moment on, as RFC 3339.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Only events before this moment, as RFC 3339.")] = None,
    newest_first: Annotated[bool, typer.Option(help="The newest first.")] = False,
    limit: Annotated[int, typer.Option(help="The size of a page.")] = 200,
    every: Annotated[bool, typer.Option("--all", help="All pages, not only the first.")] = False,
    as_json: Json = False,
) -> None:
    """List a tenant's audit records, oldest first."""
    session = load_session()
    given = {"type": event_type, "actor": actor, "subject": subject, "from": start, "to": end, "limit": limit}
    params = {name: value for name, value in given.items() if value is not None} | {"newest_first": newest_first}
    page = ask(session, "GET", f"/tenants/{tenant}/audit", params=params)
    records = page["items"]
    while every and page["next_cursor"]:
        page = ask(session, "GET", f"/tenants/{tenant}/audit", params=params | {"cursor": page["next_cursor"]})
        records += page["items"]
    if as_json:
        show_json({"items": records, "next_cursor": page["next_cursor"]})
    else:
        show_rows([record | {"event": _event(record)} for record in records], COLUMNS)


def _event(record: Document) -> str:
    """Return the type of an event, and the source of one that does not own the type."""
    return f"{record['type']} (foreign: {record['source']})" if record.get("foreign") else str(record["type"])
