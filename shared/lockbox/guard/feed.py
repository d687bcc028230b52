"""What a guard learns from the portal: the public keys, and which grants were revoked."""

import logging
import threading
import time
from collections.abc import Container

import httpx

from lockbox.crypto.keys import PublicKeys
from lockbox.errors import Invalid

POLL_SECONDS = 0.5
KEYS_KEPT_SECONDS = 60.0

log = logging.getLogger(__name__)


class Feed:
    """Asks the portal twice a second, in a thread of its own.

    `fresh` is false once nothing was heard for `stale_after` seconds: a guard that may have missed a revocation must
    not let anybody in.
    """

    def __init__(self, client: httpx.Client, stale_after: float) -> None:
        self._client = client
        self._stale_after = stale_after
        self._keys = PublicKeys({})
        self._keys_at = float("-inf")
        self._revoked: frozenset[str] = frozenset()
        self._heard_at = float("-inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lockbox-guard", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def fresh(self) -> bool:
        """Whether what is known here is recent enough to let somebody in."""
        return time.monotonic() - self._heard_at <= self._stale_after

    @property
    def keys(self) -> PublicKeys:
        """The keys that grants verify with."""
        return self._keys

    @property
    def revoked(self) -> Container[str]:
        """The ids of revoked grants."""
        return self._revoked

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._ask()
            except (httpx.HTTPError, Invalid, KeyError, TypeError, ValueError, RecursionError) as error:
                log.warning("lockbox guard: the portal did not answer as expected: %r", error)
            self._stop.wait(POLL_SECONDS)

    def _ask(self) -> None:
        asked_at = time.monotonic()
        if asked_at - self._keys_at > KEYS_KEPT_SECONDS:
            answer = self._client.get("/.well-known/jwks.json").raise_for_status()
            self._keys = PublicKeys.from_jwks(answer.json()["keys"])
            self._keys_at = asked_at
        answer = self._client.get("/api/v1/revocations").raise_for_status()
        grant_ids = answer.json()["grant_ids"]
        if not isinstance(grant_ids, list) or not all(isinstance(grant_id, str) for grant_id in grant_ids):
            raise TypeError("grant_ids is not a list of texts")
        self._revoked = frozenset(grant_ids)
        self._heard_at = asked_at
