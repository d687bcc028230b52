"""The connection to MongoDB: one client for each process, every write journaled by the majority."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from eventlet.semaphore import Semaphore
from nameko.extensions import SharedExtension
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from lockbox import clock
from lockbox.runtime.storage.address import DatabaseAddress

Document = dict[str, Any]
DUPLICATE_KEY = 11000
LOSABLE: dict[str, Any] = {"write_concern": WriteConcern(w=1, j=False), "read_concern": ReadConcern("local")}
"""Options of collections of counts alone: a crash of MongoDB may lose the last ones."""
CONNECTIONS = 20
OF_THE_DOCUMENT = frozenset({2, 4, 9, 14, 15, 16, 22, 28, 40, 52, 53, 54, 55, 56, 57, 66, 121})
"""Codes of MongoDB that say that a document or an operation is wrong, such as TypeMismatch or ImmutableField."""

FIRST_ASSERTION = 9_002
OF_THE_SERVER = frozenset({10_058, 10_107, 11_600, 11_602, 13_388, 13_435, 13_436, 14_031})
"""From `FIRST_ASSERTION` on, a code says that an operation is wrong; but for these, such as OutOfDiskSpace."""


def connect(uri: str, name: str) -> MongoClient[Document]:
    """Return a client with writes that survive a kill of mongod: `w=majority` and `j=true`.

    Whatever MongoDB does, an operation ends within 15 s, also when the driver tries it a second time. The client has
    all its connections from the start: a pool that grows with the busiest moment so far looks like a leak, and
    one without a bound has a connection for each worker as soon as MongoDB is slow. A server that refused for its state
    is looked at again within 2 s.
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
        heartbeatFrequencyMS=2_000,
        connectTimeoutMS=5_000,
        socketTimeoutMS=7_000,
        minPoolSize=CONNECTIONS,
        maxPoolSize=CONNECTIONS,
        waitQueueTimeoutMS=5_000,
    )


def ensure_index(collection: Collection[Document], keys: Sequence[tuple[str, int]], **options: Any) -> None:
    """Create an index, unless one of its name exists: a database user may lack the right to make any."""
    name = options.setdefault("name", "_".join(f"{field}_{direction}" for field, direction in keys))
    if name not in collection.index_information():
        collection.create_index(keys, **options)


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


def is_absence(error: BaseException | None) -> bool:
    """Return whether MongoDB is away or refuses for now, for any reason but a fault of the document or operation."""
    if isinstance(error, BulkWriteError):
        faults, unsure = error.details["writeErrors"], error.details.get("writeConcernErrors")
        return bool(unsure) or not all(_is_of_the_document(fault["code"]) for fault in faults)
    if isinstance(error, OperationFailure):
        return not _is_of_the_document(error.code)
    return isinstance(error, PyMongoError) and not isinstance(error, InvalidOperation)


def _is_of_the_document(code: int | None) -> bool:
    return code in OF_THE_DOCUMENT or ((code or 0) >= FIRST_ASSERTION and code not in OF_THE_SERVER)


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
