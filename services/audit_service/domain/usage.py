"""Usage of grants: the access that each allowed, beside the accesses made under it, added up from the record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lockbox.contracts import wire
from lockbox.contracts.access import AccessAllowed, AccessDenied
from lockbox.contracts.events import Event
from lockbox.contracts.grant.facts import (
    AccessGranted,
    ExtensionDecided,
    GrantActivated,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
)
from lockbox.contracts.grant.terms import LIVE, GrantState
from lockbox.contracts.usage import AllowedUses, GrantUsage, RefusedUses, Uses
from lockbox.errors import invalid
from lockbox.faults import Expected
from lockbox.values.resources import covers
from lockbox.values.timestamps import format_timestamp

OWNER = AccessGranted.source
"""The one service that may tell of grants and their use."""
ALLOWED, DENIED, GRANTED = AccessAllowed.type, AccessDenied.type, AccessGranted.type
ACCESSES = (ALLOWED, DENIED)
STATES = {
    GrantActivated.type: GrantState.ACTIVE,
    GrantCompleted.type: GrantState.COMPLETED,
    GrantRevoked.type: GrantState.REVOKED,
    GrantExpired.type: GrantState.EXPIRED,
}
LIFE = (*STATES, ExtensionDecided.type)
SHOWN = (
    *("grant_id", "request_id", "tenant", "service_request", "reason_code", "justification"),
    *("resources", "actions", "opened_by", "starts_at"),
)
USUAL_PERIOD, LONGEST_PERIOD = timedelta(days=30), timedelta(days=366)
BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """From `start`, included, to `end`, not included."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: datetime | None, end: datetime | None, now: datetime) -> "Period":
        """Return the period asked for, else the last 30 days; raise `Invalid` if it is empty or longer than a year."""
        end = end or now
        start = start or end - min(USUAL_PERIOD, end - BEGINNING)
        if start >= end:
            raise invalid("to", Expected("not_after_start"), format_timestamp(end), "invalid_to")
        if end - start > LONGEST_PERIOD:
            raise invalid(
                "from", Expected("period_too_long", days=LONGEST_PERIOD.days), format_timestamp(start), "invalid_from"
            )
        return cls(start, end)


@dataclass(frozen=True, kw_only=True)
class Counted(Uses):
    """Accesses under one grant to the same thing in the same way, with the same outcome."""

    grant_id: str
    type: str
    resource: str
    action: str
    reason: str


class Kinds:
    """Accesses of several kinds: all are counted, and the first `most` kinds are kept."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.together = Uses()
        self.kept: list[Counted] = []
        self.left_out = 0

    def add(self, counted: Counted) -> None:
        """Add one kind of accesses."""
        self.together = together([self.together, counted])
        if len(self.kept) < self.most:
            self.kept.append(counted)
        else:
            self.left_out += 1


class Tally:
    """The sums of one grant's usage; it keeps no more than the report shows.

    Of the kinds touched and of those refused the first `most` are kept; so it has to count those that came most
    often first.
    """

    def __init__(self, granted: Event, most: int) -> None:
        self._granted, self._fact = granted, _access_granted(granted)
        self._last, self._ends_at = granted, self._fact.ends_at
        self._touched, self._refused = Kinds(most), Kinds(most)
        self._resources: Sequence[str] = self._fact.resources
        self._actions: Sequence[str] = self._fact.actions

    def follow(self, event: Event) -> None:
        """Take in an event of the grant's life: it opens, is extended, ends."""
        fact = event.fact()
        if isinstance(fact, ExtensionDecided):
            self._ends_at = fact.ends_at
        elif event.sequence > self._last.sequence:
            self._last = event

    def count(self, counted: Counted) -> None:
        """Add one kind of accesses; a served resource counts as needed, be it under a pattern."""
        if counted.type == DENIED:
            self._refused.add(counted)
            return
        self._touched.add(counted)
        self._resources = [one for one in self._resources if not covers(one, counted.resource)]
        self._actions = [one for one in self._actions if one != counted.action]

    def usage(self) -> GrantUsage:
        """Return the usage so far."""
        touched, refused = self._touched, self._refused
        return GrantUsage(
            **self._allowed(),
            **self._standing(),
            never_used=touched.together.times == 0,
            used=touched.together,
            touched=tuple(AllowedUses(**wire.named(AllowedUses, one)) for one in touched.kept),
            touched_left_out=touched.left_out,
            untouched_resources=tuple(self._resources),
            untouched_actions=tuple(self._actions),
            refused=refused.together,
            refusals=tuple(RefusedUses(**wire.named(RefusedUses, one)) for one in refused.kept),
            refusals_left_out=refused.left_out,
        )

    def _allowed(self) -> dict[str, Any]:
        named = {name: getattr(self._fact, name) for name in SHOWN}
        return named | {"engineer": self._fact.requester, "granted_at": self._granted.time, "ends_at": self._ends_at}

    def _standing(self) -> dict[str, Any]:
        """Return the state and the end; a grant expires at its own end, though the event comes a moment later."""
        state = STATES.get(self._last.type, GrantState.SCHEDULED)
        if state in LIVE:
            return {"state": state, "ended_at": None, "ended_by": None}
        ended_at = self._ends_at if state == GrantState.EXPIRED else self._last.time
        return {"state": state, "ended_at": ended_at, "ended_by": self._last.actor}


def together(uses: Iterable[Uses]) -> Uses:
    """Return the sum of several uses."""
    known = list(uses)
    return Uses(
        times=sum(one.times for one in known),
        first_at=min((one.first_at for one in known if one.first_at), default=None),
        last_at=max((one.last_at for one in known if one.last_at), default=None),
    )


def _access_granted(event: Event) -> AccessGranted:
    fact = event.fact()
    if not isinstance(fact, AccessGranted):
        raise TypeError(f"{event.type} gives no access")
    return fact
