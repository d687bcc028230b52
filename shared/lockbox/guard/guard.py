"""The guard of one enforcement point."""

import logging
from dataclasses import replace
from pathlib import Path

import httpx

from lockbox import clock
from lockbox.contracts.fields import format_timestamp
from lockbox.guard.decision import Attempt, Decision, decide
from lockbox.guard.feed import Feed
from lockbox.ids import new_id

TIMEOUT_SECONDS = 5.0

log = logging.getLogger(__name__)


class Guard:
    """Denies by default; lets through what a live grant names, exactly, and puts every attempt on record."""

    def __init__(self, portal_url: str, token_file: Path, *, stale_after: float = 10.0) -> None:
        """`token_file` holds the API token of this enforcement point; `stale_after` is in seconds."""
        token = token_file.read_text().strip()
        self._client = httpx.Client(
            base_url=portal_url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS
        )
        self._feed = Feed(self._client, stale_after)

    def start(self) -> None:
        """Begin to learn keys and revocations; until they are known, everything is refused."""
        self._feed.start()

    def stop(self) -> None:
        """End."""
        self._feed.stop()
        self._client.close()

    @property
    def ready(self) -> bool:
        """Whether what it knows of revocations is recent enough to let anybody in."""
        return self._feed.fresh

    def check(self, token: str | None, tenant: str, resource: str, action: str) -> Decision:
        """Decide without asking anybody, and without a record."""
        attempt = Attempt(tenant=tenant, resource=resource, action=action)
        if token and not self._feed.fresh:
            return Decision(allowed=False, reason="revocations_stale", attempt=attempt)
        return decide(token, attempt, self._feed.keys, self._feed.revoked, clock.now())

    def enforce(self, token: str | None, tenant: str, resource: str, action: str) -> Decision:
        """Decide, and return when the decision is on record; what can't be put on record is refused."""
        decision = self.check(token, tenant, resource, action)
        try:
            self._record(decision)
        except httpx.HTTPError as error:
            log.warning("lockbox guard: an attempt is not on record: %r", error)
            return replace(decision, allowed=False, reason="not_recorded") if decision.allowed else decision
        return decision

    def _record(self, decision: Decision) -> None:
        document = {
            "access_id": new_id(),
            "allowed": decision.allowed,
            "reason": decision.reason,
            "tenant": _text(decision.attempt.tenant, 63),
            "resource": _text(decision.attempt.resource, 512),
            "action": _text(decision.attempt.action, 64),
            "grant_id": decision.grant_id,
            "request_id": decision.request_id,
            "engineer": decision.engineer,
            "at": format_timestamp(clock.now()),
        }
        self._client.post("/api/v1/access-events", json=document).raise_for_status()


def _text(value: str, longest: int) -> str:
    """The beginning of a text, without what can't be written as UTF-8."""
    return value[:longest].encode(errors="replace").decode()
