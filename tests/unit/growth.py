"""Growth of a regular expression's work with its input, found by its structure and without a clock.

A backtracking matcher takes more than linear time when two of its loops can share the same text: there are places
p and q, and a text v, such that v leads from p to p, from p to q, and from q to q (Weber and Seidl, "On the degree of
ambiguity of finite automata", 1991). A search is a match behind a loop over any character. Bounded repetitions count as
unbounded ones, unless they are short: a loop of 64 inside another is slow enough.
"""

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

BEGINNING, END = -2, -1
EDGES = {
    codes.AT_BEGINNING: BEGINNING,
    codes.AT_BEGINNING_STRING: BEGINNING,
    codes.AT_END: END,
    codes.AT_END_STRING: END,
}
SAMPLES = (BEGINNING, END, *range(0x180), 0x061C, 0x0660, 0x2000, 0x2028, 0xD800, 0xFFFD, 0x1F600)
ANYTHING = frozenset(SAMPLES) - {BEGINNING, END}
SHORT = 16
"""Repetitions of at most this many are no loop: they count one by one."""

CATEGORIES = {
    codes.CATEGORY_DIGIT: str.isdigit,
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
    codes.CATEGORY_NOT_DIGIT: lambda one: not one.isdigit(),
    codes.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
    codes.CATEGORY_NOT_WORD: lambda one: not (one.isalnum() or one == "_"),
}


@dataclass(frozen=True)
class Part:
    """A part of an expression: the places that begin it, those that end it, and whether it can be empty."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    empty: bool = True


@dataclass
class Places:
    """The places of an expression (Glushkov's automaton), and the loops that its structure alone makes ambiguous."""

    flags: int
    symbols: list[frozenset[int]] = field(default_factory=list)
    follow: dict[int, set[int]] = field(default_factory=dict)
    ambiguous: bool = False
    looks: list["Places"] = field(default_factory=list)
    accepts: frozenset[int] = frozenset()

    def place(self, symbol: Iterable[int]) -> Part:
        """Add a place for one character of a set."""
        number = len(self.symbols)
        self.symbols.append(frozenset(symbol))
        self.follow[number] = set()
        return Part(frozenset({number}), frozenset({number}), empty=False)

    def then(self, one: Part, other: Part) -> Part:
        """Return one part and then the other."""
        for place in one.last:
            self.follow[place] |= other.first
        first = one.first | (other.first if one.empty else frozenset())
        last = other.last | (one.last if other.empty else frozenset())
        return Part(first, last, one.empty and other.empty)

    def loop(self, part: Part) -> Part:
        """Return a part once or more."""
        for place in part.last:
            self.ambiguous |= part.empty or bool(self.follow[place] & part.first)
            self.follow[place] |= part.first
        return part

    def sequence(self, items: Iterable[Any]) -> Part:
        """Return the part of parsed items, one after the other."""
        whole = Part()
        for operation, argument in items:
            whole = self.then(whole, self.item(operation, argument))
        return whole

    def item(self, operation: Any, argument: Any) -> Part:
        """Return the part of one parsed item."""
        if operation in {codes.MAX_REPEAT, codes.MIN_REPEAT}:
            return self.repeat(*argument)
        if operation is codes.BRANCH:
            parts = [self.sequence(branch) for branch in argument[1]]
            self.ambiguous |= sum(part.empty for part in parts) > 1
            return Part(
                frozenset().union(*(part.first for part in parts)),
                frozenset().union(*(part.last for part in parts)),
                any(part.empty for part in parts),
            )
        if operation is codes.SUBPATTERN:
            return self.group(*argument[1:])
        if operation in {codes.ASSERT, codes.ASSERT_NOT}:
            self.looks.append(places_of(argument[1], self.flags))
            return Part()
        if operation is codes.AT:
            return self.place({EDGES[argument]}) if argument in EDGES else Part()
        return self.place(self.characters(operation, argument))

    def repeat(self, least: int, most: int, items: Any) -> Part:
        """Return the part of a repetition."""
        if most > SHORT:
            part = self.loop(self.sequence(items))
            return Part(part.first, part.last, part.empty or least == 0)
        whole = Part()
        for number in reversed(range(most)):
            whole = self.then(self.sequence(items), whole)
            whole = Part(whole.first, whole.last, whole.empty or number >= least)
        return whole

    def group(self, added: int, removed: int, items: Any) -> Part:
        """Return the part of a group, with its own flags."""
        outside = self.flags
        self.flags = (outside | added) & ~removed
        part = self.sequence(items)
        self.flags = outside
        return part

    def characters(self, operation: Any, argument: Any) -> Iterator[int]:
        """Return the sampled characters that an item matches."""
        for sample in SAMPLES:
            if sample >= 0 and any(one_of(operation, argument, ord(form)) for form in self.forms(chr(sample))):
                yield sample

    def forms(self, character: str) -> set[str]:
        """Return a character as it is, or in both cases."""
        both = {character.lower(), character.upper()} if self.flags & re.IGNORECASE else {character}
        return {form for form in both if len(form) == 1}


def one_of(operation: Any, argument: Any, code: int) -> bool:
    """Tell whether a parsed item matches one character."""
    if operation is codes.IN:
        negated = argument[0][0] is codes.NEGATE
        return negated != any(one_of(*item, code) for item in argument if item[0] is not codes.NEGATE)
    if operation is codes.RANGE:
        return bool(argument[0] <= code <= argument[1])
    if operation is codes.CATEGORY:
        return bool(CATEGORIES[argument](chr(code)))
    return {
        codes.ANY: chr(code) != "\n",
        codes.LITERAL: code == argument,
        codes.NOT_LITERAL: code != argument,
    }[operation]


def places_of(items: Any, flags: int, before: bool = False, whole: bool = False) -> Places:
    """Return the places of a parsed expression: `before` for a search, `whole` for a full match."""
    places = Places(flags)
    part = places.sequence(items)
    if before:
        around = places.loop(places.place(ANYTHING))
        part = places.then(Part(around.first, around.last, empty=True), part)
    if whole:
        part = places.then(part, places.place({END}))
    places.accepts = part.last
    return places


def superlinear(pattern: str | re.Pattern[str], use: str = "match") -> str | None:
    """Return the reason why an expression can take more than linear time, or None."""
    compiled = re.compile(pattern)
    parsed = parser.parse(compiled.pattern, compiled.flags)
    places = places_of(parsed, compiled.flags, use not in {"match", "fullmatch"}, use == "fullmatch")
    return next(filter(None, map(shared_text, (places, *places.looks))), None)


def shared_text(places: Places) -> str | None:
    """Return a loop that is ambiguous, or two that can share a text; a complete match tries nothing again."""
    if places.ambiguous:
        return "a loop can take the same text in several ways"
    reach = {place: reachable(places, place) for place in places.follow}
    looping = [place for place in places.follow if place in reach[place]]
    for p, q in product(looping, looping):
        if p != q and q in reach[p] and q not in places.accepts and shares(places, reach, p, q):
            return f"{shown(places.symbols[p])} and {shown(places.symbols[q])} can take the same text"
    return None


def reachable(places: Places, start: int) -> set[int]:
    """Return the places that can come after one."""
    known: set[int] = set()
    waiting = [start]
    while waiting:
        new = places.follow[waiting.pop()] - known
        known |= new
        waiting += new
    return known


def shares(places: Places, reach: dict[int, set[int]], p: int, q: int) -> bool:
    """Tell whether one text leads from p to p, from p to q, and from q to q."""
    known: set[tuple[int, int, int]] = set()
    waiting = [(p, p, q)]
    while waiting:
        for after in product(*(places.follow[place] for place in waiting.pop())):
            x, y, z = after
            back = p in reach[x] | {x} and q in reach[y] | {y} and q in reach[z] | {z}
            if back and after not in known and places.symbols[x] & places.symbols[y] & places.symbols[z]:
                known.add(after)
                waiting.append(after)
    return (p, q, q) in known


def shown(symbols: frozenset[int]) -> str:
    """Return some of a set's characters."""
    visible = [chr(code) for code in sorted(symbols) if code >= 0 and chr(code) in string.printable]
    return repr("".join(visible[:12]))
