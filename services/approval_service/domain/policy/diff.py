"""Differences between two policies, part by part.

Lists of things with names are compared by name, so that a rule that moves up does not make all below it differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lockbox.contracts import wire
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.policy.views import PolicyDifference


def differences(before: PolicySettings, after: PolicySettings) -> tuple[PolicyDifference, ...]:
    """Return every part that differs, with its path, such as `stages[Customer].groups[Approvers].approvals`."""
    documents = (wire.encode(one, PolicySettings) for one in (before, after))
    return tuple(_between("", *documents))


def _between(path: str, before: Any, after: Any) -> Iterator[PolicyDifference]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in (*before, *(name for name in after if name not in before)):
            yield from _between(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    elif _named(before) and _named(after):
        yield from _between_named(path, before, after)
    else:
        yield PolicyDifference(path=path, before=before, after=after)


def _between_named(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[PolicyDifference]:
    old, new = ({one["name"]: one for one in things} for things in (before, after))
    kept = [name for name in old if name in new]
    if kept != [name for name in new if name in old]:
        yield PolicyDifference(path=f"{path} (order)", before=list(old), after=list(new))
    for name in (*old, *(name for name in new if name not in old)):
        yield from _between(f"{path}[{name}]", old.get(name), new.get(name))


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) and "name" in one for one in value)
