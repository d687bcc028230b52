"""MongoDB documents of portal_service.

`accounts` by address, `sessions` and `api_tokens` by token digest, `failed_attempts` by id, `attempt_counts` by source,
address or browser. Sessions and failed
attempts are removed thirty days after they ended.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from lockbox.contracts import wire
from lockbox.contracts.acts import Act
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import Document
from lockbox.runtime.storage.outbox import Entry
from portal_service.domain.account import Account
from portal_service.domain.session import ApiToken, FailedAttempt, Session
from portal_service.domain.sign_in import FORGOTTEN_AFTER, Allowance, AttemptCount

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
    """The failed sign-ins, by id, and the counts of attempts."""

    name = "failed_attempts"
    noun = "failed_attempt"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, FailedAttempt, FailedAttempt)
        self._counts = database["attempt_counts"]

    def ensure_indexes(self) -> None:
        """Create the indexes that are not there."""
        super().ensure_indexes()
        self._counts.create_index([("remove_at", ASCENDING)], expireAfterSeconds=0)

    def ends(self, state: FailedAttempt) -> datetime:
        """Return the time of the attempt."""
        return state.at

    def count(self, key: str, allowance: Allowance, now: datetime) -> None:
        """Count an attempt before it is judged. Raises `TooMany` if it comes before its time."""
        self._change(key, now, lambda count: count.add(allowance, now))

    def take_back(self, key: str, now: datetime) -> None:
        """Uncount an attempt that was no guess."""
        self._change(key, now, lambda count: count.take_back(now))

    def _change(self, key: str, now: datetime, step: Callable[[AttemptCount], AttemptCount]) -> None:
        """Change a count as no other attempt has seen it."""
        while True:
            document = self._counts.find_one({"_id": key})
            before = AttemptCount.none(now) if document is None else wire.read(AttemptCount, document["state"])
            state = wire.encode(step(before), AttemptCount)
            new = {"state": state, "remove_at": now + FORGOTTEN_AFTER}
            if document is None:
                if self._begin(key, new):
                    return
            elif self._counts.update_one({"_id": key, "state": document["state"]}, {"$set": new}).matched_count:
                return

    def _begin(self, key: str, new: Document) -> bool:
        try:
            self._counts.insert_one({"_id": key, **new})
        except DuplicateKeyError:
            return False
        return True
