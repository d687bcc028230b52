"""What a guard hears from the portal: keys, and which grants and keys were revoked.

Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) of two kinds, with one line of data
each: `snapshot` holds all revocations that count, `changes` those since the event before; both hold `as_of`, until when
that is all there is, and `keys`, a digest of the ids of all keys. An event comes each second at least. A stream that
breaks is taken up where it ended, by `Last-Event-ID`.

How old the news is counts from when the stream was asked for, and by the portal's own clock from there on, so that a
connection that lags does not look like a quick one.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import httpx

from lockbox.crypto.canonical import canonical, digest
from lockbox.crypto.keys import PublicKeys
from lockbox.errors import Invalid
from lockbox.guard.judgement import Facts
from lockbox.values.timestamps import parse_timestamp

RETRY_SECONDS = 0.2
SNAPSHOT_EVERY_SECONDS = 3_600.0
FIRST_WITHIN_SECONDS, KEYS_WITHIN_SECONDS = 30.0, 10.0
LONGEST = 16 * 1024 * 1024
FAULTS = (httpx.HTTPError, Invalid, KeyError, TypeError, ValueError, RuntimeError)
KINDS = frozenset({"snapshot", "changes"})
STREAM, KEYS = "/api/v1/revocations", "/.well-known/jwks.json"
HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}

log = logging.getLogger(__name__)

Event = tuple[str, dict[str, Any]]


class Stream:
    """Listens in a thread of its own, from `start` on; what was heard last is `facts`, whole at any moment."""

    def __init__(self, client: httpx.Client, patience: float) -> None:
        """`patience`: after so many seconds without a byte a connection is given up; after half of them, if it lags."""
        self._client = client
        self._patience = patience
        self._timeout = httpx.Timeout(client.timeout.connect, read=patience)
        self._keys_digest: str | None = None
        self._last_id: str | None = None
        self._snapshot_at = float("-inf")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._learning = threading.Lock()
        self._knowing = threading.Lock()
        self.facts = Facts(PublicKeys({}), frozenset(), frozenset())

    def start(self) -> None:
        """Begin to listen."""
        self._thread = threading.Thread(target=self._run, name="lockbox-guard", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; returns when the next event has come, or would have."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=self._patience)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen(time.monotonic())
            except FAULTS as error:
                if not isinstance(error, httpx.TransportError):
                    self._last_id = None  # what came was not understood: ask for everything
                if not self._stop.is_set():
                    log.warning("lockbox guard: the stream of revocations broke: %r", error)
            self._stop.wait(RETRY_SECONDS)

    def _listen(self, asked_at: float) -> None:
        if asked_at - self._snapshot_at > SNAPSHOT_EVERY_SECONDS:
            self._last_id = None
        headers = HEADERS | ({"Last-Event-ID": self._last_id} if self._last_id else {})
        with self._client.stream("GET", STREAM, headers=headers, timeout=self._timeout) as answer:
            answer.raise_for_status()
            first = None
            for kind, told in events(lines(self._while_new(answer.iter_bytes(), asked_at))):
                as_of = parse_timestamp(told["as_of"]).timestamp()
                first = as_of if first is None else first
                self._heed(kind, told, as_of, min(asked_at + (as_of - first), time.monotonic()))
                self._last_id = told["as_of"]

    def _while_new(self, chunks: Iterable[bytes], asked_at: float) -> Iterator[bytes]:
        """What comes, until the guard stops, or a new snapshot is due, or what comes is no news any more."""
        before = self.facts.heard_at
        for chunk in chunks:
            yield chunk
            now, heard_at = time.monotonic(), self.facts.heard_at
            if heard_at == before:  # the first event has not come yet, or not all of it
                lags, due = now - asked_at > FIRST_WITHIN_SECONDS, False
            else:
                lags, due = now - heard_at > self._patience / 2, now - self._snapshot_at > SNAPSHOT_EVERY_SECONDS
            if lags:
                raise httpx.ReadTimeout("the stream lags, or has no events")
            if due or self._stop.is_set():
                return

    def _heed(self, kind: str, told: dict[str, Any], as_of: float, heard_at: float) -> None:
        """Take in what was told, all at once."""
        revoked, revoked_keys = _texts(told["grant_ids"]), _texts(told["revoked_keys"])
        if kind == "snapshot":
            self._snapshot_at = time.monotonic()
        elif self._last_id is None:
            raise ValueError(f"expected a snapshot first, got {kind!r:.40}")
        else:
            revoked |= self.facts.revoked
        self._know(revoked=revoked, revoked_keys=revoked_keys, as_of=as_of, heard_at=heard_at)
        if told["keys"] != self._keys_digest and self._learning.acquire(blocking=False):
            threading.Thread(target=self._learn_keys, name="lockbox-keys", daemon=True).start()

    def _learn_keys(self) -> None:
        """Fetch the keys, while the stream goes on; until that succeeds, known ones count, but for those revoked."""
        try:
            keys = self._fetch_keys()
            ids = digest(canonical([key["kid"] for key in keys]))  # of these, as they may be an old copy
            self._know(keys=PublicKeys.from_jwks(keys))
            self._keys_digest = ids
        except FAULTS as error:
            log.warning("lockbox guard: the keys can't be read: %r", error)
        finally:
            self._learning.release()

    def _fetch_keys(self) -> Any:
        deadline, document = time.monotonic() + KEYS_WITHIN_SECONDS, b""
        with self._client.stream("GET", KEYS) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                document += chunk
                if len(document) > LONGEST or time.monotonic() > deadline:
                    raise ValueError("they are too many, or too slow")
        return json.loads(document)["keys"]

    def _know(self, **news: Any) -> None:
        with self._knowing:
            self.facts = replace(self.facts, **news)


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a stream, as soon as each has its end; raises ValueError for one that is too long, or no text."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode()
        if len(rest) > LONGEST:
            raise ValueError(f"a line of more than {LONGEST} bytes")


def events(text: Iterable[str]) -> Iterator[Event]:
    """Name and data of each event of the two kinds; raises ValueError for data that is no JSON object."""
    fields = {"event": "", "data": ""}
    for line in text:
        name, _, value = line.partition(":")
        if name in fields:
            fields[name] = value.strip()
        elif not line.strip():
            if fields["event"] in KINDS:
                yield fields["event"], _object(fields["data"])
            fields = dict.fromkeys(fields, "")


def _object(data: str) -> dict[str, Any]:
    told = json.loads(data)
    if not isinstance(told, dict):
        raise ValueError(f"expected an object, got {data[:80]}")
    return told


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"expected a list of texts, got {str(value)[:80]}")
    return frozenset(value)
