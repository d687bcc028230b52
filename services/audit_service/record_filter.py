"""The selection of records as a query of MongoDB; the objects of an event are found in its text."""

import json
import re
from collections.abc import Sequence
from typing import Any

from lockbox.contracts.audit import ListRecords
from lockbox.contracts.events import VENDOR
from lockbox.runtime.storage.mongo import Document
from lockbox.values.timestamps import format_timestamp

PERSON = ("engineer", "requester")
"""The names by which events have the engineer that they are about."""


def record_filter(query: ListRecords, requests: Sequence[str]) -> Document:
    """Return the filter; `requests` are the ids of the requests with the service request that is looked for."""
    where = trail(query.tenant)
    asked_for = {"type": query.type, "actor": _as_kept(query.actor), "subject": _as_kept(query.subject)}
    where |= {name: value for name, value in asked_for.items() if value is not None}
    bounds = {"$gte": query.start, "$lt": query.end}
    times = {bound: format_timestamp(moment) for bound, moment in bounds.items() if moment is not None}
    texts = _about(query) + _of_service_request(query.service_request, requests)
    return where | ({"time": times} if times else {}) | ({"$and": texts} if texts else {})


def trail(tenant: str) -> Document:
    """Return the filter of a tenant's records, or of the vendor's own."""
    return {"tenant": None if tenant == VENDOR else tenant}


def has(names: tuple[str, ...], *values: str) -> Document:
    """Return the filter of events that have one of these values under one of these names."""
    either = "|".join(re.escape(_in_json(value)) for value in values)
    return {"payload": {"$regex": f'"(?:{"|".join(names)})"\\s*:\\s*"(?:{either})"'}}


def _about(query: ListRecords) -> list[Document]:
    given = ((PERSON, query.engineer), (("request_id",), query.request_id), (("grant_id",), query.grant_id))
    found = [_or_subject(names, value) for names, value in given if value is not None]
    return [*found, _touches(query.resource)] if query.resource is not None else found


def _or_subject(names: tuple[str, ...], value: str) -> Document:
    return {"$or": [{"subject": value}, has(names, value)]}


def _of_service_request(number: str | None, requests: Sequence[str]) -> list[Document]:
    if number is None:
        return []
    ways: list[Document] = [has(("service_request",), number)]
    if requests:
        ways += [{"subject": {"$in": list(requests)}}, has(("request_id",), *requests)]
    return [{"$or": ways}]


def _touches(resource: str) -> Document:
    """Return the filter of events with this resource, or with one below it, alone or in a list."""
    text = re.escape(_in_json(resource.rstrip("/")))
    value = f'"{text}(?:/[^"]*)?"'
    return {"payload": {"$regex": f'"resources?"\\s*:\\s*(?:{value}|\\[(?:[^\\]]*,)?\\s*{value})'}}


def _as_kept(name: str | None) -> str | None:
    """Return an address as records have it, in lower case; any other name as it is."""
    return name.lower() if name is not None and "@" in name else name


def _in_json(text: str) -> Any:
    return json.dumps(text, ensure_ascii=False)[1:-1]
