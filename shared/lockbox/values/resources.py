"""Resource patterns: their matches and overlaps.

A resource is a path of at least two segments, such as `mailbox/alice`. In a pattern the segment `*` stands for exactly
one segment of any name, and a last segment `**` for one or more. Everything else stands for itself, letter by letter:
case counts, nothing is decoded or normalised, and there are no other wildcards. A resource without wildcards is the
pattern of itself alone.
"""

import re
from functools import lru_cache

ONE, REST = "*", "**"
NO_DOTS = r"(?!.*(?:^|/)\.{1,2}(?:/|\Z))"
SEGMENT = r"[A-Za-z0-9._@+-]+"
ITEM = re.compile(rf"{NO_DOTS}{SEGMENT}(?:/{SEGMENT})+\Z")
PATTERN = re.compile(rf"{NO_DOTS}(?:{SEGMENT}|\*)(?:/(?:{SEGMENT}|\*))*/(?:{SEGMENT}|\*\*?)\Z")


def is_item(resource: str) -> bool:
    """Return whether it names one item, in plain letters: no wildcard, escape or empty segment."""
    return ITEM.match(resource) is not None


def is_pattern(resource: str) -> bool:
    """Return whether it names more than one item."""
    return ONE in resource


def covers(pattern: str, resource: str) -> bool:
    """Return whether the pattern matches everything that `resource`, an item or a pattern, matches."""
    if not is_pattern(pattern):
        return pattern == resource
    wanted, named = _segments(pattern), _segments(resource)
    if wanted[-1] == REST:
        wanted = wanted[:-1]
        if len(named) <= len(wanted):
            return False
        named = named[: len(wanted)]
    return len(wanted) == len(named) and all(map(_segment_covers, wanted, named))


def overlap(one: str, other: str) -> bool:
    """Return whether there can be an item that both patterns match."""
    left, right = _segments(one), _segments(other)
    for mine, theirs in zip(left, right, strict=False):
        if REST in (mine, theirs):
            return True
        if mine != theirs and ONE not in (mine, theirs):
            return False
    return len(left) == len(right)


@lru_cache(maxsize=8_192)
def _segments(resource: str) -> tuple[str, ...]:
    return tuple(resource.split("/"))


def _segment_covers(wanted: str, named: str) -> bool:
    return wanted == named or (wanted == ONE and named != REST)
