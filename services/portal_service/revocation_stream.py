"""The stream of revocations: server-sent events (WHATWG HTML, section 9.2) for enforcement points.

`snapshot` holds all revocations in force, `changes` those since the event before; a `changes` comes at least each
second. Its id is the moment up to which all revocations were sent. A client that lost its connection sends it as
`Last-Event-ID` and gets those that it missed. A guard denies every request while no event comes.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from lockbox import clock
from lockbox.contracts import wire
from lockbox.contracts.access import ListRevocations, RevocationList
from lockbox.contracts.events import VENDOR
from lockbox.contracts.identity import Caller, Role
from lockbox.ids import new_id
from portal_service.usecases import SERVICE, Services

PAUSE_SECONDS = 0.15
HEARTBEAT_SECONDS = 1.0
STREAM_SECONDS = 300.0
"""The longest time of one connection; after it the client connects and authenticates again."""

Ask = Callable[[RevocationList | None], RevocationList]

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


def stream(listener: Listener, first: RevocationList) -> Iterator[str]:
    """Yield the events of one connection, from `first` on."""
    yield _event("changes" if first.since else "snapshot", first, first.grant_ids)
    sent, quiet_since, until = set(first.grant_ids), time.monotonic(), time.monotonic() + STREAM_SECONDS
    keys = (first.keys, first.revoked_keys)
    while listener.open and time.monotonic() < until:
        heard = listener.next(HEARTBEAT_SECONDS)
        if heard is None:
            continue
        new = [grant_id for grant_id in heard.grant_ids if grant_id not in sent]
        if new or keys != (heard.keys, heard.revoked_keys) or time.monotonic() - quiet_since >= HEARTBEAT_SECONDS:
            yield _event("changes", heard, new)
            quiet_since = time.monotonic()
            keys = (heard.keys, heard.revoked_keys)
            sent.update(new)


def _event(kind: str, revocations: RevocationList, grant_ids: Sequence[str]) -> str:
    data = {name: value for name, value in wire.encode(revocations).items() if name in KNOWN} | {
        "grant_ids": list(grant_ids)
    }
    return f"id: {data['as_of']}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
