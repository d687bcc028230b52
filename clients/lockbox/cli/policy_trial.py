"""`lockbox policy test`: the outcome of a policy for a request, without sending it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lockbox.cli.arguments import Tenant
from lockbox.cli.output import Json, show_fields, show_json, show_part
from lockbox.cli.policy_document import DIFFERENT, read_document
from lockbox.cli.session import Document, post
from lockbox.cli.stages import COLUMNS, group_rows

FIELDS = (
    ("Outcome", "outcome"),
    ("Reasons", "why"),
    ("Rule", "rule"),
    ("Duration", "duration"),
    ("Under", "under"),
)
STAGES = (*COLUMNS, ("PEOPLE", "eligible"))


class ExpectedOutcome(StrEnum):
    """An outcome of a policy: people decide, or the policy itself approves or denies."""

    DECIDE = "decide"
    APPROVE = "approve"
    DENY = "deny"


def trial(
    tenant: Tenant,
    request: Annotated[
        Path, typer.Option(help="A request, as JSON, with the fields that POST /requests takes; - for standard input.")
    ],
    file: Annotated[Path | None, typer.Option(help="A policy, as JSON. If left out, the one in force.")] = None,
    requester: Annotated[str | None, typer.Option(help="The engineer; one that no rule names if left out.")] = None,
    at: Annotated[str | None, typer.Option(help="The time of the request, as RFC 3339; now if left out.")] = None,
    expect: Annotated[ExpectedOutcome | None, typer.Option(help="Exit with 3 unless this is the outcome.")] = None,
    as_json: Json = False,
) -> None:
    """Show the outcome of a policy for a request: automatic, or the stages and the people of each.

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
    show_part("Stages", list(group_rows(found["stages"])), STAGES)
