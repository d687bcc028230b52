import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest
from tests.unit.builders import NOW, created, event

from audit_service.domain.record import Record
from lockbox.contracts.events import read_event
from lockbox.errors import Invalid

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


def with_member(text: str) -> bytes:
    return BODY[:-1] + b"," + text.encode() + b"}"


@pytest.mark.parametrize(
    "member",
    ['"digest":"x"', r'"dig\u0065st":"x"', '"recorded_at":"x"', '"foreign":false', r'"foreig\u006e":"yes"'],
)
def test_record_when_the_event_has_a_name_that_the_record_adds_is_refused(member: str) -> None:
    body = with_member(member)
    with pytest.raises(Invalid) as refused:
        Record.of(read_event(body), body, NOW)
    assert refused.value.code == "event_name_reserved"


def test_record_when_the_data_has_a_name_that_the_record_adds_is_made() -> None:
    body = BODY.replace(b'"data":{', b'"data":{"digest":"x",')
    assert Record.of(read_event(body), body, NOW).payload == body.decode()


@pytest.mark.parametrize(
    "value",
    ["1e999", "9" * 5_000, r'"\ud800"', "[" * 900 + "]" * 900],
    ids=["infinity", "digits", "surrogate", "depth"],
)
def test_record_when_its_readers_could_not_read_it_is_refused(value: str) -> None:
    body = with_member(f'"later":{value}')
    with pytest.raises(Invalid) as refused:
        Record.of(read_event(body), body, NOW)
    assert refused.value.code == "event_not_portable"


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


def test_record_when_the_event_has_a_name_twice_is_refused() -> None:
    body = with_member('"later":{"a":1,"a":2}')
    with pytest.raises(Invalid) as refused:
        Record.of(read_event(body), body, NOW)
    assert refused.value.code == "event_not_portable"
