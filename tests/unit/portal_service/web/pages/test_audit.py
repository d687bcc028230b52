"""The audit trail: filters, records in sentences, trails of the vendor and of tenants."""

from typing import Any

import pytest
from tests.unit.builders import ADMIN, AUDITOR, NOW, REQUEST_ID, VENDOR_AUDITOR
from tests.unit.portal_service.web.conftest import OpenAs

from lockbox.contracts.audit import ListRecords, RecordPage, RecordView
from lockbox.contracts.identity import Caller
from portal_service.web.pages.audit import request_of, types


def record(**changes: Any) -> RecordView:
    return RecordView(
        **{
            "id": REQUEST_ID,
            "type": "grant_revoked",
            "source": "approval_service",
            "time": NOW,
            "subject": REQUEST_ID,
            "tenant": "contoso",
            "actor": "alice@contoso.example",
            "sequence": 3,
            "data": {
                "tenant": "contoso",
                "grant_id": REQUEST_ID,
                "request_id": REQUEST_ID,
                "requester": "erin@vendor.example",
                "comment": "Enough.",
            },
            "correlationid": REQUEST_ID,
            "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "recorded_at": NOW,
            **changes,
        }
    )


def page_of(*records: RecordView, next_cursor: str | None = None) -> dict[type, Any]:
    return {ListRecords: RecordPage(items=records, next_cursor=next_cursor)}


def test_record_has_its_sentence_its_digest_and_its_data(open_as: OpenAs) -> None:
    page = open_as(ADMIN, answers=page_of(record())).get("/audit")
    for text in ("alice@contoso.example revoked the access", "Enough.", record().digest, '"comment": "Enough."'):
        assert text in page.text
    assert page.links["Open the request"] == f"/requests/{REQUEST_ID}"


def test_record_that_is_foreign_says_so_and_nothing_of_its_data_as_a_fact(open_as: OpenAs) -> None:
    page = open_as(ADMIN, answers=page_of(record(source="notify_service", foreign=True))).get("/audit")
    assert "Foreign event: notify_service published it and does not own this type." in page.text
    assert "revoked the access" not in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "moon_landed", "data": {"moon": 1}},
        {"data": {}},
        {"data": {"comment": ["x"], "request_id": 7}},
        {"type": "alert_sent", "source": "someone_else", "actor": "x"},
    ],
)
def test_record_of_any_kind_can_be_shown(open_as: OpenAs, changes: dict[str, Any]) -> None:
    page = open_as(ADMIN, answers=page_of(record(**changes))).get("/audit")
    assert record().digest in page.text


def test_filter_is_sent_to_the_service_as_it_was_typed(open_as: OpenAs) -> None:
    portal = open_as(AUDITOR, answers=page_of())
    page = portal.get("/audit?type=grant_revoked&actor=alice@contoso.example&from=2026-01-31T09:30&tenant=fabrikam")
    assert "No record fits this filter." in page.text
    [query] = portal.services.commands(ListRecords)
    assert (query.tenant, query.type, query.actor) == ("contoso", "grant_revoked", "alice@contoso.example")
    assert (query.start, query.newest_first) == (NOW.replace(second=0, microsecond=0), True)


def test_filter_with_a_wrong_moment_says_so(open_as: OpenAs) -> None:
    page = open_as(AUDITOR, answers=page_of()).get("/audit?from=yesterday", 422)
    assert "a date and time in UTC" in page.text


@pytest.mark.parametrize(
    ("person", "tenant", "trail"), [(VENDOR_AUDITOR, "", "vendor"), (VENDOR_AUDITOR, "contoso", "contoso")]
)
def test_auditor_of_the_vendor_chooses_the_trail(open_as: OpenAs, person: Caller, tenant: str, trail: str) -> None:
    portal = open_as(person, answers=page_of())
    portal.get(f"/audit?tenant={tenant}")
    assert [query.tenant for query in portal.services.commands(ListRecords)] == [trail]


def test_trail_goes_on_at_its_cursor(open_as: OpenAs) -> None:
    portal = open_as(AUDITOR, answers=page_of(record(), next_cursor="c-2"))
    page = portal.get("/audit?type=grant_revoked")
    assert page.links["Older"] == "/audit?type=grant_revoked&cursor=c-2"
    again = portal.get(page.links["Older"])
    assert again.links["Newest"] == "/audit?type=grant_revoked"
    assert [query.cursor for query in portal.services.commands(ListRecords)] == [None, "c-2"]


def test_types_to_filter_by_stand_under_the_service_that_publishes_them() -> None:
    assert "grant_revoked" in types()["approval_service"]
    assert "signed_in" in types()["portal_service"]


@pytest.mark.parametrize(("data", "request_id"), [({"request_id": "x"}, "x"), ({"request_id": 1}, None), ({}, None)])
def test_record_leads_to_its_request_if_it_has_one(data: dict[str, Any], request_id: str | None) -> None:
    assert request_of(record(data=data)) == request_id
