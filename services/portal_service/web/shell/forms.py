"""Forms: the values that people typed, and the fault beside each field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flask import request

from lockbox.contracts.fields import KeyField
from lockbox.errors import Conflict, Fault, LockboxError
from lockbox.ids import new_id
from portal_service.web.wording import faults
from portal_service.web.wording.refusals import refusal

KEY = "idempotency_key"
LONGEST_DURATION, LONGEST_MOMENT = 80, 40
"""Characters of a duration and a moment that are read; a longer text goes to the services, which refuse it."""
DURATION = re.compile(
    r"(?:(?P<days>\d{1,9})\s?d(?:ays?)?\s?)?"
    r"(?:(?P<hours>\d{1,9})\s?h(?:ours?|rs?)?\s?)?"
    r"(?:(?P<minutes>\d{1,9})\s?m(?:in(?:ute)?s?)?\s?)?"
    r"(?:(?P<seconds>\d{1,9})\s?s(?:ec(?:ond)?s?)?)?",
    re.ASCII,
)
CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)", re.ASCII)
LOCAL_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?", re.ASCII)


@dataclass(frozen=True)
class Form:
    """The typed values, the key that makes a form count once if it is sent twice, and the faults."""

    typed: Mapping[str, str]
    key: str
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""

    @classmethod
    def fresh(cls, **typed: str) -> "Form":
        """Return a form with these values, not sent yet."""
        return cls(typed, new_id())

    @classmethod
    def sent(cls) -> "Form":
        """Return the form of this web request; a field that came several times, as boxes do, has a line for each."""
        typed = {name: "\n".join(texts).replace("\r\n", "\n") for name, texts in request.form.lists()}
        key = typed.pop(KEY, "")
        return cls(typed, key if KeyField.pattern.fullmatch(key) else new_id())

    def text(self, name: str) -> str:
        """Return the value of a field without spaces around it."""
        return self.typed.get(name, "").strip()

    def ticks(self, name: str, value: str) -> bool:
        """Tell whether a box is ticked: as it was sent; a box that the form did not have yet is ticked."""
        return f"asked_{name}" not in self.typed or value in as_lines(self.text(name))

    def changed(self, problem: str, untick: str = "") -> "Form":
        """Return the form with its values but one, after its subject has changed; sent again it is another command."""
        typed = {name: text for name, text in self.typed.items() if name != untick}
        return replace(self, typed=typed, problem=problem, key=new_id())

    def wrong(self, name: str, text: str) -> "Form":
        """Return the form with its values, and a fault beside one field."""
        return replace(self, faults={**self.faults, name: (text,)})

    def refused(self, error: LockboxError) -> "Form":
        """Return the form with its values and its faults; after a conflict it is another command, with another key."""
        wrong: dict[str, tuple[str, ...]] = {}
        for fault in error.faults:
            name = field_of(fault)
            wrong[name] = (*wrong.get(name, ()), faults.explain(fault))
        problem = "" if wrong else refusal(error.code, error.message, error.params)
        return replace(self, faults=wrong, problem=problem, key=new_id() if isinstance(error, Conflict) else self.key)


def field_of(fault: Fault) -> str:
    """Return the form's field that a fault is about."""
    return faults.path(fault)[0]


def as_lines(text: str) -> list[str]:
    """Return the lines that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def as_list(text: str) -> list[str]:
    """Return the items between commas or spaces."""
    return re.findall(r"[^\s,;]+", text)


def as_duration(text: str) -> str:
    """Return ISO 8601 for `4h`, `1h 30m`, `90 minutes` or `1:30`; anything else as it is, for the services to judge."""
    typed = text.strip().lower()
    if len(typed) > LONGEST_DURATION:
        return typed.upper()
    typed = " ".join(typed.split())
    clock, spelled = CLOCK.fullmatch(typed), DURATION.fullmatch(typed)
    if clock:
        return f"PT{clock[1]}H{clock[2]}M"
    if not typed or not spelled:
        return typed.upper()
    days, hours, minutes, seconds = (int(count or 0) for count in spelled.groups())
    return f"P{days}DT{hours}H{minutes}M{seconds}S"


def as_moment(text: str) -> str | None:
    """Return RFC 3339 for a date and time in UTC as browsers send it; None for nothing; anything else as it is."""
    typed = text.strip()
    local = LOCAL_MOMENT.fullmatch(typed) if len(typed) <= LONGEST_MOMENT else None
    return f"{local[1]}T{local[2]}{local[3] or ':00'}Z" if local else typed or None


def as_count(text: str) -> int | str:
    """Return a whole number; anything else as it is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text  # noqa: PLR2004 - an int of 32 bits
