from tests.unit.builders import NOW, REQUEST_ID, created, event

from lockbox.runtime.storage.outbox import HEAD_START, LEASE, entries, stored


def test_entries_when_made_of_events_hold_the_text_that_is_published() -> None:
    made = event(created())
    [entry] = entries("requests", REQUEST_ID, [made])
    assert (entry.collection, entry.document_id) == ("requests", REQUEST_ID)
    assert (entry.event_id, entry.sequence, entry.type) == (made.id, made.sequence, "request_created")
    assert entry.payload.encode() == made.payload()
    assert entries("requests", REQUEST_ID, []) == []


def test_stored_when_made_of_entries_holds_what_is_needed_to_publish_them() -> None:
    made = event(created(), sequence=3)
    assert stored(entries("requests", REQUEST_ID, [made])) == [
        {"id": made.id, "sequence": 3, "type": "request_created", "payload": made.payload().decode()}
    ]


def test_lease_when_compared_is_longer_than_the_head_start() -> None:
    assert NOW < NOW + HEAD_START < NOW + LEASE
