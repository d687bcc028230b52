"""Answers of several services to one question of an operator."""

from collections.abc import Iterable

from lockbox.cli.session import CommandError, Document


def require_all(found: Document, faults: Iterable[str] = ()) -> None:
    """Raise `CommandError` if a service did not answer, or for other faults."""
    silent = [f"{one['service']} did not answer: {one['detail']} [{one['code']}]" for one in found["silent"]]
    if lines := [*silent, *faults]:
        raise CommandError("\n  ".join(lines))
