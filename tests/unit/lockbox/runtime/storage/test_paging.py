import base64
import json
from collections.abc import Iterator
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockbox.contracts.page import Page
from lockbox.errors import Invalid
from lockbox.runtime.storage.paging import Order, read_page

ORDER = Order(("state.created_at", "_id"), descending=True)


class FakeCollection:
    """Gives documents in the order that they have, and keeps what it was asked."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self._documents = documents
        self.where: dict[str, Any] = {}
        self.order: list[tuple[str, int]] = []

    def aggregate(self, steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        bson.encode({"steps": steps})
        matches = [step["$match"] for step in steps if "$match" in step]
        self.where = matches[0] if len(matches) == 1 else {"$and": matches}
        [sort, limit] = steps[-2:]
        self.order = list(sort["$sort"].items())
        return iter(self._documents[: limit["$limit"]])


def documents(count: int) -> list[dict[str, Any]]:
    return [{"_id": f"id-{number}", "state": {"created_at": f"2026-01-{31 - number:02}"}} for number in range(count)]


def read(
    count: int, page: Page, order: Order = ORDER, where: dict[str, Any] | None = None
) -> tuple[list[str], str | None, FakeCollection]:
    collection: Any = FakeCollection(documents(count))
    found, cursor = read_page(collection, where or {}, order, page)
    return [document["_id"] for document in found], cursor, collection


def encoded(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def refusal(cursor: str) -> Invalid:
    with pytest.raises(Invalid) as refused:
        read(3, Page(cursor=cursor))
    return refused.value


@pytest.mark.parametrize("count", [0, 1, 2])
def test_page_when_everything_fits_has_no_next(count: int) -> None:
    ids, cursor, _ = read(count, Page(limit=2))
    assert (len(ids), cursor) == (count, None)


def test_page_when_there_is_more_ends_with_a_cursor() -> None:
    ids, cursor, _ = read(3, Page(limit=2))
    assert ids == ["id-0", "id-1"]
    assert cursor is not None
    assert json.loads(base64.urlsafe_b64decode(cursor)) == ["2026-01-30", "id-1"]


def test_page_when_it_goes_on_asks_for_what_comes_after() -> None:
    _, cursor, _ = read(3, Page(limit=2))
    _, _, collection = read(3, Page(limit=2, cursor=cursor), where={"tenant": "contoso"})
    after = {
        "$or": [
            {"state.created_at": {"$lt": "2026-01-30"}},
            {"state.created_at": "2026-01-30", "_id": {"$lt": "id-1"}},
        ]
    }
    assert collection.where == {"$and": [{"tenant": "contoso"}, after]}
    assert collection.order == [("state.created_at", -1), ("_id", -1)]


def test_page_when_ascending_asks_for_what_is_greater() -> None:
    _, _, collection = read(3, Page(cursor=encoded([7])), Order(("_id",), numbers=frozenset({"_id"})))
    assert collection.where["$and"][1] == {"$or": [{"_id": {"$gt": 7}}]}
    assert collection.order == [("_id", 1)]


def test_page_when_it_is_the_first_asks_for_everything() -> None:
    _, _, collection = read(3, Page(), where={"tenant": "contoso"})
    assert collection.where == {"tenant": "contoso"}


def test_cursor_when_made_fits_into_a_query() -> None:
    _, cursor, _ = read(3, Page(limit=2))
    assert cursor is not None
    assert len(cursor) <= 512
    assert cursor.isascii()
    assert not set(cursor) & set("+/?& #%")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "?",
        "ä",
        "====",
        "AAAA",
        encoded(None),
        encoded({}),
        encoded([]),
        encoded(["2026-01-30"]),
        encoded(["2026-01-30", "id-1", "x"]),
        encoded(["2026-01-30", {"$gt": ""}]),
        encoded(["2026-01-30", None]),
        encoded(["2026-01-30", ["x"]]),
        encoded([1.5, "x"]),
        encoded([{"$where": "1"}, "x"]),
        encoded([7, "x"]),
        encoded(["2026-01-30", 7]),
        encoded(["2026-01-30", True]),
        encoded(["2026-01-30", "id-1"]).rstrip("=") + "\n",
        encoded(["2026-01-30", "id-1"]) + "!",
        base64.urlsafe_b64encode(b'["2026-01-30","id-1"]').decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        "\ud800",
    ],
    ids=lambda cursor: ascii(cursor)[:40],
)
def test_cursor_when_not_made_here_is_refused(cursor: str) -> None:
    error = refusal(cursor)
    assert error.code == "invalid_cursor"
    assert [fault["field"] for fault in error.faults] == ["cursor"]


@pytest.mark.parametrize(
    "values",
    [["x", 2**63], ["x", -(2**63) - 1], ["\ud800", "x"]],
    ids=["large", "small", "surrogate"],
)
def test_cursor_when_the_database_could_not_take_its_values_is_refused(values: list[Any]) -> None:
    assert refusal(encoded(values)).code == "invalid_cursor"


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_cursor_when_it_is_anything_at_all_is_refused_or_means_the_beginning(cursor: str) -> None:
    if cursor:
        assert refusal(cursor).code == "invalid_cursor"
