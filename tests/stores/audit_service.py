"""Promises of the record."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit_service.domain.record import Record
from lockbox.contracts.access import AccessAllowed
from lockbox.contracts.audit import ListRecords
from lockbox.contracts.events import Event
from lockbox.contracts.keys import SigningKeyRetired
from lockbox.values.timestamps import format_timestamp
from tests.unit.builders import NOW, REQUEST_ID, created, event

MINUTE = timedelta(minutes=1)


def told(sequence: int = 1, minutes: int = 0, **changes: Any) -> Event:
    return replace(event(created(), sequence), time=NOW + minutes * MINUTE, **changes)


GRANT_ID = "123e4567-e89b-12d3-a456-426614174000"


def access(sequence: int, resource: str) -> Event:
    """A use of the request's grant, a minute later for each."""
    fact = AccessAllowed(
        access_id=f"00000000-0000-4000-8000-{sequence:012}",
        tenant="contoso",
        grant_id=GRANT_ID,
        request_id=REQUEST_ID,
        engineer="erin@vendor.example",
        resource=resource,
        action="read",
        reason="granted",
        enforcement_point="content@vendor.example",
        at=NOW,
    )
    return replace(event(fact, sequence), time=NOW + sequence * MINUTE, actor="content@vendor.example")


def record(one: Event) -> Record:
    return Record.of(one, one.payload(), NOW + 60 * MINUTE)


class RecordsSuite:
    """Records by event id, each written once."""

    def add(self, store: Any, *events: Event) -> dict[str, str]:
        return dict(store.add([record(one) for one in events]))

    def listed(self, store: Any, tenant: str = "contoso", **where: Any) -> list[int]:
        return [item["sequence"] for item in self.items(store, tenant, **where)]

    def items(self, store: Any, tenant: str = "contoso", **where: Any) -> list[dict[str, Any]]:
        page = json.loads(store.list(ListRecords(tenant=tenant, **where)).text)
        return list(page["items"])

    def test_add_when_new_gives_the_digest_of_each(self, store: Any) -> None:
        assert self.add(store, told(1), told(2)) == {record(one).key: record(one).digest for one in (told(1), told(2))}
        asked = [told(1).id, told(3).id]
        assert store.digests(told().source, asked) == {told(1).id: record(told(1)).digest}
        assert store.digests("notify_service", asked) == {}

    def test_add_when_another_source_has_the_same_id_adds_both(self, store: Any) -> None:
        self.add(store, told(1), told(1, source="notify_service"))
        assert sorted(item["source"] for item in self.items(store)) == ["notify_service", "request_service"]
        assert [item["source"] for item in self.items(store) if item.get("foreign")] == ["notify_service"]

    def test_add_when_one_is_there_gives_the_digest_on_record_and_adds_the_others(self, store: Any) -> None:
        self.add(store, told(1))
        forged = told(1, actor="mallory@contoso.example")
        expected = {record(one).key: record(one).digest for one in (told(1), told(2))}
        assert self.add(store, forged, told(2)) == expected
        [first, _] = self.items(store)
        assert first["actor"] == told(1).actor

    def test_add_when_one_comes_twice_at_once_is_one_record(self, store: Any) -> None:
        assert self.add(store, told(1), told(1)) == {record(told(1)).key: record(told(1)).digest}
        assert self.listed(store) == [1]

    def test_list_when_asked_gives_each_record_as_it_was_published(self, store: Any) -> None:
        self.add(store, told(1))
        [item] = self.items(store)
        added = {"digest": record(told(1)).digest, "recorded_at": format_timestamp(record(told(1)).recorded_at)}
        assert item == json.loads(told(1).payload()) | added

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_list_when_asked_is_in_the_order_of_times_then_sequences(self, store: Any, newest_first: bool) -> None:
        self.add(store, told(3, 5), told(2), told(1), told(4, 1))
        order = [1, 2, 4, 3]
        expected = order[::-1] if newest_first else order
        assert self.listed(store, newest_first=newest_first) == expected
        assert self.listed(store, newest_first=newest_first, limit=2) == expected[:2]

    def test_list_when_narrowed_gives_those_alone(self, store: Any) -> None:
        self.add(store, told(1), told(2, 1, actor="eve@vendor.example"), told(3, 2, type="request_expired"))
        assert self.listed(store, actor="eve@vendor.example") == [2]
        assert self.listed(store, type="request_created") == [1, 2]
        assert self.listed(store, subject=REQUEST_ID) == [1, 2, 3]
        assert self.listed(store, subject="nothing") == []
        assert self.listed(store, start=NOW + MINUTE) == [2, 3]
        assert self.listed(store, end=NOW + MINUTE) == [1]

    @pytest.mark.parametrize(
        ("where", "found"),
        [
            ({"engineer": "erin@vendor.example"}, [1, 2, 3]),
            ({"engineer": "eve@vendor.example"}, []),
            ({"service_request": "SR-359423"}, [1, 2, 3]),
            ({"service_request": "SR-3594"}, []),
            ({"resource": "mailbox/alice"}, [1, 2]),
            ({"resource": "mailbox"}, [1, 2]),
            ({"resource": "mailbox/al"}, []),
            ({"resource": 'files/a "b" (c)/d'}, [3]),
            ({"request_id": REQUEST_ID}, [1, 2, 3]),
            ({"grant_id": GRANT_ID}, [2, 3]),
            ({"grant_id": REQUEST_ID}, [1]),
            ({"actor": "Erin@Vendor.Example", "engineer": "erin@vendor.example"}, [1]),
            ({"engineer": "erin@vendor.example", "resource": "files"}, [3]),
        ],
    )
    def test_list_when_narrowed_to_an_access_finds_it_by_all_that_it_is_about(
        self, store: Any, where: dict[str, Any], found: list[int]
    ) -> None:
        self.add(store, told(1), access(2, "mailbox/alice"), access(3, 'files/a "b" (c)/d'))
        assert self.listed(store, **where) == found

    def test_list_when_of_a_tenant_gives_nothing_of_others(self, store: Any) -> None:
        self.add(store, told(1), event(SigningKeyRetired(kid="k-1"), 7))
        assert self.listed(store) == [1]
        assert self.listed(store, "vendor") == [7]
        assert self.listed(store, "fabrikam") == []
