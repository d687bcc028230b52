"""Events: facts in CloudEvents 1.0 envelopes.

A `Fact` is a frozen dataclass in the module of the service that owns it; an `Event` is the envelope. Event ids are
deterministic, so a repeated publish is the same event. See https://github.com/cloudevents/spec, v1.0.2.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID, uuid5

import msgspec

from lockbox.contracts import wire
from lockbox.contracts.fields import LARGEST_COUNT, Count, NameField, TenantName, Timestamp, Uuid, UuidField
from lockbox.crypto.canonical import canonical
from lockbox.errors import Invalid
from lockbox.values.timestamps import format_timestamp

EVENT_IDS = UUID("6f1d7f0c-5b0e-5f0e-9a54-7c1d6d0b4a11")
VENDOR = "vendor"
LARGEST_EVENT = 1024 * 1024

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened. Subclasses are named in the past tense and belong to one `source` service."""

    source: ClassVar[str]
    type: ClassVar[str]
    dataversion: ClassVar[int] = 1
    subject_field: ClassVar[str] = "request_id"

    tenant: TenantName | None

    def __init_subclass__(
        cls, source: str | None = None, subject: str | None = None, *, abstract: bool = False
    ) -> None:
        """Name the type after the class and enter it into the registry, unless it only collects fields."""
        if source is not None:
            cls.source = source
        if subject is not None:
            cls.subject_field = subject
        cls.type = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        if not abstract:
            FACTS[cls.source, cls.type, cls.dataversion] = cls
            OWNED.add((cls.source, cls.type))

    @property
    def subject(self) -> str:
        """The id of the subject: of a request, a grant, a tenant or a member."""
        return str(getattr(self, self.subject_field))

    def latest(self) -> "Fact":
        """The same in the version that this code works with; earlier versions say it in today's words."""
        return self


FACTS: dict[tuple[str, str, int], type[Fact]] = {}
OWNED: set[tuple[str, str]] = set()
"""The types of facts that each source owns by contract: pairs of source and type."""


@dataclass(frozen=True)
class Cause:
    """The cause of a change: the actor, the correlation and, if there was one, the event before it."""

    actor: str
    correlation_id: str
    causation_id: str | None = None


@dataclass(frozen=True)
class Changed(Generic[A]):
    """A new state and the facts that led to it, in their order."""

    state: A
    facts: tuple[Fact, ...] = ()

    def then(self, step: "Callable[[A], Changed[A]]") -> "Changed[A]":
        """Return the result of a further step from the new state, with the facts of both."""
        after = step(self.state)
        return Changed(after.state, self.facts + after.facts)


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact in its envelope.

    `sequence` counts the events of one aggregate from 1; `tenant` is absent for what concerns the vendor alone.
    """

    specversion: str = "1.0"
    id: Uuid
    source: str
    type: str
    time: Timestamp
    subject: str
    datacontenttype: str = "application/json"
    data: dict[str, Any] = field(default_factory=dict)
    tenant: TenantName | None = None
    actor: str
    sequence: Count
    dataversion: Count
    correlationid: str
    causationid: str | None = None

    def payload(self) -> bytes:
        """Return the canonical JSON document that is published, stored and hashed.

        `data` is a document already, and of the envelope nothing but the time is another value in JSON.
        """
        document = {name: value for name, value in vars(self).items() if value is not None}
        return canonical(document | {"time": format_timestamp(self.time)})

    def fact(self) -> Fact:
        """The typed fact, in its latest version.

        Raises `Invalid("unknown_event", ...)` for a type or version that this code does not know.
        """
        kind = FACTS.get((self.source, self.type, self.dataversion))
        if kind is None:
            raise Invalid("unknown_event", f"no contract for {self.source} {self.type} version {self.dataversion}")
        return wire.decode(kind, self.data, tolerant=True).latest()

    def cause(self, actor: str) -> Cause:
        """Return this event as the cause of the next changes by `actor`, a service."""
        return Cause(actor=actor, correlation_id=self.correlationid, causation_id=self.id)


def event_id(source: str, aggregate: str, sequence: int, type_: str) -> str:
    """The deterministic id (RFC 9562, version 5) of the nth event of an aggregate."""
    return str(uuid5(EVENT_IDS, f"{source}/{aggregate}/{sequence}/{type_}"))


def envelop(facts: Iterable[Fact], aggregate: str, after: int, cause: Cause, now: datetime) -> list[Event]:
    """Put facts into envelopes, numbered from `after + 1`."""
    return [
        Event(
            id=event_id(fact.source, aggregate, sequence, fact.type),
            source=fact.source,
            type=fact.type,
            time=now,
            subject=fact.subject,
            data=wire.encode(fact),
            tenant=fact.tenant,
            actor=cause.actor,
            sequence=sequence,
            dataversion=fact.dataversion,
            correlationid=cause.correlation_id,
            causationid=cause.causation_id,
        )
        for sequence, fact in enumerate(facts, start=after + 1)
    ]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = msgspec.json.Decoder(Event)


def read_event(body: bytes) -> Event:
    """Read an envelope from the bytes of a message; raises `Invalid` with the fault."""
    if len(body) > LARGEST_EVENT:
        raise Invalid("too_large", f"expected at most {LARGEST_EVENT} bytes, got {len(body)}")
    return _well_formed(body) or _checked(body)


def _well_formed(body: bytes) -> Event | None:
    """Return the envelope if each field is plainly well formed; None leaves the decision to the schema.

    The schema takes forty times as long, and the audit intake reads every event that there is.
    """
    try:
        event = _decoder.decode(body.decode())  # msgspec itself does not look at the bytes of a name that it skips
        time = format_timestamp(event.time)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, OverflowError):
        return None
    plain = (
        b'"time":"%s"' % time.encode() in body
        and UuidField.pattern.match(event.id)
        and (event.tenant is None or NameField.pattern.match(event.tenant))
        and 0 <= event.sequence < LARGEST_COUNT
        and 0 <= event.dataversion < LARGEST_COUNT
    )
    return event if plain else None


def _checked(body: bytes) -> Event:
    try:
        document = json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid("not_json", f"the body is not JSON: {error}") from error
    return wire.decode(Event, document, tolerant=True)
