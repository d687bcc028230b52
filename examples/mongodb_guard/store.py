"""MongoDB documents of mongodb_guard: `grants` by grant id.

A document is `{_id, state, forget_at}`: `state` is what is known of the grant, in its wire form.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from examples.mongodb_guard.domain import Grant
from lockbox.contracts import wire
from lockbox.contracts.events import Fact
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.storage.mongo import Document
from lockbox.values.timestamps import format_timestamp

KEPT_AFTER_END = timedelta(days=30)


class GrantStore:
    """The store of known grants in MongoDB."""

    name = "grants"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name]

    def ensure_indexes(self) -> None:
        """Make the indexes, or find them there."""
        self.collection.create_index([("state.ended", ASCENDING), ("state.ends_at", ASCENDING)])
        self.collection.create_index("forget_at", expireAfterSeconds=0)

    def learn(self, grant_id: str, fact: Fact) -> Grant:
        """Apply a fact to a grant; on a concurrent write, apply it to the newer state."""
        while True:
            document = self.collection.find_one({"_id": grant_id})
            known = Grant(id=grant_id) if document is None else _grant(document)
            after = known.heed(fact)
            if after == known or self._replace(document, after):
                return after

    def find(self, grant_id: str) -> Grant:
        """Return a known grant, or an empty one."""
        document = self.collection.find_one({"_id": grant_id})
        return Grant(id=grant_id) if document is None else _grant(document)

    def live(self, now: datetime) -> Iterator[Grant]:
        """Those that have not ended."""
        where = {"state.ended": False, "state.ends_at": {"$gt": format_timestamp(now)}}
        return map(_grant, self.collection.find(where))

    def _replace(self, before: Document | None, grant: Grant) -> bool:
        forget_at = None if grant.ends_at is None else grant.ends_at + KEPT_AFTER_END
        after = {"_id": grant.id, "state": wire.encode(grant), "forget_at": forget_at}
        if before is not None:
            return self.collection.replace_one({"_id": grant.id, "state": before["state"]}, after).matched_count == 1
        try:
            self.collection.insert_one(after)
        except DuplicateKeyError:
            return False
        return True


def _grant(document: Document) -> Grant:
    return msgspec.convert(document["state"], Grant)
