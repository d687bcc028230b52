"""Rules and freezes of a policy in words."""

from collections.abc import Callable, Mapping
from typing import Any

from lockbox.contracts.policy.document import DAYS, Condition, Freeze, Hours, Rule
from lockbox.values.scope import named
from portal_service.web.wording import words

FREEZES = {
    "no_access": "no access at all",
    "no_auto_approval": "nothing is approved automatically",
}


def conditions(when: Condition) -> list[str]:
    """Return the conditions of a rule; none means every request."""
    given = ((phrase, getattr(when, name)) for name, phrase in PHRASES.items())
    return [phrase(value) for phrase, value in given if value is not None]


def effect(rule: Rule) -> str:
    """Return the effect of a rule."""
    if rule.then == "add_stage":
        return f"adds the stage “{rule.stage.name}”" if rule.stage else "adds a stage"
    return "denies" if rule.then == "auto_deny" else "gives the customer's consent beforehand"


def freeze(frozen: Freeze) -> str:
    """Return the period of a freeze and its effect."""
    since, until = (moment.replace("T", " ") for moment in (frozen.starts, frozen.ends))
    return f"{since} until {until} ({frozen.time_zone}): {FREEZES[frozen.effect]}"


def _hours(hours: Hours) -> str:
    days = "" if set(hours.days) == set(DAYS) else f" on {', '.join(hours.days)}"
    return f"from {hours.since} to {hours.until}{days} ({hours.time_zone})"


def _any(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


PHRASES: Mapping[str, Callable[[Any], str]] = {
    "reason_codes": lambda codes: f"the reason is {_any([words.reason(code) for code in codes])}",
    "severities": lambda severities: f"the severity is {_any([words.plain(one).lower() for one in severities])}",
    "resources": lambda names: f"resources: {', '.join(map(named, names))}",
    "actions": lambda names: f"actions: {', '.join(names)}",
    "engineers": lambda names: f"engineers: {', '.join(names)}",
    "longer_than": lambda duration: f"longer than {words.spoken(duration)}",
    "at_most": lambda duration: f"at most {words.spoken(duration)}",
    "arrives": lambda hours: f"it arrives {_hours(hours)}",
    "access": lambda hours: f"the access is {_hours(hours)}",
}
