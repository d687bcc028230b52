"""Use cases of audit_service, a function for each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from audit_service.domain.record import Record
from audit_service.domain.usage import Period
from lockbox.contracts.audit import ListRecords, OnRecord, RecordPage
from lockbox.contracts.events import VENDOR, Event
from lockbox.contracts.identity import Caller
from lockbox.contracts.usage import GetGrantUsage, GetUsage, GrantUsage, UsageReport
from lockbox.contracts.wire import Encoded
from lockbox.errors import Invalid, NotFound, invalid
from lockbox.faults import Expected
from lockbox.values.timestamps import format_timestamp


class Records(Protocol):
    """The store of records: added and read, never changed."""

    def add(self, records: Sequence[Record]) -> Mapping[str, str]: ...  # noqa: D102
    def digests(self, source: str, ids: Iterable[str]) -> Mapping[str, str]: ...  # noqa: D102
    def list(self, query: ListRecords) -> Encoded[RecordPage]: ...  # noqa: D102


class Usages(Protocol):
    """The store that adds up the usage of grants."""

    def report(self, query: GetUsage, period: Period) -> UsageReport: ...  # noqa: D102
    def of_grant(self, query: GetGrantUsage) -> GrantUsage | None: ...  # noqa: D102


def record_events(records: Records, received: Iterable[tuple[Event, bytes]], now: datetime) -> list[Invalid | None]:
    """Put events on record; return for each None, or the refusal of one that can't be.

    The same event again changes nothing.
    """
    made = [_record(event, body, now) for event, body in received]
    known = records.add([record for record in made if isinstance(record, Record)])
    return [record if isinstance(record, Invalid) else record.contradiction(known[record.key]) for record in made]


def on_record(records: Records, source: str, asked: Mapping[str, str]) -> OnRecord:
    """Compare events of one source, digests by id, with the record."""
    found = records.digests(source, asked)
    same = tuple(event_id for event_id, digest in asked.items() if found.get(event_id) == digest)
    missing = tuple(event_id for event_id in asked if event_id not in found)
    return OnRecord(same, missing, tuple(set(found) - set(same)))


def _record(event: Event, body: bytes, now: datetime) -> Record | Invalid:
    try:
        return Record.of(event, body, now)
    except Invalid as error:
        return error


def list_records(records: Records, caller: Caller, query: ListRecords) -> Encoded[RecordPage]:
    """Read the audit trail of one tenant, or of the vendor itself."""
    if not (caller.is_vendor or caller.organisation == query.tenant != VENDOR):
        raise _no_tenant()
    if query.start is not None and query.end is not None and query.start >= query.end:
        raise invalid("to", Expected("not_after_start"), format_timestamp(query.end), "invalid_to")
    return records.list(query)


def get_usage(usages: Usages, caller: Caller, query: GetUsage, now: datetime) -> UsageReport:
    """Report on the grants of one tenant and their use."""
    _require_tenant(caller, query.tenant)
    return usages.report(query, Period.of(query.start, query.end, now))


def get_grant_usage(usages: Usages, caller: Caller, query: GetGrantUsage) -> GrantUsage:
    """Report on one grant and its use."""
    _require_tenant(caller, query.tenant)
    usage = usages.of_grant(query)
    if usage is None:
        raise NotFound("grant_not_found", "there is no such grant")
    return usage


def _require_tenant(caller: Caller, tenant: str) -> None:
    """Require a tenant that the caller may read of; the vendor itself is none."""
    if tenant == VENDOR or not (caller.is_vendor or caller.organisation == tenant):
        raise _no_tenant()


def _no_tenant() -> NotFound:
    return NotFound("tenant_not_found", "there is no such tenant")
