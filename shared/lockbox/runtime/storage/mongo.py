"""The connection to MongoDB: one client for each process, every write journaled by the majority."""

from contextlib import suppress
from typing import Any

from eventlet.semaphore import Semaphore
from nameko.extensions import SharedExtension
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError, WTimeoutError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from lockbox import clock
from lockbox.runtime.storage.address import DatabaseAddress

Document = dict[str, Any]
DUPLICATE_KEY = 11000
LOSABLE: dict[str, Any] = {"write_concern": WriteConcern(w=1, j=False), "read_concern": ReadConcern("local")}
"""Options of collections of counts alone: a crash of MongoDB may lose the last ones."""
CONNECTIONS = 20


def connect(uri: str, name: str) -> MongoClient[Document]:
    """Return a client with writes that survive a kill of mongod: `w=majority` and `j=true`.

    Whatever MongoDB does, an operation ends within 15 s, also when the driver tries it a second time. The client has
    all its connections from the start: a pool that grows with the busiest moment so far looks like a leak, and
    one without a bound has a connection for each worker as soon as MongoDB is slow.
    """
    return MongoClient(
        uri,
        appname=name,
        tz_aware=True,
        w="majority",
        journal=True,
        wtimeoutms=6_000,
        readConcernLevel="majority",
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=5_000,
        socketTimeoutMS=7_000,
        minPoolSize=CONNECTIONS,
        maxPoolSize=CONNECTIONS,
        waitQueueTimeoutMS=5_000,
    )


def keep_newer(collection: Collection[Document], document: Document, number: str) -> None:
    """Store a document, unless one of its `_id` with the same or a higher number is there."""
    older = {"_id": document["_id"], number: {"$lt": document[number]}}
    with suppress(DuplicateKeyError):  # not older: the filter missed it, and the insert met it
        collection.replace_one(older, document, upsert=True)


def duplicates_in(error: BulkWriteError) -> list[Any]:
    """Return the ids that a bulk of inserts found in place; raise the error again if anything else went wrong."""
    details = error.details
    if details.get("writeConcernErrors"):
        raise WTimeoutError(f"the majority does not have it yet: {details['writeConcernErrors'][0]}") from error
    if any(fault["code"] != DUPLICATE_KEY for fault in details["writeErrors"]):
        raise error
    return [fault["op"]["_id"] for fault in details["writeErrors"]]


class Mongo(SharedExtension):
    """The database of the process, connected to at first use."""

    def __init__(self) -> None:
        super().__init__()
        self._client: MongoClient[Document] | None = None
        self._one_at_a_time = Semaphore()

    def setup(self) -> None:
        """Check the address of MongoDB; a fault in it stops the start."""
        self._address = DatabaseAddress(self.container.config["MONGO"]["uri"])
        self._address.check()

    def start(self) -> None:
        """Log a connection without TLS."""
        self._address.warn()

    def database(self) -> Database[Document]:
        """Return the database that `MONGO` in config.yml names."""
        config = self.container.config["MONGO"]
        with self._one_at_a_time:  # making a client lets other green threads run, and they want one too
            if self._client is None:
                self._client = connect(config["uri"], self.container.service_name)
            return self._client[config["database"]]

    def try_write(self) -> None:
        """Raise PyMongoError unless the majority takes a write."""
        probe = {"$set": {"tried_at": clock.now()}}
        self.database()["readiness"].update_one({"_id": self.container.service_name}, probe, upsert=True)

    def stop(self) -> None:
        """Close the client."""
        if self._client is not None:
            self._client.close()
