"""The scope of an access in words, alike on pages, in emails and on the command line."""

from collections.abc import Sequence

from lockbox.values.resources import ONE, REST, is_pattern

MOST_MEANINGS, MOST_NAMES = 3, 5
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
READING = frozenset({"read", "view", "list", "get", "search", "export", "download"})
"""The actions that change nothing; any other counts as one that can."""


def changes(action: str) -> bool:
    """Return whether an action can change something."""
    return action not in READING


def meaning(pattern: str) -> str:
    """Return the meaning of a pattern, such as `everything below mailbox`; of an item, its name."""
    segments = pattern.split("/")
    fixed = _fixed(segments)
    free = segments[len(fixed) :]
    if any(segment not in (ONE, REST) for segment in free):
        below = ", and everything below" if free[-1] == REST else ""
        return f"every item like {'/'.join(segments[: -1 if below else None])}, with any name for each *{below}"
    return _below("/".join(fixed), free) if fixed else _anywhere(free)


def wide_first(resources: Sequence[str]) -> list[str]:
    """Return resources with the patterns first, otherwise in their order."""
    return sorted(resources, key=lambda one: not is_pattern(one))


def named(resource: str) -> str:
    """Return a resource as it is written, a pattern with its meaning."""
    return f"{resource} ({meaning(resource)})" if is_pattern(resource) else resource


def named_all(resources: Sequence[str], most: int = MOST_NAMES) -> str:
    """Return resources as they are written, patterns first and with their meaning, and the number of those left out."""
    first = wide_first(resources)
    more = [f"and {len(first) - most} more"] if len(first) > most else []
    return ", ".join([*map(named, first[:most]), *more])


def scope(resources: Sequence[str]) -> str:
    """Return the scope of an access, such as `2 resources and everything below mailbox`."""
    patterns = [one for one in resources if is_pattern(one)]
    items = len(resources) - len(patterns)
    parts = [_counted(items, "resource")] if items else []
    parts += [meaning(pattern) for pattern in patterns[:MOST_MEANINGS]]
    if len(patterns) > MOST_MEANINGS:
        parts.append(_counted(len(patterns) - MOST_MEANINGS, "more pattern"))
    return joined(parts)


def cautions(resources: Sequence[str], actions: Sequence[str]) -> str:
    """Return the access in words if it needs a second look, as it is wide or can change things; else nothing."""
    counted = actions if any(map(is_pattern, resources)) else list(filter(changes, actions))
    return f"{joined(counted)} {scope(resources)}" if counted else ""


def joined(parts: Sequence[str]) -> str:
    """Return parts in text, such as `read, list and delete`."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _fixed(segments: Sequence[str]) -> list[str]:
    """Return the segments before the first wildcard."""
    number = next((at for at, segment in enumerate(segments) if segment in (ONE, REST)), len(segments))
    return list(segments[:number])


def _below(place: str, free: Sequence[str]) -> str:
    if not free:
        return place
    if free == [REST]:
        return f"everything below {place}"
    if free == [ONE]:
        return f"every item directly below {place}"
    if free[-1] == REST:
        return f"everything at least {NUMBERS.get(len(free), len(free))} levels below {place}"
    return f"every item {NUMBERS.get(len(free), len(free))} levels below {place}"


def _anywhere(free: Sequence[str]) -> str:
    if free == [ONE, REST]:
        return "everything there is"
    if free[-1] == REST:
        return f"every item of at least {NUMBERS.get(len(free), len(free))} segments"
    return f"every item of {NUMBERS.get(len(free), len(free))} segments"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
