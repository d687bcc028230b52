"""Rules of fields: marshmallow's validators, with a code and parameters in place of their English."""

from collections.abc import Callable, Mapping, Sequence
from re import Pattern
from types import MappingProxyType
from typing import Any, TypeVar

from marshmallow import ValidationError, validate

from lockbox.faults import Expected

Rule = TypeVar("Rule", bound=Callable[[Any], Any])


def violation(code: str, **params: Any) -> ValidationError:
    """Return the error of a value that breaks a rule."""
    return _violation(Expected(code, **params))


def of_input(rule: Rule) -> Rule:
    """Mark a rule as one of input alone: an event that an earlier version wrote need not keep it."""
    rule.of_input = True  # type: ignore[attr-defined]
    return rule


class Coded:
    """A mixin for a validator of marshmallow: its error carries a code and parameters."""

    expected: Expected
    json_schema: Mapping[str, Any] = MappingProxyType({})
    """The rule as JSON Schema, where apispec does not know it."""

    def __call__(self, value: Any) -> Any:
        """Return the value; raise ValidationError if it breaks the rule."""
        try:
            return super().__call__(value)  # type: ignore[misc]
        except ValidationError as error:
            raise _violation(self.expected) from error


class TextPattern(Coded, validate.Regexp):
    """A regular expression that the text matches from its beginning."""

    def __init__(self, pattern: str | Pattern[str], code: str, **params: Any) -> None:
        super().__init__(pattern)
        self.expected = Expected(code, **params)


class Size(Coded, validate.Length):
    """The bounds of a length, both included; `least` is None where the least is not told to readers of the schema."""

    def __init__(self, least: int | None, most: int, expected: Expected) -> None:
        super().__init__(least, most)
        self.expected = expected


class Bounds(Coded, validate.Range):
    """The bounds of a whole number, both included."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)
        self.expected = Expected("out_of_range", least=least, most=most)


class Choice(Coded, validate.OneOf):
    """One of several values."""

    def __init__(self, choices: tuple[Any, ...]) -> None:
        super().__init__(choices)
        self.expected = Expected("not_one_of", choices=list(choices))


class SomeDistinct:
    """A list that names at least one thing, at most `most`, and none twice."""

    def __init__(self, most: int, of: str) -> None:
        self.most, self.of = most, of

    def __call__(self, items: Sequence[Any]) -> None:
        """Raise ValidationError for a list that breaks the rule."""
        if not 1 <= len(items) <= self.most:
            raise violation("wrong_count", least=1, most=self.most, of=self.of)
        if len(set(items)) != len(items):
            raise violation("not_distinct", of=self.of)

    @property
    def json_schema(self) -> Mapping[str, Any]:
        """The rule as JSON Schema."""
        return {"minItems": 1, "maxItems": self.most, "uniqueItems": True}


def longest(most: int) -> Size:
    """Return the rule of a text of at most `most` characters."""
    return Size(None, most, Expected("too_long", most=most))


def count(least: int, most: int, of: str) -> Size:
    """Return the rule of a list of `least` to `most` things."""
    return Size(least, most, Expected("wrong_count", least=least, most=most, of=of))


def at_most(most: int, of: str) -> Size:
    """Return the rule of a list that may be empty."""
    return Size(None, most, Expected("too_many", most=most, of=of))


def _violation(expected: Expected) -> ValidationError:
    return ValidationError([expected])
