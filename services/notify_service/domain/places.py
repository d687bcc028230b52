"""Places: the number of emails on their way at once, with a share for each recipient domain and each tenant.

A mail server that fails, or a domain that does not answer, gets one email at a time, after a pause that doubles from
failure to failure. All domains that do not answer have `OF_SLOW_DOMAINS` places together. Times are seconds of a clock
that no correction moves.
"""

import math
import threading
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

from notify_service.domain.delivery import Delivery

AT_ONCE = 18
OF_A_DOMAIN = 3
OF_A_TENANT = 6
OF_SLOW_DOMAINS = 6
SERVER_PAUSES = (1.0, 8.0)
DOMAIN_PAUSES = (5.0, 60.0)
STUCK_SECONDS = 60.0
DOMAINS_KNOWN = 1_000

N = TypeVar("N", bound=Hashable)


class Outcome(Enum):
    """The part that answered: the server about the recipient, the server alone, or none; or none was asked."""

    ANSWERED = auto()
    DOMAIN_SILENT = auto()
    SERVER_AWAY = auto()
    NOT_TRIED = auto()


@dataclass(frozen=True)
class Closed:
    """Deliveries that get no place now: those on their way, and those of these domains and tenants."""

    ids: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    tenants: frozenset[str | None] = frozenset()

    def to(self, delivery: Delivery) -> bool:
        """Return whether this delivery gets none."""
        return delivery.id in self.ids or delivery.domain in self.domains or delivery.tenant in self.tenants


@dataclass
class Failing:
    """A server or a domain since it failed: `again_at` says when the next email may try it."""

    pauses: tuple[float, float]
    since: float
    last: float = 0.0
    failures: int = 0
    again_at: float = 0.0

    def failed(self, now: float) -> None:
        """Double the pause; of failures at about the same time the first one counts."""
        self.last = now
        if now >= self.again_at:
            first, longest = self.pauses
            self.again_at = now + min(first * 2 ** min(self.failures, 16), longest)
            self.failures += 1


@dataclass
class Places:
    """The places of one process; whoever looks for one holds `one_at_a_time`."""

    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    _taken: dict[str, tuple[Delivery, float]] = field(default_factory=dict)
    _answered_at: float = -math.inf
    _server: Failing | None = None
    _domains: dict[str, Failing] = field(default_factory=dict)

    def closed(self, now: float) -> Closed | None:
        """Return the deliveries that get no place now; None if none gets one."""
        if len(self._taken) >= self._limit(now):
            return None
        domains = Counter(delivery.domain for delivery, _ in self._taken.values())
        tenants = Counter(delivery.tenant for delivery, _ in self._taken.values())
        return Closed(
            frozenset(self._taken),
            frozenset(_at_least(OF_A_DOMAIN, domains)) | self._slow(domains, now),
            frozenset(_at_least(OF_A_TENANT, tenants)),
        )

    def take(self, delivery: Delivery, now: float) -> None:
        """Give this delivery a place."""
        self._taken[delivery.id] = delivery, now

    def server_answered(self, now: float) -> None:
        """Learn that the server answers, before anything is known about a recipient."""
        self._server, self._answered_at = None, now

    def leave(self, delivery: Delivery, outcome: Outcome, now: float) -> None:
        """Free the place of a delivery, and learn about server and domain from its outcome.

        A server that answered another one meanwhile is not away: one machine of several may be.
        """
        _, began = self._taken.pop(delivery.id)
        if outcome is Outcome.SERVER_AWAY and self._answered_at < began:
            self._server = self._server or Failing(SERVER_PAUSES, now)
            self._server.failed(now)
        elif outcome in {Outcome.ANSWERED, Outcome.DOMAIN_SILENT}:
            self._learn(delivery.domain, outcome, now)

    def stuck(self, now: float) -> bool:
        """Return whether the mail server has failed for a while, and still did a moment ago."""
        server = self._server
        return server is not None and server.last - server.since >= STUCK_SECONDS and now - server.last < STUCK_SECONDS

    @property
    def server_away(self) -> bool:
        """Whether the mail server fails."""
        return self._server is not None

    @property
    def silent_domains(self) -> frozenset[str]:
        """The domains that do not answer."""
        return frozenset(self._domains)

    @property
    def failing(self) -> frozenset[str]:
        """The domains that do not answer, and the mail server if it fails."""
        return self.silent_domains | ({"mail server"} if self.server_away else set())

    def _learn(self, domain: str, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.DOMAIN_SILENT:
            self._domains.setdefault(domain, Failing(DOMAIN_PAUSES, now)).failed(now)
            self._forget_the_oldest()
        else:
            self._domains.pop(domain, None)

    def _limit(self, now: float) -> int:
        if self._server is None:
            return AT_ONCE
        return 1 if now >= self._server.again_at else 0

    def _slow(self, taken: Counter[str], now: float) -> frozenset[str]:
        all_taken = sum(taken[domain] for domain in self._domains) >= OF_SLOW_DOMAINS
        return frozenset(
            domain for domain, failing in self._domains.items() if all_taken or taken[domain] or now < failing.again_at
        )

    def _forget_the_oldest(self) -> None:
        while len(self._domains) > DOMAINS_KNOWN:
            del self._domains[next(iter(self._domains))]


def _at_least(share: int, counts: Counter[N]) -> list[N]:
    return [name for name, count in counts.items() if count >= share]
