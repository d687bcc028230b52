"""Values of events in words: moments, stages, groups, limits, people."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.policy.document import Group, StagePlan
from lockbox.values.scope import named_all
from portal_service.web.wording import words


def person(actor: str) -> str:
    """Return the name of an actor: the address of a person, `Lockbox` for one of its services."""
    return "Lockbox" if actor.endswith("_service") else actor


def utc(moment: datetime) -> str:
    """Return a moment to the minute, with its time zone."""
    return f"{words.minute(moment)} UTC"


def joined(names: Sequence[str]) -> str:
    """Return names in text, also if there are none."""
    return words.listed(names or ["nobody"])


def stages(plans: Iterable[StagePlan]) -> str:
    """Return the names of stages, in the order in which they decide."""
    return ", then ".join(plan.name for plan in plans) or "nobody"


def groups(needed: Iterable[Group]) -> str:
    """Return the groups of a stage, each with the number of its approvals."""
    return " and ".join(f"{group.approvals} of {group.name}" for group in needed)


def reasons(why: Iterable[str]) -> str:
    """Return the reasons of a policy, with their durations in words."""
    return "; ".join(words.spoken_within(reason) for reason in why)


def roles(codes: Iterable[str]) -> str:
    """Return roles in words."""
    return ", ".join(code.replace("_", " ") for code in codes)


def narrowed(changes: Changes) -> str:
    """Return the limits that an approver set below the terms of the request."""
    limits = (
        f"for {words.spoken(changes.duration)}" if changes.duration is not None else "",
        f"from {utc(changes.starts_at)}" if changes.starts_at is not None else "",
        f"only {named_all(changes.resources, len(changes.resources))}" if changes.resources is not None else "",
        f"only to {', '.join(changes.actions)}" if changes.actions is not None else "",
    )
    return ", ".join(limit for limit in limits if limit)
