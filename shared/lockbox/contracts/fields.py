"""Types of the fields of messages, each with the rule that its values obey on the wire.

Use them as annotations: `duration: Duration`. Durations are ISO 8601 (`PT4H`), timestamps RFC 3339 in UTC with
microseconds (`2026-01-31T09:30:00.000000Z`, so that they sort as text).
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any

import isodate
from marshmallow import fields

from lockbox.contracts.rules import TextPattern, longest, of_input, violation
from lockbox.contracts.text_rules import Prose, one_address, one_reading, open_text, visible
from lockbox.values import names
from lockbox.values.resources import PATTERN
from lockbox.values.timestamps import YEARS, format_timestamp, parse_timestamp

MAX_DURATION_TEXT = 40
DURATION = re.compile(
    r"P(?=[0-9T])(?:[0-9]+W|(?:[0-9]+(?:[.,][0-9]+)?D)?"
    r"(?:T(?=[0-9])(?:[0-9]+(?:[.,][0-9]+)?H)?(?:[0-9]+(?:[.,][0-9]+)?M)?(?:[0-9]+(?:[.,][0-9]+)?S)?)?)\Z"
)
"""A duration of fixed length (ISO 8601): weeks, or days and a time; a month or a year is no fixed length."""


@lru_cache(maxsize=4_096)
def format_duration(duration: timedelta) -> str:
    """Return a duration as ISO 8601, such as `PT4H`."""
    return str(isodate.duration_isoformat(duration))


@lru_cache(maxsize=4_096)
def parse_duration(text: str) -> timedelta:
    """Read an ISO 8601 duration of fixed length; raise ValueError for years, months and anything else."""
    if len(text) > MAX_DURATION_TEXT or not DURATION.match(text.removeprefix("-")):
        raise ValueError(text)
    try:
        duration = isodate.parse_duration(text)
    except (isodate.ISO8601Error, ArithmeticError) as error:
        raise ValueError(text) from error
    if not isinstance(duration, timedelta):
        raise ValueError(text)
    return duration


class TimestampField(fields.Field[datetime]):
    """An RFC 3339 moment with its offset."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else format_timestamp(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            moment = parse_timestamp(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise violation("not_a_timestamp") from error
        if moment.year not in YEARS:
            raise violation("year_out_of_range", first=YEARS[0], last=YEARS[-1])
        return moment


@of_input
def whole_seconds(duration: timedelta) -> None:
    """Raise the violation of a duration that has a part of a second, which is shown nowhere."""
    if duration.microseconds:
        raise violation("not_whole_seconds")


class DurationField(fields.Field[timedelta]):
    """An ISO 8601 duration of fixed length, in whole seconds."""

    def __init__(self, *, validate: Any = (), **kwargs: Any) -> None:
        rules = validate if isinstance(validate, list | tuple) else [validate]
        super().__init__(validate=[whole_seconds, *rules], **kwargs)

    json_schema = MappingProxyType({"pattern": DURATION.pattern, "maxLength": MAX_DURATION_TEXT})

    def _serialize(self, value: timedelta | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else format_duration(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> timedelta:
        try:
            return parse_duration(value)
        except (ValueError, TypeError) as error:
            raise violation("not_a_duration") from error


class TextField(fields.String):
    """A string with a rule."""

    rule: Any = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"validate": self.rule, **kwargs})


class JustificationField(TextField):
    """The justification of a request: text for people."""

    rule = (Prose(1, 4000), visible, open_text)


class CommentField(TextField):
    """A comment on an operation; may be empty."""

    rule = (Prose(0, 2000), open_text)


class TitleField(TextField):
    """A title that people give to a thing: one line of text."""

    rule = (Prose(1, 80), TextPattern(r"[^\r\n\t]*\Z", "several_lines"), one_reading)


class NameField(TextField):
    """The name of a tenant: a DNS label."""

    pattern = names.TENANT
    rule = TextPattern(pattern, "not_a_tenant_name")


class ResourceField(TextField):
    """Content, as `kind/name`: one item, or a pattern of items; `lockbox.values.resources` matches them.

    Segments are letters, digits and `. _ @ + -`, none of them `.` or `..`. In a pattern a segment may be `*`, and the
    last one `**`.
    """

    rule = (longest(512), TextPattern(PATTERN, "not_a_resource"))


class ActionField(TextField):
    """An action on a resource."""

    rule = TextPattern(names.ACTION, "not_an_action")


EMAIL = r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}\Z"


class EmailField(TextField):
    """The address of a person, compared in lower case."""

    rule = (TextPattern(EMAIL, "not_an_email"), one_address)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return text.lower() if isinstance(text, str) else text


class UuidField(TextField):
    """An identifier in the canonical text form of RFC 9562."""

    pattern = names.UUID
    rule = TextPattern(pattern, "not_a_uuid")


class KeyField(TextField):
    """An Idempotency-Key: 1 to 255 printable ASCII characters."""

    pattern = re.compile(r"[\x21-\x7e]{1,255}\Z")
    rule = TextPattern(pattern, "not_an_idempotency_key")


class FlagField(fields.Boolean):
    """True or false; no number or text counts as one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise violation("not_true_or_false")
        return value


LARGEST_COUNT = 2**53
DIGITS = re.compile(r"-?(?:0|[1-9][0-9]{0,15})", re.ASCII)


class NumberField(fields.Integer):
    """A whole number, also as its digits, as a query has it; no other text, fraction or boolean counts as one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        number = int(value) if isinstance(value, str) and DIGITS.fullmatch(value) else value
        if not isinstance(number, int) or isinstance(number, bool) or abs(number) >= LARGEST_COUNT:
            raise violation("not_a_whole_number")
        return number


class CountField(fields.Integer):
    """A whole number; no text, fraction or boolean counts as one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= LARGEST_COUNT:
            raise violation("not_a_whole_number")
        return value


Timestamp = Annotated[datetime, TimestampField]
Duration = Annotated[timedelta, DurationField]
Justification = Annotated[str, JustificationField]
Comment = Annotated[str, CommentField]
Title = Annotated[str, TitleField]
TenantName = Annotated[str, NameField]
Resource = Annotated[str, ResourceField]
Action = Annotated[str, ActionField]
Email = Annotated[str, EmailField]
Uuid = Annotated[str, UuidField]
IdempotencyKey = Annotated[str, KeyField]
Flag = Annotated[bool, FlagField]
Count = Annotated[int, CountField]
