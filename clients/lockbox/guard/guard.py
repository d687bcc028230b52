"""The guard of one enforcement point."""

import os
import re
import weakref
from dataclasses import dataclass, replace
from pathlib import Path

from lockbox.clock import SystemClock
from lockbox.guard.decision import Attempt, Decision, Shown
from lockbox.guard.judgement import Binding, Facts, Judge
from lockbox.guard.portal import PortalClient, require_protected
from lockbox.guard.records import Recorder, Strict, is_recordable, record_of
from lockbox.guard.spool import LARGEST_BYTES, Spool
from lockbox.guard.stream import Stream

THIS_MACHINE = SystemClock()


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a guard; durations are in seconds.

    `stale_after`: without an event of the stream for so long, the guard denies. `skew`: a grant may begin so much
    earlier, as clocks differ; its end is never later. `clock_bound`: the largest difference between this machine's
    clock and Lockbox's. `binding`: whether a grant needs to be bound to a key. `spool`: a folder for records that are
    sent soon after an access and not before it (`buffered`), at most `spool_bytes`; with `spool_sync` they survive a
    power failure too. `allow_http`: the portal may be called without TLS, as in a closed network.
    """

    stale_after: float = 5.0
    skew: float = 5.0
    clock_bound: float = 60.0
    binding: Binding = "required"
    spool: Path | None = None
    spool_bytes: int = LARGEST_BYTES
    spool_sync: bool = False
    allow_http: bool = False


class Guard:
    """A guard that denies by default, allows the exact content of a live grant, and records every attempt.

    Any number of threads can use it; in a forked process it starts anew.
    """

    def __init__(
        self, portal_url: str, token_file: Path, options: Options = Options(), clock: SystemClock = THIS_MACHINE
    ) -> None:
        """`token_file` holds the API token of this enforcement point; raises OSError or ValueError if it doesn't.

        Raises `Invalid("invalid_portal", ...)` for a portal that the token would reach in the clear.
        """
        require_protected(portal_url, allow_http=options.allow_http)
        self._clock = clock
        self._portal_url = portal_url
        self._token = _token_in(token_file)
        self._options = options
        self._started = False
        self._connect()
        _start_anew_in_forks(self)

    def start(self) -> None:
        """Start to read keys and revocations; until they are known, everything is refused."""
        if not self._started:
            self._started = True
            self._stream.start()
            self._recorder.start()

    def stop(self) -> None:
        """Refuse everything until another `start`; records that wait in a spool are sent, if the portal takes them."""
        self._started = False
        stream, recorder, client = self._stream, self._recorder, self._client
        self._connect()
        stream.stop()
        recorder.stop()
        client.close()

    @property
    def ready(self) -> bool:
        """Whether keys and revocations are known and fresh, and the clock is right."""
        return self._obstacle(self._stream.facts, self._clock.now().timestamp()) is None

    def check(self, token: str | None, tenant: str, resource: str, action: str, shown: Shown = None) -> Decision:
        """Decide from the facts at hand, without a call and without a record."""
        attempt = Attempt(tenant=tenant, resource=resource, action=action)
        facts, now = self._stream.facts, self._clock.now().timestamp()
        obstacle = self._obstacle(facts, now) if token else None
        if obstacle is not None:
            return Decision(allowed=False, reason=obstacle, attempt=attempt)
        return self._judge.decide(token, attempt, shown, facts, now)

    def enforce(self, token: str | None, tenant: str, resource: str, action: str, shown: Shown = None) -> Decision:
        """Decide, and return when the decision is on record, or in the spool; refuse where it can't be."""
        decision = self.check(token, tenant, resource, action, shown)
        recorded = is_recordable(decision) and self._recorder.record(record_of(decision, self._clock.now()))
        if recorded or not decision.allowed:
            return decision
        return replace(decision, allowed=False, reason="not_recorded")

    def _obstacle(self, facts: Facts, now: float) -> str | None:
        """Return the reason to refuse every grant, or None."""
        if (
            not facts.able
            or not facts.keys.by_kid
            or self._clock.monotonic() - facts.heard_at > self._options.stale_after
        ):
            return "revocations_stale"
        if abs(now - facts.as_of) > self._options.clock_bound + self._options.stale_after:
            return "clock_off"
        return None

    def _connect(self) -> None:
        """Make new parts: no connection, lock or fact of before is used again."""
        self._client = PortalClient(self._portal_url, self._token)
        self._judge = Judge(self._options.binding, self._options.skew)
        self._stream = Stream(self._client, self._options.stale_after, self._clock)
        self._recorder: Recorder = self._record_by()

    def _record_by(self) -> Recorder:
        options = self._options
        if options.spool is None:
            return Strict(self._client)
        return Spool(self._client, options.spool, self._clock, options.spool_bytes, sync=options.spool_sync)

    def _start_anew(self) -> None:
        started, self._started = self._started, False
        self._recorder.release()
        self._connect()
        if started:
            self.start()


def _token_in(path: Path) -> str:
    token = path.read_text().strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise ValueError(f"{path} holds no API token")
    return token


def _start_anew_in_forks(guard: Guard) -> None:
    """Restart the guard in forked processes, which have no threads and share the parent's connections."""
    known = weakref.ref(guard)

    def after() -> None:
        forked = known()
        if forked is not None:
            forked._start_anew()

    os.register_at_fork(after_in_child=after)
