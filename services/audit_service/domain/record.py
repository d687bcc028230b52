"""A record: an event as it was published, with the digest of its bytes."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from lockbox.contracts.events import OWNED, Event
from lockbox.contracts.fields import Timestamp
from lockbox.crypto.canonical import digest
from lockbox.errors import Invalid
from lockbox.values.json_text import read_json

ADDED = ("digest", "recorded_at", "foreign")
"""The names that a record adds to an event, so that no event may carry them."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One event on record; `payload` is the text that `digest` is the SHA-256 of."""

    event: Event
    payload: str
    digest: str
    recorded_at: Timestamp

    @classmethod
    def of(cls, event: Event, body: bytes, now: datetime) -> "Record":
        """Return the record of an event; raises `Invalid` for one that could not be handed through as text."""
        _require_portable(body)
        return cls(event=event, payload=body.decode(), digest=digest(body), recorded_at=now)

    @property
    def key(self) -> str:
        """The key of the record: an id counts for its source alone, so that no service can take another's."""
        return f"{self.event.source}/{self.event.id}"

    @property
    def foreign(self) -> bool:
        """Whether the event's source does not own its type by contract."""
        return (self.event.source, self.event.type) not in OWNED

    def contradiction(self, known_digest: str) -> Invalid | None:
        """Return a refusal if another event is on record under this id."""
        if self.digest == known_digest:
            return None
        return Invalid(
            "event_contradicts_record",
            f"event {self.event.id} is on record with digest {known_digest}, and came again with {self.digest}",
        )


def _require_portable(body: bytes) -> None:
    """Raise `Invalid` for an event that readers of JSON do not agree on, or with a name that the record adds.

    The text of an event is part of an answer. A number without end, half a character, a name that comes twice or a
    thousand levels in one event would make the whole page of records unreadable.

    A text that comes out the same when it is read and written has none of these. So has every event of a service of
    Lockbox, and `read_json` takes ten times as long.
    """
    try:
        document = orjson.loads(body)
        if orjson.dumps(document, option=orjson.OPT_SORT_KEYS) != body:
            read_json(body)
    except (ValueError, TypeError, RecursionError, Invalid) as error:
        raise Invalid("event_not_portable", f"expected JSON that every reader can read: {error}") from error
    for name in ADDED:
        if name in document:
            raise Invalid("event_name_reserved", f"{name}: expected no field of this name in an event")
