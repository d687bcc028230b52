"""The difference between the terms that were asked for and those that can still be granted."""

from collections.abc import Iterator
from dataclasses import dataclass

from lockbox.contracts.request.terms import AccessTerms
from portal_service.usecases import RequestDetails
from portal_service.web.wording import words


@dataclass(frozen=True)
class Narrowed:
    """One of the terms that approvers narrowed: asked for, and left."""

    label: str
    asked: tuple[str, ...]
    left: tuple[str, ...]
    listed: bool = False


def narrowed_terms(request: RequestDetails) -> list[Narrowed]:
    """Return the terms of which less can be granted than was asked for."""
    return list(_differences(request, request.terms)) if request.terms else []


def _differences(asked: AccessTerms, left: AccessTerms) -> Iterator[Narrowed]:
    if left.duration != asked.duration:
        yield Narrowed("Duration", (words.spoken(asked.duration),), (words.spoken(left.duration),))
    if left.starts_at != asked.starts_at:
        yield Narrowed("Access starts", (_start(asked),), (_start(left),))
    if left.resources != asked.resources:
        yield Narrowed("Resources", asked.resources, left.resources, listed=True)
    if left.actions != asked.actions:
        yield Narrowed("Actions", asked.actions, left.actions, listed=True)


def _start(terms: AccessTerms) -> str:
    return f"{words.moment(terms.starts_at)} UTC" if terms.starts_at else "when approved"
