import hashlib

from tests.unit.builders import NOW, created, event

from audit_service.domain.record import Record

EVENT = event(created())
BODY = EVENT.payload()


def test_record_when_made_holds_the_bytes_as_they_were_published() -> None:
    record = Record.of(EVENT, BODY, NOW)
    assert record.payload.encode() == BODY
    assert record.digest == hashlib.sha256(BODY).hexdigest()
    assert (record.event, record.recorded_at) == (EVENT, NOW)


def test_record_when_the_bytes_are_not_canonical_keeps_them_all_the_same() -> None:
    spaced = BODY.replace(b'":', b'" : ')
    record = Record.of(EVENT, spaced, NOW)
    assert record.payload.encode() == spaced
    assert record.digest != Record.of(EVENT, BODY, NOW).digest


def test_contradiction_when_it_is_the_same_is_none() -> None:
    record = Record.of(EVENT, BODY, NOW)
    assert record.contradiction(record.digest) is None


def test_contradiction_when_another_is_on_record_names_the_event_and_both_digests() -> None:
    record = Record.of(EVENT, BODY, NOW)
    refusal = record.contradiction("0" * 64)
    assert refusal is not None
    assert refusal.code == "event_contradicts_record"
    for part in (EVENT.id, "0" * 64, record.digest):
        assert part in refusal.message
