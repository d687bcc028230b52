"""Stores of portal_service in memory."""

from datetime import datetime

from tests.unit.fakes import FakeAggregates

from portal_service.domain.account import Account
from portal_service.domain.session import ApiToken, FailedAttempt, Session


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

    def recent(self, email: str, since: datetime) -> int:
        return sum(attempt.email == email and attempt.at > since for attempt in self.states.values())
