"""MongoDB documents of portal_service.

`accounts` by address, `sessions` and `api_tokens` by token digest, `failed_attempts` by id. Sessions and failed
attempts are removed thirty days after they ended.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from pymongo import ASCENDING
from pymongo.database import Database

from lockbox.contracts.acts import Act
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import Document
from lockbox.runtime.storage.outbox import Entry
from portal_service.domain.account import Account
from portal_service.domain.session import ApiToken, FailedAttempt, Session

KEPT = timedelta(days=30)

A = TypeVar("A")


class ExpiringAggregates(Aggregates[A, A]):
    """Aggregates that are removed thirty days after their end."""

    def ensure_indexes(self) -> None:
        """Create the indexes that are not there."""
        super().ensure_indexes()
        self.collection.create_index([("remove_at", ASCENDING)], expireAfterSeconds=0)

    def first_fields(self, state: A, act: Act, waiting: Sequence[Entry]) -> Document:
        """Return the time of the removal."""
        return {"remove_at": self.ends(state) + KEPT}

    def ends(self, state: A) -> datetime:
        """Return the end of an aggregate."""
        raise NotImplementedError


class AccountStore(Aggregates[Account, Account]):
    """The accounts, by address."""

    name = "accounts"
    noun = "account"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Account, Account)


class SessionStore(ExpiringAggregates[Session]):
    """The sessions, by token digest."""

    name = "sessions"
    noun = "session"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Session, Session)

    def ends(self, state: Session) -> datetime:
        """Return the time at which the session expires."""
        return state.expires_at

    def remove(self, key: str) -> None:
        """Sign a session out."""
        self.collection.update_one({"_id": key}, {"$set": {"signed_out": True}})

    def find(self, key: str) -> Session | None:
        """Return the session of this token digest, unless it was signed out."""
        document = self.collection.find_one({"_id": key, "signed_out": {"$exists": False}})
        return None if document is None else self.state(document)


class ApiTokenStore(Aggregates[ApiToken, ApiToken]):
    """The API tokens, by token digest."""

    name = "api_tokens"
    noun = "api_token"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, ApiToken, ApiToken)


class FailedAttemptStore(ExpiringAggregates[FailedAttempt]):
    """The failed sign-ins, by id."""

    name = "failed_attempts"
    noun = "failed_attempt"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, FailedAttempt, FailedAttempt)

    def ensure_indexes(self) -> None:
        """Create the indexes that are not there."""
        super().ensure_indexes()
        self.collection.create_index([("state.email", ASCENDING), ("remove_at", ASCENDING)])

    def ends(self, state: FailedAttempt) -> datetime:
        """Return the time of the attempt."""
        return state.at

    def recent(self, email: str, since: datetime) -> int:
        """Return the number of attempts for this address since then, at most 100."""
        return self.collection.count_documents({"state.email": email, "remove_at": {"$gt": since + KEPT}}, limit=100)
