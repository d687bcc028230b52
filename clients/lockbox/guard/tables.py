"""Tables of settings, as TOML has them, read into dataclasses: each field has a rule, and every fault is reported.

A field of the dataclass names its rule in its metadata (`rule`), and with `missing` the text for a table without it. A
rule returns the value to keep, or raises `Unfit`. A field without a default is required; a null counts as not given
where the default is None.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

from lockbox.errors import Fault

LARGEST_COUNT = 2**53
LONGEST_RECEIVED = 120

T = TypeVar("T")
Rule = Callable[[Any], Any]


class Unfit(ValueError):
    """A value that breaks a rule; `faults` names each thing that is wrong, with its place below the value."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault['field']}: expected {fault['expected']}" for fault in faults))
        self.faults = faults


def unfit(expected: str, value: object) -> Unfit:
    """Return the `Unfit` of a single value."""
    fault = Fault(field="", expected=expected)
    if not isinstance(value, Mapping | list):
        fault["received"] = str(value)[:LONGEST_RECEIVED]
    return Unfit([fault])


def below(name: str, faults: Sequence[Fault]) -> Sequence[Fault]:
    """Return the faults with `name` before their places."""
    return [fault | {"field": f"{name}.{fault['field']}" if fault["field"] else name} for fault in faults]


def read_table(kind: type[T], table: object) -> T:
    """Read a table; raises `Unfit` with every fault."""
    if not isinstance(table, Mapping):
        raise unfit("an object", table)
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type] # each kind is a dataclass
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, field in known.items():
        try:
            values |= _read_field(field, table)
        except Unfit as error:
            faults += below(name, error.faults)
    faults += [Fault(field=str(name), expected="no field of this name") for name in table if name not in known]
    if faults:
        raise Unfit(faults)
    return kind(**values)


def text(value: object) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise unfit("a string", value)
    return value


def matching(pattern: str, expected: str) -> Rule:
    """Return the rule of a string that a pattern matches."""
    compiled = re.compile(pattern)

    def rule(value: object) -> str:
        if compiled.match(text(value)) is None:
            raise unfit(expected, value)
        return str(value)

    return rule


def one_of(*choices: str) -> Rule:
    """Return the rule of one of a few strings."""

    def rule(value: object) -> str:
        if value not in choices:
            raise unfit(f"one of {', '.join(choices)}", value)
        return str(value)

    return rule


def flag(value: object) -> bool:
    """Return true or false, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise unfit("true or false", value)
    return value


def count(lowest: int, expected: str) -> Rule:
    """Return the rule of a whole number from `lowest` on."""

    def rule(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= LARGEST_COUNT:
            raise unfit("a whole number", value)
        if value < lowest:
            raise unfit(expected, value)
        return value

    return rule


def seconds(lowest: float, highest: float, expected: str) -> Rule:
    """Return the rule of a number of seconds."""

    def rule(value: Any) -> float:
        if not lowest <= (number := _number(value)) <= highest:
            raise unfit(expected, value)
        return number

    return rule


def list_of(rule: Rule, expected: str) -> Rule:
    """Return the rule of a list with one item at least."""

    def whole(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise unfit("a list", value)
        if not value:
            raise unfit(expected, value)
        return _each(rule, {str(number): item for number, item in enumerate(value)})

    return whole


def texts_by_name(value: object) -> dict[str, str]:
    """Return a table of strings."""
    if not isinstance(value, Mapping):
        raise unfit("an object", value)
    faults = [
        Fault(field=str(name), expected="a string")
        for name, item in value.items()
        if not isinstance(item, str) or not isinstance(name, str)
    ]
    if faults:
        raise Unfit(faults)
    return dict(value)


def _read_field(field: "Field[Any]", table: Mapping[str, object]) -> dict[str, Any]:
    """Return the field's value by its name, or nothing where the table leaves it out."""
    if field.name not in table:
        if field.default is MISSING and field.default_factory is MISSING:
            raise Unfit([Fault(field="", expected=field.metadata.get("missing", "a value"))])
        return {}
    value = table[field.name]
    if value is None:
        if field.default is not None:
            raise unfit("a value, not null", value)
        return {}
    return {field.name: field.metadata["rule"](value)}


def _each(rule: Rule, items: Mapping[str, object]) -> list[Any]:
    values: list[Any] = []
    faults: list[Fault] = []
    for name, item in items.items():
        try:
            values.append(rule(item))
        except Unfit as error:
            faults += below(name, error.faults)
    if faults:
        raise Unfit(faults)
    return values


def _number(value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise unfit("seconds, such as 5 or 0.5", value)
    return number
