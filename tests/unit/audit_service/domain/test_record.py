import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest
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


IN_A_PROCESS_OF_ITS_OWN = """
import sys
from datetime import UTC, datetime
import audit_service.service
from audit_service.domain.record import Record
from lockbox.contracts.events import read_event
body = sys.stdin.buffer.read()
print(Record.of(read_event(body), body, datetime(2026, 1, 31, tzinfo=UTC)).foreign)
"""


@pytest.mark.parametrize(("source", "foreign"), [("request_service", "False"), ("notify_service", "True")])
def test_foreign_when_the_service_is_loaded_as_it_runs_is_said_of_others_events_alone(
    source: str, foreign: str
) -> None:
    command = [sys.executable, "-W", "ignore", "-c", IN_A_PROCESS_OF_ITS_OWN]
    body = replace(EVENT, source=source).payload()
    assert subprocess.run(command, input=body, capture_output=True, check=True).stdout.decode().strip() == foreign
