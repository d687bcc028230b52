"""The act behind a change: cause, time and, for a command, the key and digest that make it idempotent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockbox.contracts import wire
from lockbox.contracts.events import Cause
from lockbox.crypto.canonical import canonical, digest


@dataclass(frozen=True)
class Act:
    """The cause and time of a change; for a command also its idempotency key, with its sender, and its digest."""

    cause: Cause
    now: datetime
    key: str | None = None
    digest: str | None = None

    @classmethod
    def of(cls, cause: Cause, command: Any, now: datetime) -> "Act":
        """Return the act of a command; its key counts for this caller and this operation alone.

        The digest is that of the document that arrived, without the key.
        """
        body = {name: value for name, value in wire.document_of(command).items() if name != "idempotency_key"}
        return cls(
            cause=cause,
            now=now,
            key=f"{cause.actor} {command.method} {command.idempotency_key}",
            digest=digest(canonical(body)),
        )
