"""`lockbox audit`: the records of a tenant."""

from typing import Annotated

import typer

from lockbox.cli.arguments import Every, Limit, a_tenant, an_id
from lockbox.cli.output import Json, say_end, show_json, show_rows
from lockbox.cli.session import Document, read_list

COLUMNS = (("TIME", "time"), ("EVENT", "event"), ("BY", "actor"), ("ABOUT", "subject"), ("SHA-256", "digest"))


def audit(
    tenant: Annotated[
        str, typer.Argument(help="The tenant; `vendor` for the vendor's own records.", callback=a_tenant)
    ],
    event_type: Annotated[str | None, typer.Option("--type", help="Only this type, such as access_granted.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only events that this person or service made.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only events about this request or grant.")] = None,
    engineer: Annotated[str | None, typer.Option(help="Only events about this engineer, accesses too.")] = None,
    service_request: Annotated[str | None, typer.Option(help="Only events about this support case.")] = None,
    resource: Annotated[str | None, typer.Option(help="Only events about this resource, or one below it.")] = None,
    grant: Annotated[str | None, typer.Option(help="Only events about this grant.", callback=an_id)] = None,
    request: Annotated[str | None, typer.Option(help="Only events about this request.", callback=an_id)] = None,
    start: Annotated[str | None, typer.Option("--from", help="Only events from this moment on, as RFC 3339.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Only events before this moment, as RFC 3339.")] = None,
    newest_first: Annotated[bool, typer.Option("--newest-first/--oldest-first", help="The order.")] = True,
    limit: Limit = 200,
    every: Every = False,
    as_json: Json = False,
) -> None:
    """List a tenant's audit records, newest first."""
    about = {"engineer": engineer, "service_request": service_request, "resource": resource}
    ids = {"grant_id": grant, "request_id": request, "subject": subject}
    given = {"type": event_type, "actor": actor, "from": start, "to": end, "limit": limit, **about, **ids}
    page = read_list(f"/tenants/{tenant}/audit", every=every, newest_first=newest_first, **given)
    if as_json:
        show_json(page)
    else:
        show_rows([record | {"event": _event(record)} for record in page["items"]], COLUMNS)
        say_end(page)


def _event(record: Document) -> str:
    """Return the type of an event, and the source of one that does not own the type."""
    return f"{record['type']} (foreign: {record['source']})" if record.get("foreign") else str(record["type"])
