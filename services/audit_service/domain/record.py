"""A record: an event as it was published, with the digest of its bytes."""

from dataclasses import dataclass
from datetime import datetime

from lockbox.contracts.events import Event
from lockbox.contracts.fields import Timestamp
from lockbox.crypto.canonical import digest
from lockbox.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class Record:
    """One event on record; `payload` is the text that `digest` is the SHA-256 of."""

    event: Event
    payload: str
    digest: str
    recorded_at: Timestamp

    @classmethod
    def of(cls, event: Event, body: bytes, now: datetime) -> "Record":
        """Put an event on record."""
        return cls(event=event, payload=body.decode(), digest=digest(body), recorded_at=now)

    def contradiction(self, known_digest: str) -> Invalid | None:
        """A refusal if the event that is on record under this id says something else."""
        if self.digest == known_digest:
            return None
        return Invalid(
            "event_contradicts_record",
            f"event {self.event.id} is on record with digest {known_digest}, and came again with {self.digest}",
        )
