"""A line of a history: one event in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lockbox.contracts.events import Fact

EventTone = Literal["good", "bad", "info", "quiet"]


@dataclass(frozen=True)
class Line:
    """One event in words: a sentence, the text that its actor typed, and the colour of the news."""

    sentence: str
    comment: str = ""
    tone: EventTone = "info"


Sentences = Mapping[type[Fact], Callable[[Any, str], Line]]
"""For each kind of fact the function that words it; it takes the fact and the name of its actor."""
