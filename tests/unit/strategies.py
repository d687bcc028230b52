"""Hypothesis strategies for every message of the contracts, made of its own annotations."""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import EnumType
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from lockbox.contracts import fields as wire_fields
from lockbox.contracts.calls import EVERY
from lockbox.contracts.events import FACTS
from lockbox.contracts.grant import terms as grant
from lockbox.contracts.listeners import SOURCES
from lockbox.contracts.policy import document as policy
from lockbox.contracts.policy import local_time
from lockbox.contracts.registry import OPERATIONS
from lockbox.contracts.request.terms import PatternField, ServiceRequestField

EVERY_FACT = [kind for kind in FACTS.values() if kind.__module__.startswith("lockbox.")]
EVERY_CALL = OPERATIONS
EVERY_ADDRESS = [
    (service, call)
    for call in EVERY_CALL
    for service in ([each for each in SOURCES if each != "portal_service"] if call.service == EVERY else [call.service])
]

PROSE = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=30)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
SAFE_INTEGERS = st.integers(0, 2**53 - 1)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - see timezones


def _whole(least: timedelta, most: timedelta) -> SearchStrategy[timedelta]:
    """Durations of whole seconds."""
    bounds = int(least.total_seconds()), int(most.total_seconds())
    return st.integers(*bounds).map(lambda seconds: timedelta(seconds=seconds))


DURATIONS = st.integers(1, 400 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
JSON = st.recursive(
    st.none() | st.booleans() | SAFE_INTEGERS | PROSE,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=5,
)

OF_FIELD: dict[type, SearchStrategy[Any]] = {
    wire_fields.TimestampField: MOMENTS,
    wire_fields.DurationField: DURATIONS,
    wire_fields.JustificationField: PROSE.map(lambda text: f"{text}."),
    wire_fields.CommentField: PROSE,
    wire_fields.NameField: WORDS,
    wire_fields.TitleField: WORDS,
    wire_fields.ResourceField: st.lists(WORDS, min_size=2, max_size=3).map("/".join),
    wire_fields.ActionField: WORDS,
    wire_fields.EmailField: st.tuples(WORDS, WORDS).map(lambda parts: f"{parts[0]}@{parts[1]}.example"),
    wire_fields.UuidField: st.uuids().map(str),
    wire_fields.KeyField: WORDS,
    wire_fields.FlagField: st.booleans(),
    wire_fields.CountField: st.integers(1, 10),
    grant.ThumbprintField: st.text("abcXYZ019-_", min_size=43, max_size=43),
    policy.MemberField: st.sampled_from(policy.MemberField.roles) | WORDS.map(lambda name: f"{name}@contoso.example"),
    local_time.TimeOfDayField: st.times().map(lambda time: f"{time:%H:%M}") | st.just("24:00"),
    local_time.TimeZoneField: st.sampled_from(["UTC", "Europe/Berlin", "Mars/Phobos"]),
    local_time.LocalTimeField: MOMENTS.map(lambda moment: f"{moment:%Y-%m-%dT%H:%M}"),
    ServiceRequestField: SAFE_INTEGERS.map(lambda number: f"SR-{number % 10**12}"),
    PatternField: st.from_regex(PatternField.rule.regex, fullmatch=True),
}
WITH_BOUNDS: dict[str, SearchStrategy[Any]] = {
    "request_lifetime": _whole(timedelta(seconds=1), timedelta(days=7)),
    "maximum_duration": _whole(timedelta(seconds=1), timedelta(hours=24)),
    "default_duration": _whole(timedelta(seconds=1), timedelta(hours=24)),
    "maximum_total": _whole(timedelta(seconds=1), timedelta(days=7)),
    "BreakGlass.duration": _whole(timedelta(minutes=1), timedelta(hours=4)),
    "limit": st.integers(1, 200),
    "cursor": st.none() | WORDS,
    "ListRecords.type": st.none() | st.sampled_from(sorted({type_ for _, type_, _ in FACTS})),
}
PLAIN: dict[Any, SearchStrategy[Any]] = {
    str: PROSE,
    int: SAFE_INTEGERS,
    bool: st.booleans(),
    NoneType: st.none(),
    Any: JSON,
}


@cache
def messages(kind: type) -> SearchStrategy[Any]:
    """Messages of this kind, with and without what may be left out."""
    hints = get_type_hints(kind, include_extras=True)
    given: dict[str, SearchStrategy[Any]] = {}
    for field in fields(kind):
        bounded = WITH_BOUNDS.get(f"{kind.__name__}.{field.name}", WITH_BOUNDS.get(field.name))
        values = _values(hints[field.name]) if bounded is None else bounded
        given[field.name] = values if field.default is MISSING else values | st.just(field.default)
    return st.builds(kind, **given)


def _values(hint: Any) -> SearchStrategy[Any]:
    if hint in PLAIN:
        return PLAIN[hint]
    make = OF_ORIGIN.get(get_origin(hint))
    return make(get_args(hint)) if make else _of_class(hint)


def _tuples(arguments: tuple[Any, ...]) -> SearchStrategy[Any]:
    if arguments[-1] is not Ellipsis:
        return st.tuples(*map(_values, arguments))
    unique_by = None if is_dataclass(arguments[0]) else repr
    return st.lists(_values(arguments[0]), min_size=1, max_size=3, unique_by=unique_by).map(tuple)


def _of_class(hint: Any) -> SearchStrategy[Any]:
    if isinstance(hint, EnumType):
        return st.sampled_from(list(hint))
    assert is_dataclass(hint), f"no strategy for {hint!r}; say in {__name__} what its values are"
    return messages(hint)


OF_ORIGIN: dict[Any, Callable[[tuple[Any, ...]], SearchStrategy[Any]]] = {
    Annotated: lambda arguments: OF_FIELD[arguments[1]],
    Union: lambda arguments: st.one_of(*map(_values, arguments)),
    UnionType: lambda arguments: st.one_of(*map(_values, arguments)),
    Literal: st.sampled_from,
    tuple: _tuples,
    dict: lambda arguments: st.dictionaries(WORDS, _values(arguments[1]), max_size=3),
}
