"""Narrowing: an approver takes away from the terms asked for, and never adds."""

from dataclasses import replace
from datetime import datetime, timedelta

from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.fields import format_duration
from lockbox.contracts.request.terms import AccessTerms
from lockbox.errors import invalid
from lockbox.faults import Expected
from lockbox.values.resources import covers
from lockbox.values.timestamps import format_timestamp

LATEST_START = timedelta(days=30)


def narrow(terms: AccessTerms, changes: Changes, now: datetime) -> AccessTerms:
    """Return the terms with changes taken away; raises `Invalid` for a change that would add."""
    if changes.duration is not None:
        terms = _shorter(terms, changes.duration)
    if changes.resources is not None:
        terms = _fewer_resources(terms, changes.resources)
    if changes.actions is not None:
        terms = _fewer_actions(terms, changes.actions)
    return terms if changes.starts_at is None else _later(terms, changes.starts_at, now)


def only_shorter(terms: AccessTerms, changes: Changes) -> AccessTerms:
    """Return the terms of an extension with a shorter duration; nothing else of it can change."""
    for name in ("resources", "actions", "starts_at"):
        if getattr(changes, name) is not None:
            raise invalid(f"changes.{name}", Expected("not_changeable"), getattr(changes, name))
    return terms if changes.duration is None else _shorter(terms, changes.duration)


def _shorter(terms: AccessTerms, duration: timedelta) -> AccessTerms:
    if duration > terms.duration:
        longer = Expected("longer_than_asked", most=format_duration(terms.duration))
        raise invalid("changes.duration", longer, format_duration(duration))
    return replace(terms, duration=duration)


def _fewer_resources(terms: AccessTerms, resources: tuple[str, ...]) -> AccessTerms:
    for number, resource in enumerate(resources):
        if not any(covers(asked, resource) for asked in terms.resources):
            expected = Expected("not_of_resources", resources=list(terms.resources))
            raise invalid(f"changes.resources.{number}", expected, resource, "wider_than_asked")
    return replace(terms, resources=resources)


def _fewer_actions(terms: AccessTerms, actions: tuple[str, ...]) -> AccessTerms:
    for number, action in enumerate(actions):
        if action not in terms.actions:
            expected = Expected("not_one_of", choices=list(terms.actions))
            raise invalid(f"changes.actions.{number}", expected, action, "wider_than_asked")
    return replace(terms, actions=actions)


def _later(terms: AccessTerms, starts_at: datetime, now: datetime) -> AccessTerms:
    earliest = max(now, terms.starts_at or now)
    if not earliest <= starts_at <= now + LATEST_START:
        expected = Expected("start_out_of_range", earliest=format_timestamp(earliest), days=LATEST_START.days)
        raise invalid("changes.starts_at", expected, format_timestamp(starts_at), "earlier_than_asked")
    return replace(terms, starts_at=starts_at)
