"""Paths and names with variables: `{name}` stands for one segment, `{name...}` for one or more of them.

Anything else stands for itself, letter by letter. As segments are filled in whole, and the slashes between them only by
`{name...}`, two different sets of values never make the same text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

VARIABLE = re.compile(r"\{(_?[a-z][a-z0-9_]*)(\.\.\.)?\}\Z")
SEGMENT, SEGMENTS = "[^/]+", "[^/]+(?:/[^/]+)*"
Names = Mapping[str, str]


@dataclass(frozen=True)
class Template:
    """A text of segments with variables."""

    text: str

    @cached_property
    def segments(self) -> Sequence[str]:
        """The segments, as they are written."""
        return self.text.split("/")

    @property
    def variables(self) -> Sequence[str]:
        """The segments that are variables, with their braces."""
        return [segment for segment in self.segments if VARIABLE.match(segment)]

    @property
    def literals(self) -> Sequence[str]:
        """The segments that stand for themselves."""
        return [segment for segment in self.segments if not VARIABLE.match(segment)]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of every text of this template, with a group for each variable."""
        return re.compile("/".join(map(_pattern, self.segments)) + r"\Z")

    def match(self, text: str) -> Names | None:
        """Return the values of the variables, or None for a text that does not match."""
        found = self.pattern.match(text)
        return found and found.groupdict()

    def fill(self, names: Names) -> str:
        """Return the text with these values; raises ValueError where `match` would not give them back."""
        text = "/".join(names[name_of(segment)] if VARIABLE.match(segment) else segment for segment in self.segments)
        if self.match(text) != {name: names[name] for name in map(name_of, self.variables)}:
            raise ValueError(f"{self.text} can't be filled with {dict(names)!r}"[:200])
        return text


def name_of(variable: str) -> str:
    """Return the name in the braces."""
    return variable.strip("{}.")


def _pattern(segment: str) -> str:
    found = VARIABLE.match(segment)
    if found is None:
        return re.escape(segment)
    return f"(?P<{found[1]}>{SEGMENTS if found[2] else SEGMENT})"
