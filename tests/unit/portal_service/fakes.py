"""Stores of portal_service in memory."""

from datetime import datetime

from tests.unit.fakes import FakeAggregates

from portal_service.domain.account import Account
from portal_service.domain.session import ApiToken, FailedAttempt, Session
from portal_service.domain.sign_in import Allowance, AttemptCount


class FakeAccounts(FakeAggregates[Account]):
    """Accounts by address."""

    noun = "account"


class FakeApiTokens(FakeAggregates[ApiToken]):
    """API tokens by token digest."""

    noun = "api_token"


class FakeSessions(FakeAggregates[Session]):
    """Sessions by token digest."""

    noun = "session"

    def remove(self, key: str) -> None:
        self.states.pop(key, None)


class FakeFailedAttempts(FakeAggregates[FailedAttempt]):
    """Failed sign-ins by their id."""

    noun = "failed_attempt"

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, AttemptCount] = {}

    def count(self, key: str, allowance: Allowance, now: datetime) -> None:
        self.counts[key] = self.counts.get(key, AttemptCount.none(now)).add(allowance, now)

    def take_back(self, key: str, now: datetime) -> None:
        self.counts[key] = self.counts.get(key, AttemptCount.none(now)).take_back(now)


class FakeWeb:
    """A web server with free workers, unless its lane is said to be blocked."""

    def __init__(self, *blocked: str) -> None:
        self._blocked = set(blocked)

    def blocked(self, lane: str) -> bool:
        return lane in self._blocked

    def worked(self, lane: str) -> None:
        self._blocked.discard(lane)
