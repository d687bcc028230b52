"""The stream of revocations and signing keys from the portal.

Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) of three types, with one line of
data each: `snapshot` holds all revocations that count, `changes` those since the event before. Both hold `as_of`, the
time up to which they are complete, and `keys`, a digest of the ids of all keys. `unable` comes in their place while the
portal can't take a revocation; it has `as_of` alone, and nobody is allowed until the next `changes`. An event comes
each second at least. After a broken connection the stream resumes by `Last-Event-ID`.

The age of the facts counts from the request for the stream, and by the portal's own clock from there on, so that a
connection that lags does not look like a fresh one.
"""

import json
import logging
import random
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from lockbox.clock import SystemClock
from lockbox.crypto.canonical import canonical, digest
from lockbox.crypto.keys import PublicKeys
from lockbox.errors import Invalid
from lockbox.guard.judgement import Facts
from lockbox.guard.portal import FAULTS as CALL_FAULTS
from lockbox.guard.portal import PortalClient, PortalRefusal, PortalUnreachable
from lockbox.values.timestamps import parse_timestamp

RETRY_SECONDS, REFUSED_SECONDS = 0.2, (0.5, 1.5)
"""The pause before the next attempt; after a refusal a longer one, of another length at each guard."""

SNAPSHOT_EVERY_SECONDS = 3_600.0
FIRST_WITHIN_SECONDS, KEYS_WITHIN_SECONDS = 30.0, 10.0
LONGEST = 16 * 1024 * 1024
FAULTS = (*CALL_FAULTS, Invalid)
UNABLE = "unable"
TYPES = frozenset({"snapshot", "changes", UNABLE})
STREAM, KEYS = "/api/v1/revocations", "/.well-known/jwks.json"
HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}

log = logging.getLogger(__name__)

Event = tuple[str, dict[str, Any]]


class Stream:
    """A listener in a thread of its own, from `start` on; `facts` is replaced as a whole by each event."""

    def __init__(self, client: PortalClient, patience: float, clock: SystemClock) -> None:
        """`patience`: seconds without a byte after which a connection is given up; half of them for one that lags."""
        self._client = client
        self._patience = patience
        self._clock = clock
        self._keys_digest: str | None = None
        self._last_id: str | None = None
        self._snapshot_at = float("-inf")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._fetching_keys = threading.Lock()
        self._replacing_facts = threading.Lock()
        self.facts = Facts(PublicKeys({}), frozenset(), frozenset())

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="lockbox-guard", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; returns after the next event, or after `patience`."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=self._patience)

    def _run(self) -> None:
        while not self._stop.is_set():
            pause = RETRY_SECONDS
            try:
                self._listen(self._clock.monotonic())
            except FAULTS as error:
                if not isinstance(error, PortalUnreachable):
                    self._last_id = None  # an event was not understood: ask for everything
                if isinstance(error, PortalRefusal):
                    pause = random.uniform(*REFUSED_SECONDS)  # noqa: S311 - no secret
                if not self._stop.is_set():
                    log.warning("lockbox guard: the stream of revocations broke: %r", error)
            self._clock.wait(self._stop, pause)

    def _listen(self, asked_at: float) -> None:
        if asked_at - self._snapshot_at > SNAPSHOT_EVERY_SECONDS:
            self._last_id = None
        headers = HEADERS | ({"Last-Event-ID": self._last_id} if self._last_id else {})
        with self._client.stream(STREAM, headers, self._patience) as chunks:
            first = None
            for name, data in events(lines(self._while_fresh(chunks, asked_at))):
                as_of = parse_timestamp(data["as_of"]).timestamp()
                first = as_of if first is None else first
                heard_at = min(asked_at + (as_of - first), self._clock.monotonic())
                if name == UNABLE:
                    self._replace_facts(able=False, as_of=as_of, heard_at=heard_at)
                else:
                    self._apply(name, data, as_of, heard_at)
                    self._last_id = data["as_of"]

    def _while_fresh(self, chunks: Iterable[bytes], asked_at: float) -> Iterator[bytes]:
        """Yield the chunks until the guard stops or a snapshot is due; raise `PortalUnreachable` if the stream lags."""
        before = self.facts.heard_at
        for chunk in chunks:
            yield chunk
            now, heard_at = self._clock.monotonic(), self.facts.heard_at
            if heard_at == before:  # the first event has not come yet, or not all of it
                lags, due = now - asked_at > FIRST_WITHIN_SECONDS, False
            else:
                lags = now - heard_at > self._patience / 2
                due = self.facts.able and now - self._snapshot_at > SNAPSHOT_EVERY_SECONDS
            if lags:
                raise PortalUnreachable("the stream lags, or has no events")
            if due or self._stop.is_set():
                return

    def _apply(self, name: str, data: dict[str, Any], as_of: float, heard_at: float) -> None:
        """Replace the facts by those of an event."""
        revoked, revoked_keys = _texts(data["grant_ids"]), _texts(data["revoked_keys"])
        if name == "snapshot":
            self._snapshot_at = self._clock.monotonic()
        elif self._last_id is None:
            raise ValueError(f"expected a snapshot first, got {name!r:.40}")
        else:
            revoked |= self.facts.revoked
        self._replace_facts(revoked=revoked, revoked_keys=revoked_keys, as_of=as_of, heard_at=heard_at, able=True)
        if data["keys"] != self._keys_digest and self._fetching_keys.acquire(blocking=False):
            threading.Thread(target=self._update_keys, name="lockbox-keys", daemon=True).start()

    def _update_keys(self) -> None:
        """Fetch the keys while the stream goes on; until that succeeds, known keys count, except revoked ones."""
        try:
            keys = self._fetch_keys()
            ids = digest(canonical([key["kid"] for key in keys]))  # of these, as they may be an old copy
            self._replace_facts(keys=PublicKeys.from_jwks(keys))
            self._keys_digest = ids
        except FAULTS as error:
            log.warning("lockbox guard: the keys can't be read: %r", error)
        finally:
            self._fetching_keys.release()

    def _fetch_keys(self) -> Any:
        deadline, document = self._clock.monotonic() + KEYS_WITHIN_SECONDS, b""
        with self._client.stream(KEYS) as chunks:
            for chunk in chunks:
                document += chunk
                if len(document) > LONGEST or self._clock.monotonic() > deadline:
                    raise ValueError("the keys are too many, or too slow")
        return json.loads(document)["keys"]

    def _replace_facts(self, **changes: Any) -> None:
        with self._replacing_facts:
            self.facts = replace(self.facts, **changes)


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield each line as soon as it is complete; raises ValueError for one that is too long or is not UTF-8."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode()
        if len(rest) > LONGEST:
            raise ValueError(f"a line of more than {LONGEST} bytes")


def events(text: Iterable[str]) -> Iterator[Event]:
    """Yield type and data of each event of the known types; raises ValueError for data that is not a JSON object."""
    fields = {"event": "", "data": ""}
    for line in text:
        name, _, value = line.partition(":")
        if name in fields:
            fields[name] = value.strip()
        elif not line.strip():
            if fields["event"] in TYPES:
                yield fields["event"], _object(fields["data"])
            fields = dict.fromkeys(fields, "")


def _object(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError(f"expected an object, got {text[:80]}")
    return data


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"expected a list of texts, got {str(value)[:80]}")
    return frozenset(value)
