"""Stores as dependencies of a service: `approvals = Store(ApprovalStore)` right under its name."""

from typing import Any

from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from lockbox.runtime.events.receipts import Receipts
from lockbox.runtime.events.reconciliation import Reconciler
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.process.waiting import until
from lockbox.runtime.storage.address import SETTING
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import Mongo


class Store(DependencyProvider):
    """A store, `kind(database, relay)`, made with its indexes before the service reads its first message."""

    mongo = Mongo()
    relay = Relay()
    reconciler = Reconciler()
    receipts = Receipts()

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def setup(self) -> None:
        """Wait for MongoDB, as long as it takes, and have the relay watch the outboxes of aggregates."""
        self.store = self.kind(self.mongo.database(), self.relay)
        if isinstance(self.store, Aggregates):
            self.relay.register(self.store.name)
        until(self.store.ensure_indexes, PyMongoError, "mongodb_unavailable", setting=SETTING)

    def stop(self) -> None:
        """Have relay and receipts written while MongoDB is still connected: Nameko stops extensions in no order."""
        self.relay.stop()
        self.receipts.write()

    def get_dependency(self, worker_ctx: object) -> Any:
        """Return the store."""
        return self.store
