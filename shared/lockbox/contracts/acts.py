"""An act: somebody does something, at a moment, and can be known again when the same command comes twice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockbox.contracts import wire
from lockbox.contracts.events import Cause
from lockbox.crypto.canonical import canonical, digest


@dataclass(frozen=True)
class Act:
    """Why and when a document changes and, for a command, how to know it again: who sent it, its key and its digest."""

    cause: Cause
    now: datetime
    key: str | None = None
    digest: str | None = None

    @classmethod
    def of(cls, cause: Cause, command: Any, now: datetime) -> "Act":
        """The act of a command: its key counts for this caller and this kind of command alone."""
        body = {name: value for name, value in wire.encode(command).items() if name != "idempotency_key"}
        return cls(
            cause=cause,
            now=now,
            key=f"{cause.actor} {command.method} {command.idempotency_key}",
            digest=digest(canonical(body)),
        )
