"""Events as lines of a history.

Events of every version stay on record. An event that has no sentence, or whose data are not as its contract says,
shows its type: nothing on record can make a page fail.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from lockbox.contracts import wire
from lockbox.contracts.events import Fact
from lockbox.contracts.plain_text import DISGUISING
from lockbox.errors import Invalid
from portal_service.web.wording.event_values import person
from portal_service.web.wording.line import Line
from portal_service.web.wording.sentences import SENTENCES
from portal_service.web.wording.words import plain


def _by_type() -> Mapping[str, list[type[Fact]]]:
    kinds: dict[str, list[type[Fact]]] = defaultdict(list)
    for kind in sorted(SENTENCES, key=lambda kind: -kind.dataversion):
        kinds[kind.type].append(kind)
    return kinds


KINDS = _by_type()
"""The kinds of facts of each type, the latest version first."""


def line(type_: str, actor: str, data: Mapping[str, Any]) -> Line:
    """Return one event in words."""
    for fact in _readings(type_, data):
        worded = SENTENCES[type(fact)](fact, person(actor))
        return Line(_printable(worded.sentence), _printable(worded.comment), worded.tone)
    return Line(_printable(plain(type_)))


def foreign_line(source: str) -> Line:
    """Return the words for an event of a type that its source does not own: it vouches for nothing that it says."""
    return Line(_printable(f"Foreign event: {source} published it and does not own this type."), "", "bad")


def _readings(type_: str, data: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield the facts that the data can be: of a version that has exactly these fields first."""
    for tolerant in (False, True):
        for kind in KINDS.get(type_, ()):
            try:
                yield wire.decode(kind, data, tolerant=tolerant)
            except Invalid:
                continue


def _printable(text: str) -> str:
    return DISGUISING.sub("\N{REPLACEMENT CHARACTER}", text)
