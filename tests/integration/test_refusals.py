"""Errors of a real MongoDB on each kind of write: those of a message itself, and all others, which pass."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from pymongo import DeleteOne, InsertOne, MongoClient, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, InvalidDocument, PyMongoError
from tests.fail_points import CODES, CONCERNS, OF_A_STATE, failing_commands

from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN
from lockbox.runtime.storage.mongo import connect, duplicates_in, is_absence

Things = Collection[dict[str, Any]]
NAME = "tests-refusals"
SET = {"$set": {"a": 1}}
WRITES: dict[str, Callable[[Things], object]] = {
    "insert_one": lambda things: things.insert_one({}),
    "insert_many": lambda things: things.insert_many([{}, {}], ordered=False),
    "update_one": lambda things: things.update_one({"_id": 1}, SET),
    "update_many": lambda things: things.update_many({"_id": 1}, SET),
    "upsert": lambda things: things.replace_one({"_id": 2}, {"a": 1}, upsert=True),
    "find_one_and_update": lambda things: things.find_one_and_update({"_id": 1}, SET),
    "delete_one": lambda things: things.delete_one({"_id": 1}),
    "bulk": lambda things: things.bulk_write([InsertOne({}), UpdateOne({"_id": 1}, SET), DeleteOne({"_id": 3})]),
}
OWN_FAULTS: dict[str, Callable[[Things], object]] = {
    "duplicate": lambda things: things.insert_one({"_id": 1}),
    "duplicate in a bulk": lambda things: things.insert_many([{"_id": 1}, {"_id": 1}], ordered=False),
    "too large": lambda things: things.insert_one({"a": "x" * 17_000_000}),
    "grows too large": lambda things: things.update_one({"_id": 1}, [{"$set": {"b": ["$large"] * 9}}]),
    "immutable": lambda things: things.update_one({"_id": 1}, {"$set": {"_id": 2}}),
    "wrong type": lambda things: things.update_one({"_id": 1}, {"$inc": {"text": 1}}),
    "conflict of operators": lambda things: things.update_one({"_id": 1}, {"$set": {"a": 1}, "$inc": {"a": 1}}),
    "fault in a pipeline": lambda things: things.update_one({"_id": 1}, [{"$set": {"a": {"$size": "$text"}}}]),
}


@pytest.fixture(scope="module")
def things(stack: Stack) -> Iterator[Things]:
    with connect(stack.servers.database_uri(ADMIN, stack.secrets.database), NAME) as client:
        database = client[f"test_{uuid4().hex[:12]}"]
        yield database["things"]
        client.drop_database(database.name)


@pytest.fixture(autouse=True)
def content(things: Things) -> None:
    things.replace_one({"_id": 1}, {"text": "a", "large": "x" * 2_000_000}, upsert=True)


@pytest.mark.parametrize(
    ("error", "write"),
    [
        *product((*CODES, *CONCERNS), WRITES),
        *zip(OF_A_STATE, ("update_one", "bulk", "insert_one", "upsert"), strict=True),
    ],
)
def test_write_when_mongodb_refuses_is_an_absence(
    things: Things, mongo: MongoClient[dict[str, Any]], error: str, write: str
) -> None:
    with failing_commands(mongo, error, client=NAME), pytest.raises(PyMongoError) as refused:
        WRITES[write](things)
    assert is_absence(refused.value)


@pytest.mark.parametrize("write", OWN_FAULTS)
def test_write_when_the_document_is_at_fault_is_no_absence(things: Things, write: str) -> None:
    with pytest.raises((PyMongoError, InvalidDocument)) as refused:
        OWN_FAULTS[write](things)
    assert not is_absence(refused.value)


def test_duplicates_when_the_majority_is_not_known_to_have_them_is_an_absence(
    things: Things, mongo: MongoClient[dict[str, Any]]
) -> None:
    with failing_commands(mongo, "WriteConcernFailed", client=NAME), pytest.raises(BulkWriteError) as refused:
        things.insert_many([{"_id": 1}, {}], ordered=False)
    with pytest.raises(PyMongoError) as unsure:
        duplicates_in(refused.value)
    assert is_absence(unsure.value)
