"""`lockbox usage`: the access that grants allowed, beside the access that was used."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from lockbox.cli.arguments import Every, Limit, Tenant, an_id
from lockbox.cli.output import Json, Row, cell, say, say_more, show_json, show_part, show_texts
from lockbox.cli.session import read

ALLOWED = (
    ("GRANT ID", "grant_id"),
    ("SERVICE REQUEST", "service_request"),
    ("ENGINEER", "engineer"),
    ("STATE", "state"),
    ("FROM", "starts_at"),
    ("UNTIL", "until"),
    ("ACTIONS", "actions"),
    ("RESOURCES", "resources"),
)
USED = (
    ("GRANT ID", "grant_id"),
    ("TIMES", "times"),
    ("FIRST", "first_at"),
    ("LAST", "last_at"),
    ("ACTION", "action"),
    ("RESOURCE", "resource"),
)
REFUSED = (*USED[:-2], ("REASON", "reason"), *USED[-2:])
UNTOUCHED = (("GRANT ID", "grant_id"), ("ACTIONS", "untouched_actions"), ("RESOURCES", "untouched_resources"))


def usage(
    tenant: Tenant,
    grant: Annotated[
        str | None, typer.Option(help="Only this grant, with up to 1,000 lines of its use.", callback=an_id)
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="Only grants from this moment on, as RFC 3339.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Only grants before this moment; by default 30 days.")] = None,
    limit: Limit = 50,
    every: Every = False,
    as_json: Json = False,
) -> None:
    """Show the access that each grant allowed, its uses, and the attempts that were refused."""
    if grant is not None:
        found = read(f"/tenants/{tenant}/usage/{grant}")
        report, grants = found, [found]
    else:
        report = _report(tenant, {"from": start, "to": end, "limit": limit}, every=every)
        grants = report["items"]
    if as_json:
        show_json(report)
        return
    if grant is None:
        _show_head(report)
    if grants:
        _show_grants(grants)
    say_more(report)


def _report(tenant: str, params: dict[str, Any], *, every: bool) -> dict[str, Any]:
    """Return the first page, or all pages in one; further pages are of the same period as the first."""
    report: dict[str, Any] = read(f"/tenants/{tenant}/usage", **params)
    cursor = report["next_cursor"]
    while every and cursor:
        period = {name: report[name] for name in ("from", "to")}
        page = read(f"/tenants/{tenant}/usage", **params | period, cursor=cursor)
        report["items"] += page["items"]
        report["next_cursor"] = cursor = page["next_cursor"]
    return report


def _show_head(report: Row) -> None:
    say(f"Grants given from {cell(report['from'])} to {cell(report['to'])}: {report['grants']}.")
    say(f"Never used: {report['never_used']}.")
    without = report["without_grant"]
    why = ", ".join(f"{because['times']} {because['reason']}" for because in without["reasons"])
    times = f" ({why}; the last one {cell(without['last_at'])})" if without["times"] else ""
    say(f"Refused attempts without a grant: {without['times']}{times}.")


def _show_grants(grants: Sequence[Row]) -> None:
    say("")
    show_texts([{**one, "until": one["ended_at"] or one["ends_at"]} for one in grants], ALLOWED)
    show_part("Used", list(_used(grants)), USED)
    show_part("Granted, but never touched", [one for one in grants if _untouched(one)], UNTOUCHED)
    show_part("Refused", list(_each(grants, "refusals")), REFUSED)
    for one in grants:
        _show_left_out(one)


def _show_left_out(grant: Row) -> None:
    for name, what in (("touched", "used"), ("refusals", "refused")):
        if more := grant[f"{name}_left_out"]:
            say(f"Of grant {grant['grant_id']}, {more} more are {what} less often; see `--grant`, or `audit`.")


def _used(grants: Sequence[Row]) -> Iterator[Row]:
    """Return the uses of grants; a grant without any has a row that says so."""
    for one in grants:
        if one["never_used"]:
            yield {"grant_id": one["grant_id"], "times": "never used"}
        else:
            yield from _each([one], "touched")


def _each(grants: Sequence[Row], name: str) -> Iterator[dict[str, Any]]:
    return ({"grant_id": one["grant_id"], **each} for one in grants for each in one[name])


def _untouched(grant: Row) -> bool:
    """Return whether a grant was used, but not all of it."""
    return not grant["never_used"] and bool(grant["untouched_resources"] or grant["untouched_actions"])
