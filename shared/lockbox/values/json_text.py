"""JSON text that every reader understands alike: I-JSON (RFC 7493).

A name that an object has twice, a number without end and half of a surrogate pair are read one way by one program and
another way by the next, so they are refused here.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lockbox.errors import Invalid
from lockbox.faults import Expected

REPEATED, ENDLESS, HALF = map(Expected, ("repeated", "not_finite", "half_characters"))
ESCAPED_SURROGATE = "\\ud"


@dataclass(frozen=True)
class _Flaw:
    """A value that two readers can understand differently; it stands in the place of that value."""

    expected: Expected
    received: tuple[str, ...] = ()
    name: str = ""


def read_json(text: str | bytes) -> Any:
    """Read JSON, as UTF-8; raise ValueError for other text, `Invalid` with the field if it can be read in two ways."""
    whole = text if isinstance(text, str) else text.decode()
    reader = _Reader()
    value = json.loads(
        whole, object_pairs_hook=reader.object, parse_constant=reader.constant, parse_float=reader.number
    )
    if reader.flawed or ESCAPED_SURROGATE in whole.lower():
        for path, flaw in _flaws(value, ()):
            raise _refusal(path, flaw)
    return value


def is_whole(text: str) -> bool:
    """Return whether every character is whole: no half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


class _Reader:
    """Makes the values of one text, and notes whether one is flawed."""

    def __init__(self) -> None:
        self.flawed = False

    def object(self, pairs: list[tuple[str, Any]]) -> Any:
        """Return an object, or its flaw if a name comes twice."""
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        names = Counter(name for name, _ in pairs)
        return self._note(_Flaw(REPEATED, name=max(names, key=names.__getitem__)))

    def constant(self, name: str) -> Any:
        """Return the flaw of NaN or Infinity."""
        return self._note(_Flaw(ENDLESS, (name,)))

    def number(self, digits: str) -> Any:
        """Return a number with a fraction or an exponent, or its flaw if it is too large for any reader."""
        number = float(digits)
        return number if math.isfinite(number) else self._note(_Flaw(ENDLESS, (digits,)))

    def _note(self, flaw: _Flaw) -> _Flaw:
        self.flawed = True
        return flaw


def _flaws(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], _Flaw]]:
    if isinstance(value, _Flaw):
        yield (*path, value.name) if value.name else path, value
    elif isinstance(value, str) and not is_whole(value):
        yield path, _Flaw(HALF)
    for name, below in _parts(value):
        if not is_whole(name):
            yield (*path, name), _Flaw(HALF)
        yield from _flaws(below, (*path, name))


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    """Return the parts of an object or a list with their names in a path."""
    if isinstance(value, dict):
        return value.items()
    return ((str(number), below) for number, below in enumerate(value)) if isinstance(value, list) else ()


def _refusal(path: tuple[str, ...], flaw: _Flaw) -> Invalid:
    """Return the refusal that names the field; text is not shown again, as it can be a secret."""
    field = ".".join(path).encode(errors="backslashreplace").decode() or "body"
    fault = flaw.expected.fault(field, *flaw.received)
    message = f"{field}: expected {flaw.expected.text}{''.join(f', got {text}' for text in flaw.received)}"
    if flaw.expected is REPEATED:
        return Invalid("repeated_field", message, [fault])
    first = field.split(".")[0]
    return Invalid(f"invalid_{first if first.isidentifier() and first.isascii() else 'body'}", message, [fault])
