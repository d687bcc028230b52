"""Lists in parts: by key, not by number, so that a part stays right while others write."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.collection import Collection

from lockbox.contracts.page import Page
from lockbox.errors import invalid
from lockbox.faults import Expected
from lockbox.runtime.storage.mongo import Document
from lockbox.values.json_text import is_whole


@dataclass(frozen=True)
class Order:
    """The sort order of a list: fields with values that are unique together; text, but for those that are `numbers`.

    `left_out` are fields of its documents that are not read.
    """

    fields: tuple[str, ...]
    descending: bool = False
    numbers: frozenset[str] = frozenset()
    left_out: tuple[str, ...] = ()


def read_page(
    collection: Collection[Document], where: Document, order: Order, page: Page, computed: Document | None = None
) -> tuple[list[Document], str | None]:
    """Return the documents of one page, and the cursor of the next or None; raise `Invalid` for a cursor not made here.

    `computed` are fields to sort by that are not stored, each an expression of MongoDB's.
    """
    steps: list[Document] = [
        {"$match": where},
        *([{"$addFields": computed}] if computed else []),
        *([{"$match": _after(order, page.cursor)}] if page.cursor else []),
        {"$sort": dict.fromkeys(order.fields, -1 if order.descending else 1)},
        {"$limit": page.limit + 1},
        *([{"$project": dict.fromkeys(order.left_out, False)}] if order.left_out else []),
    ]
    found = list(collection.aggregate(steps))
    more = len(found) > page.limit
    documents = found[: page.limit]
    return documents, _cursor(order, documents[-1]) if more else None


def _after(order: Order, cursor: str) -> Document:
    values = _values(order, cursor)
    comparison = "$lt" if order.descending else "$gt"
    return {
        "$or": [
            {**dict(zip(order.fields[:index], values[:index], strict=True)), field: {comparison: values[index]}}
            for index, field in enumerate(order.fields)
        ]
    }


def _values(order: Order, cursor: str) -> Sequence[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not _fit(order, values) or _encoded(values) != cursor:
        raise invalid("cursor", Expected("not_a_cursor"), cursor, "invalid_cursor")
    return values


def _fit(order: Order, values: Sequence[Any]) -> bool:
    """Return whether the values are of the types of the fields; the database finds nothing by others."""
    kinds = [int if field in order.numbers else str for field in order.fields]
    return list(map(type, values)) == kinds and all(map(_is_storable, values))


def _is_storable(value: str | int) -> bool:
    if isinstance(value, str):
        return is_whole(value)
    return -(2**63) <= value < 2**63


def _cursor(order: Order, document: Document) -> str:
    return _encoded([_at(document, field) for field in order.fields])


def _encoded(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _at(document: Document, path: str) -> Any:
    value: Any = document
    for step in path.split("."):
        value = value[step]
    return value
