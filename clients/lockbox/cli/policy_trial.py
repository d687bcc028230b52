"""`lockbox policy test`: what would happen to a request."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lockbox.cli.output import Json, show_fields, show_json, show_part
from lockbox.cli.policy_document import DIFFERENT, Tenant, read_document
from lockbox.cli.session import Document, post
from lockbox.cli.stages import COLUMNS, group_rows

FIELDS = (
    ("Outcome", "outcome"),
    ("Why", "why"),
    ("Rule", "rule"),
    ("Duration", "duration"),
    ("Under", "under"),
)
WHO = (*COLUMNS, ("WHO COULD DECIDE", "eligible"))


class ExpectedOutcome(StrEnum):
    """What can happen to a request: people decide, or the policy itself says yes or no."""

    DECIDE = "decide"
    APPROVE = "approve"
    DENY = "deny"


def try_out(
    tenant: Tenant,
    request: Annotated[
        Path, typer.Option(help="A request, as JSON, with the fields that POST /requests takes; - for standard input.")
    ],
    file: Annotated[Path | None, typer.Option(help="A policy, as JSON. If left out, the one in force.")] = None,
    requester: Annotated[
        str | None, typer.Option(help="Which engineer asks; one that no rule names if left out.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="When it arrives, as RFC 3339; now if left out.")] = None,
    expect: Annotated[ExpectedOutcome | None, typer.Option(help="Exit with 3 if the outcome is another one.")] = None,
    as_json: Json = False,
) -> None:
    """Show what would happen to a request: by itself, or which stages it would pass and who could decide.

    Nothing happens. Exit code: 0; with --expect, 3 if the outcome is another one; 1 if the policy can't be in force, or
    on any other error.
    """
    given = {"requester": requester, "at": at, "policy": read_document(file) if file else None}
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    body["request"] = {"tenant": tenant, **read_document(request)}
    found = post(f"/tenants/{tenant}/policy/evaluate", body)
    if as_json:
        show_json(found)
    else:
        _show(found, file)
    if expect not in (None, found["outcome"]):
        typer.echo(f"lockbox: expected {expect}, not {found['outcome']}", err=True)
        raise typer.Exit(DIFFERENT)


def _show(found: Document, file: Path | None) -> None:
    under = f"version {found['version']}" if file is None else str(file)
    show_fields({**found, "why": found["why"] or None, "under": under}, FIELDS)
    show_part("Stages", list(group_rows(found["stages"])), WHO)
