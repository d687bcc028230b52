"""The stream of revocations: server-sent events (WHATWG HTML, section 9.2) for enforcement points.

`snapshot` holds all revocations in force, `changes` those since the event before; a `changes` comes at least each
second. Its id is the moment up to which all revocations were sent. A client that lost its connection sends it as
`Last-Event-ID` and gets those that it missed. A guard denies every request while no event comes.

While the portal can't take a revocation, `unable` comes in place of them, with `as_of` alone and without an id: a guard
denies at once, and one that does not know the event denies because no other comes. What was revoked meanwhile comes
with the next `changes`.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lockbox import clock
from lockbox.contracts import wire
from lockbox.contracts.access import ListRevocations, RevocationList
from lockbox.contracts.events import VENDOR
from lockbox.contracts.grant.operations import CompleteGrant, RevokeGrant
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.keys import RevokeKey
from lockbox.ids import new_id
from portal_service.usecases import SERVICE, Services

PAUSE_SECONDS = 0.15
HEARTBEAT_SECONDS = 1.0
STREAM_SECONDS = 300.0
"""The longest time of one connection; after it the client connects and authenticates again."""

Ask = Callable[[RevocationList | None], RevocationList]

ENDING_LANE = "end"
ENDING = (RevokeGrant, CompleteGrant, RevokeKey)
"""The operations that guards must hear of, and their lane: while it is blocked, the stream says `unable`."""

KNOWN = ("as_of", "grant_ids", "revoked_keys", "keys")


class Listener(Protocol):
    """The receiver of each answer."""

    open: bool

    def next(self, within: float) -> RevocationList | None: ...  # noqa: D102


def ask(services: Services, before: RevocationList | None) -> RevocationList:
    """Return the revocations since the answer before."""
    now = clock.now()
    portal = Caller(SERVICE, VENDOR, frozenset({Role.ENFORCEMENT_POINT}), now, new_id())
    return services.call(portal, ListRevocations(since=now if before is None else before.as_of))


def stream(listener: Listener, first: RevocationList, able: Callable[[], bool]) -> Iterator[str]:
    """Yield the events of one connection, from `first` on; `able`: whether the portal takes revocations now."""
    pending, until = Pending(first), time.monotonic() + STREAM_SECONDS
    yield pending.event(able())
    while listener.open and time.monotonic() < until:
        heard = listener.next(HEARTBEAT_SECONDS)
        if heard is None:
            continue
        pending.add(heard)
        now_able = able()
        if pending.due(now_able):
            yield pending.event(now_able)


class Pending:
    """The revocations that the client does not have yet, up to the latest answer."""

    def __init__(self, first: RevocationList) -> None:
        self._kind = "changes" if first.since else "snapshot"
        self._latest = first
        self._new = list(first.grant_ids)
        self._known = set(first.grant_ids)
        self._sent_keys: tuple[object, ...] | None = None
        self._sent_at = float("-inf")
        self._able = True

    def add(self, heard: RevocationList) -> None:
        """Add an answer."""
        new = [grant_id for grant_id in heard.grant_ids if grant_id not in self._known]
        self._latest = heard
        self._new += new
        self._known.update(new)

    def due(self, able: bool) -> bool:
        """Return whether an event is due: there is something new, or none has come for a second."""
        if able != self._able or time.monotonic() - self._sent_at >= HEARTBEAT_SECONDS:
            return True
        return able and (bool(self._new) or self._sent_keys != _keys(self._latest))

    def event(self, able: bool) -> str:
        """Return the event to send now, and count its content as sent."""
        self._able, self._sent_at = able, time.monotonic()
        if not able:
            return _unable(self._latest)
        kind, new = self._kind, self._new
        self._kind, self._new, self._sent_keys = "changes", [], _keys(self._latest)
        return _event(kind, self._latest, new)


def _keys(revocations: RevocationList) -> tuple[object, ...]:
    return revocations.keys, revocations.revoked_keys


def _unable(revocations: RevocationList) -> str:
    data = {"as_of": wire.encode(revocations)["as_of"]}
    return f"event: unable\ndata: {json.dumps(data)}\n\n"


def _event(kind: str, revocations: RevocationList, grant_ids: Sequence[str]) -> str:
    data = {name: value for name, value in wire.encode(revocations).items() if name in KNOWN} | {
        "grant_ids": list(grant_ids)
    }
    return f"id: {data['as_of']}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
