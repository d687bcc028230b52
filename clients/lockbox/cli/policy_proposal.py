"""`lockbox policy diff`, `agree`, `reject`: the differences of a document, and the proposal of an administrator."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lockbox.cli.arguments import Tenant
from lockbox.cli.output import Comment, Json, cell, say, show_json
from lockbox.cli.policy_document import DIFFERENT, read_document
from lockbox.cli.policy_view import show_differences
from lockbox.cli.session import CommandError, Document, post, read

Seen = Annotated[str | None, typer.Argument(help="The digest of the proposal; if left out, it is shown first.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def diff(
    tenant: Tenant,
    file: Annotated[
        Path | None, typer.Option(help="A policy, as JSON; - for standard input. If left out, the proposal.")
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 if something differs.")] = False,
    as_json: Json = False,
) -> None:
    """Check a policy, and show its differences from the one in force; nothing is changed.

    Exit code: 0, be there differences or not; with --exit-code, 3 if there are; 1 if the policy can't be in force, or
    on any other error.
    """
    settings = read_document(file) if file else _proposed(tenant)["settings"]
    found = _compare(tenant, settings)
    if as_json:
        show_json(found)
    else:
        show_differences(found)
        say(f"Digest: {found['digest']}")
    if exit_code and found["differences"]:
        raise typer.Exit(DIFFERENT)


def agree(tenant: Tenant, digest: Seen = None, comment: Comment = "", yes: Yes = False, as_json: Json = False) -> None:
    """Agree to the policy that another administrator proposed; it is in force at once."""
    seen = _confirmed(tenant, "agree", yes, as_json) if digest is None else digest
    changed = _decide(tenant, "agree", seen, comment)
    if as_json:
        show_json(changed)
    else:
        say(f"Version {changed['version']} of {tenant}'s policy is in force.")


def reject(tenant: Tenant, digest: Seen = None, comment: Comment = "", yes: Yes = False, as_json: Json = False) -> None:
    """Reject the policy that is proposed; the one in force stays."""
    seen = _confirmed(tenant, "reject", yes, as_json) if digest is None else digest
    kept = _decide(tenant, "reject", seen, comment)
    if as_json:
        show_json(kept)
    else:
        say(f"Rejected. Version {kept['version']} of {tenant}'s policy stays in force.")


def _decide(tenant: str, decision: str, digest: str, comment: str) -> Any:
    body = {"decision": decision, "digest": digest, "comment": comment}
    return post(f"/tenants/{tenant}/policy/proposal", body)


def _confirmed(tenant: str, decision: str, yes: bool, as_json: bool) -> str:
    """Return the digest of the proposal, after it was shown and the decision was confirmed."""
    proposal = _proposed(tenant)
    if not yes:
        if as_json:
            raise CommandError("with --json, give the digest of what is proposed, or --yes")
        say(f"Proposed by {proposal['proposed_by']}, {cell(proposal['proposed_at'])}:")
        _show_change(tenant, proposal["settings"])
        typer.confirm(f"{decision.capitalize()}?", abort=True, err=True)
    return str(proposal["digest"])


def _show_change(tenant: str, settings: Document) -> None:
    try:
        show_differences(_compare(tenant, settings))
    except CommandError as refused:  # what can't be in force any more can still be rejected
        say(f"It can't be in force: {refused}")


def _compare(tenant: str, settings: Document) -> Any:
    return post(f"/tenants/{tenant}/policy/diff", settings)


def _proposed(tenant: str) -> Any:
    proposal = read(f"/tenants/{tenant}/policy")["proposal"]
    if proposal is None:
        raise CommandError(f"nothing is proposed for {tenant}")
    return proposal
