"""Stores of audit_service in memory."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from audit_service.domain.record import Record
from audit_service.domain.usage import Period
from lockbox.contracts.audit import ListRecords, RecordPage
from lockbox.contracts.events import VENDOR, Event
from lockbox.contracts.usage import GetGrantUsage, GetUsage, GrantUsage, UsageReport, WithoutGrant
from lockbox.contracts.wire import Encoded
from lockbox.values.timestamps import format_timestamp


class FakeUsages:
    """Adds up nothing, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Period]] = []

    def report(self, query: GetUsage, period: Period) -> UsageReport:
        self.asked.append((query.tenant, period))
        return UsageReport(
            tenant=query.tenant,
            start=period.start,
            end=period.end,
            grants=0,
            never_used=0,
            without_grant=WithoutGrant(),
            items=(),
            next_cursor=None,
        )

    def of_grant(self, query: GetGrantUsage) -> GrantUsage | None:
        return None


class FakeRecords:
    """Records by source and event id, each written once."""

    def __init__(self) -> None:
        self.kept: dict[str, Record] = {}
        self.asked: list[ListRecords] = []

    def add(self, records: Sequence[Record]) -> dict[str, str]:
        return {record.key: self.kept.setdefault(record.key, record).digest for record in records}

    def digests(self, source: str, ids: Iterable[str]) -> dict[str, str]:
        keys = {event_id: f"{source}/{event_id}" for event_id in ids}
        return {event_id: self.kept[key].digest for event_id, key in keys.items() if key in self.kept}

    def list(self, query: ListRecords) -> Encoded[RecordPage]:
        self.asked.append(query)
        events = [record.event for record in self.kept.values()]
        asked = [one.subject for one in events if one.data.get("service_request") == query.service_request]
        found = [record for record in self.kept.values() if _fits(record.event, query, asked)]
        found.sort(key=lambda record: (record.event.time, record.event.sequence, record.key))
        if query.newest_first:
            found.reverse()
        return Encoded(json.dumps({"items": list(map(_document, found[: query.limit])), "next_cursor": None}))


def _fits(event: Event, query: ListRecords, asked: Sequence[str]) -> bool:
    actor = query.actor.lower() if query.actor else None
    asked_for = ((query.type, event.type), (actor, event.actor), (query.subject, event.subject))
    of_tenant = event.tenant == (None if query.tenant == VENDOR else query.tenant)
    in_time = (query.start is None or event.time >= query.start) and (query.end is None or event.time < query.end)
    plain = of_tenant and in_time and all(wanted in (None, there) for wanted, there in asked_for)
    return plain and _is_about(event, query, asked)


def _is_about(event: Event, query: ListRecords, asked: Sequence[str]) -> bool:
    data = event.data
    people = {data.get("engineer"), data.get("requester")}
    resources = [data.get("resource"), *(data.get("resources") or ())]
    below = [one for one in resources if one and f"{one}/".startswith(f"{query.resource}/")]
    return (
        (query.engineer is None or query.engineer in people)
        and (query.resource is None or bool(below))
        and (query.request_id in (None, event.subject, data.get("request_id")))
        and (query.grant_id in (None, event.subject, data.get("grant_id")))
        and (query.service_request in (None, data.get("service_request")) or data.get("request_id") in asked)
    )


def _document(record: Record) -> dict[str, Any]:
    kept = {"digest": record.digest, "recorded_at": format_timestamp(record.recorded_at)}
    return json.loads(record.payload) | kept | ({"foreign": True} if record.foreign else {})
