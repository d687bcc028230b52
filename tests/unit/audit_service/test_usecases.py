import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.audit_service.fakes import FakeRecords, FakeUsages
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    FIONA,
    FRANK,
    NOW,
    OPERATOR,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    caller,
    created,
    event,
)

from audit_service import usecases
from audit_service.domain.record import Record
from audit_service.domain.usage import Period
from lockbox.contracts.audit import ListRecords, OnRecord
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.usage import GetGrantUsage, GetUsage
from lockbox.crypto.canonical import digest
from lockbox.errors import Forbidden, Invalid, NotFound

EVENT = event(created())
OTHER = event(created(), sequence=2)
GRANT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def read(reader: Caller, tenant: str, **where: Any) -> FakeRecords:
    records = FakeRecords()
    usecases.record_events(records, [(EVENT, EVENT.payload())], NOW)
    page = json.loads(usecases.list_records(records, reader, ListRecords(tenant=tenant, **where)).text)
    assert [record["id"] for record in page["items"]] == ([EVENT.id] if tenant == "contoso" else [])
    return records


# --- recording -----------------------------------------------------------------------------------------------------


def test_record_events_when_they_come_puts_each_on_record() -> None:
    records = FakeRecords()
    arrivals = [(each, each.payload()) for each in (EVENT, OTHER)]
    assert usecases.record_events(records, arrivals, NOW) == [None, None]
    assert records.kept == {f"{each.source}/{each.id}": Record.of(each, each.payload(), NOW) for each in (EVENT, OTHER)}


def test_record_events_when_one_comes_again_changes_nothing() -> None:
    records = FakeRecords()
    for now in (NOW, NOW.replace(hour=12)):
        assert usecases.record_events(records, [(EVENT, EVENT.payload())] * 2, now) == [None, None]
    assert [record.recorded_at for record in records.kept.values()] == [NOW]


def test_record_events_when_another_comes_under_a_known_id_refuses_that_one_alone() -> None:
    records = FakeRecords()
    forged = EVENT.payload().replace(b"alice", b"bob")
    arrivals = [(EVENT, EVENT.payload()), (EVENT, forged), (OTHER, OTHER.payload())]
    first, refused, last = usecases.record_events(records, arrivals, NOW)
    assert (first, last) == (None, None)
    assert refused is not None
    assert refused.code == "event_contradicts_record"
    assert b"alice" in records.kept[f"{EVENT.source}/{EVENT.id}"].payload.encode()


@pytest.mark.parametrize("source", ["notify_service", "request_service"])
def test_record_events_when_another_source_used_the_id_before_keeps_both(source: str) -> None:
    records = FakeRecords()
    taken = replace(OTHER, id=EVENT.id, source=source)
    own = replace(EVENT, source="approval_service")
    arrivals = [(taken, taken.payload()), (own, own.payload())]
    assert usecases.record_events(records, arrivals, NOW) == [None, None]
    assert set(records.kept) == {f"{source}/{EVENT.id}", f"approval_service/{EVENT.id}"}


@pytest.mark.parametrize("name", ["digest", "recorded_at", "foreign"])
def test_record_events_when_an_event_carries_a_name_of_the_record_refuses_that_one_alone(name: str) -> None:
    records = FakeRecords()
    forged = EVENT.payload()[:-1] + f',"{name}":"x"}}'.encode()
    refused, taken = usecases.record_events(records, [(EVENT, forged), (OTHER, OTHER.payload())], NOW)
    assert refused is not None
    assert (refused.code, taken) == ("event_name_reserved", None)
    assert set(records.kept) == {f"{OTHER.source}/{OTHER.id}"}


def test_record_events_when_the_name_stands_in_the_data_alone_puts_it_on_record() -> None:
    records = FakeRecords()
    told = replace(EVENT, data={**EVENT.data, "digest": "of something else"})
    assert usecases.record_events(records, [(told, told.payload())], NOW) == [None]


@pytest.mark.parametrize(
    ("source", "type_", "foreign"),
    [
        ("request_service", "request_created", False),
        ("approval_service", "request_approved", False),
        ("notify_service", "request_approved", True),
        ("audit_service", "decision_recorded", True),
        ("portal_service", "request_created", True),
        ("request_service", "made_up", True),
    ],
)
def test_record_when_its_source_does_not_own_the_type_is_foreign(source: str, type_: str, foreign: bool) -> None:
    told = replace(EVENT, source=source, type=type_)
    assert Record.of(told, told.payload(), NOW).foreign is foreign


def test_on_record_when_asked_compares_source_id_and_digest() -> None:
    records = FakeRecords()
    usecases.record_events(records, [(one, one.payload()) for one in (EVENT, OTHER)], NOW)
    asked = {EVENT.id: digest(EVENT.payload()), OTHER.id: digest(b"another"), "absent": digest(b"")}
    assert usecases.on_record(records, EVENT.source, asked) == OnRecord((EVENT.id,), ("absent",), (OTHER.id,))
    assert usecases.on_record(records, "notify_service", asked) == OnRecord((), tuple(asked), ())


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", ["contoso", "fabrikam", "vendor"])
def test_list_records_when_the_vendors_auditor_asks_gives_any(tenant: str) -> None:
    assert [query.tenant for query in read(VENDOR_AUDITOR, tenant).asked] == [tenant]


@pytest.mark.parametrize("reader", [ADMIN, AUDITOR])
def test_list_records_when_the_customers_own_reader_asks_gives_its_own(reader: Caller) -> None:
    assert [query.tenant for query in read(reader, "contoso", type="request_created").asked] == ["contoso"]


@pytest.mark.parametrize("reader", [ENGINEER, VENDOR_APPROVER, OPERATOR])
def test_list_records_when_at_the_vendor_without_the_role_is_forbidden(reader: Caller) -> None:
    with pytest.raises(Forbidden) as refused:
        ListRecords.require_role(reader)
    assert refused.value.code == "role_required"


def test_list_records_when_an_approver_of_the_customer_asks_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        ListRecords.require_role(ALICE)


@pytest.mark.parametrize("reader", [FIONA, FRANK, caller("x@fabrikam.example", "fabrikam", *Role)])
@pytest.mark.parametrize("tenant", ["contoso", "vendor", "nowhere"])
def test_list_records_when_it_is_not_ones_own_tenant_says_that_there_is_none(reader: Caller, tenant: str) -> None:
    with pytest.raises(NotFound) as refused:
        read(reader, tenant)
    assert (refused.value.code, refused.value.message) == ("tenant_not_found", "there is no such tenant")


@pytest.mark.parametrize("reader", [ADMIN, AUDITOR, ALICE])
def test_list_records_when_a_customer_asks_for_the_vendors_own_says_that_there_is_none(reader: Caller) -> None:
    with pytest.raises(NotFound):
        read(reader, "vendor")


def test_list_records_when_a_role_is_held_in_the_wrong_organisation_counts_for_nothing() -> None:
    for impostor in (
        caller("x@vendor.example", "vendor", Role.CUSTOMER_AUDITOR),
        caller("x@c.example", "contoso", Role.VENDOR_AUDITOR),
    ):
        with pytest.raises(Forbidden):
            ListRecords.require_role(impostor)


# --- granted versus used -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", [VENDOR_AUDITOR, ADMIN, AUDITOR, ALICE])
def test_get_usage_when_a_reader_asks_reports_on_the_last_30_days(reader: Caller) -> None:
    usages = FakeUsages()
    report = usecases.get_usage(usages, reader, GetUsage(tenant="contoso"), NOW)
    assert usages.asked == [("contoso", Period(NOW - timedelta(days=30), NOW))]
    assert (report.start, report.end) == (NOW - timedelta(days=30), NOW)


def test_get_usage_when_the_period_is_empty_is_refused() -> None:
    usages = FakeUsages()
    with pytest.raises(Invalid):
        usecases.get_usage(usages, AUDITOR, GetUsage(tenant="contoso", start=NOW, end=NOW), NOW)
    assert usages.asked == []


@pytest.mark.parametrize(
    ("reader", "tenant"),
    [(FIONA, "contoso"), (AUDITOR, "fabrikam"), (AUDITOR, "nowhere"), (AUDITOR, "vendor"), (VENDOR_AUDITOR, "vendor")],
)
def test_get_usage_when_it_is_not_ones_own_tenant_or_none_says_that_there_is_none(reader: Caller, tenant: str) -> None:
    usages = FakeUsages()
    for ask in (
        lambda: usecases.get_usage(usages, reader, GetUsage(tenant=tenant), NOW),
        lambda: usecases.get_grant_usage(usages, reader, GetGrantUsage(tenant=tenant, grant_id=GRANT_ID)),
    ):
        with pytest.raises(NotFound) as refused:
            ask()
        assert refused.value.code == "tenant_not_found"
    assert usages.asked == []


def test_get_grant_usage_when_the_tenant_has_no_such_grant_says_so() -> None:
    with pytest.raises(NotFound) as refused:
        usecases.get_grant_usage(FakeUsages(), AUDITOR, GetGrantUsage(tenant="contoso", grant_id=GRANT_ID))
    assert refused.value.code == "grant_not_found"


@pytest.mark.parametrize(("start", "end"), [(NOW, NOW), (NOW + timedelta(seconds=1), NOW)])
def test_list_when_the_period_is_none_is_refused(start: Any, end: Any) -> None:
    with pytest.raises(Invalid) as refused:
        usecases.list_records(FakeRecords(), AUDITOR, ListRecords(tenant="contoso", start=start, end=end))
    assert [fault["field"] for fault in refused.value.faults] == ["to"]
