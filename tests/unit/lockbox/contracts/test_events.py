import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.builders import CORRELATION_ID, EVENT_ID, NOW, REQUEST_ID, created, event
from tests.unit.strategies import EVERY_FACT, JSON, WORDS, messages

from lockbox.contracts import wire
from lockbox.contracts.access import AccessDenied
from lockbox.contracts.approval.facts import RequestExpired, StageOpened
from lockbox.contracts.events import (
    FACTS,
    Cause,
    Changed,
    Event,
    Fact,
    _checked,
    _well_formed,
    envelop,
    event_id,
    read_event,
)
from lockbox.contracts.grant.facts import GrantRevoked
from lockbox.contracts.member import MemberAdded
from lockbox.contracts.request.facts import RequestCreated
from lockbox.crypto.canonical import canonical
from lockbox.errors import Invalid

CAUSE = Cause("erin@vendor.example", CORRELATION_ID)
GRANT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
EXPIRED = RequestExpired(
    tenant="contoso", request_id=REQUEST_ID, requester="erin@vendor.example", service_request="SR-359423"
)


def document(**changes: Any) -> dict[str, Any]:
    return {**json.loads(event(created()).payload()), **changes}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in document().items() if key != name}


def code_of(body: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        read_event(body)
    return refused.value.code


# --- ids and numbers -----------------------------------------------------------------------------------------------


def test_event_id_when_made_again_is_the_same() -> None:
    made = event_id("request_service", f"requests/{REQUEST_ID}", 1, "request_created")
    assert made == event_id("request_service", f"requests/{REQUEST_ID}", 1, "request_created")
    assert UUID(made).version == 5


def test_event_id_when_made_by_an_earlier_release_was_the_same() -> None:
    assert event_id("request_service", "requests/1", 1, "request_created") == "79d918dc-f285-5970-bda2-a791ca4e5be4"


@given(st.lists(st.tuples(WORDS, WORDS, st.integers(1, 99), WORDS), unique=True, max_size=20))
def test_event_id_when_anything_differs_is_another(parts: list[tuple[str, str, int, str]]) -> None:
    assert len({event_id(*each) for each in parts}) == len(parts)


def test_envelop_when_the_same_facts_come_again_makes_the_same_events() -> None:
    facts = [created(), EXPIRED]
    assert envelop(facts, "requests/1", 0, CAUSE, NOW) == envelop(facts, "requests/1", 0, CAUSE, NOW)


def test_envelop_when_made_at_another_time_keeps_the_id() -> None:
    [early], [late] = (envelop([EXPIRED], "a/1", 4, CAUSE, now) for now in (NOW, NOW + timedelta(hours=1)))
    assert early.id == late.id


def test_envelop_when_there_are_many_facts_numbers_them_after_the_last() -> None:
    events = envelop([created(), EXPIRED, EXPIRED], "requests/1", 7, CAUSE, NOW)
    assert [each.sequence for each in events] == [8, 9, 10]
    assert len({each.id for each in events}) == 3


def test_envelop_when_there_are_no_facts_makes_nothing() -> None:
    assert envelop([], "requests/1", 0, CAUSE, NOW) == []


def test_envelop_when_there_is_a_cause_carries_it() -> None:
    [made] = envelop([EXPIRED], "a/1", 0, Cause("approval_service", CORRELATION_ID, EVENT_ID), NOW)
    assert (made.actor, made.correlationid, made.causationid) == ("approval_service", CORRELATION_ID, EVENT_ID)
    assert (made.tenant, made.subject, made.source, made.type) == (
        "contoso",
        REQUEST_ID,
        "approval_service",
        "request_expired",
    )
    assert (made.specversion, made.datacontenttype, made.dataversion, made.time) == ("1.0", "application/json", 1, NOW)


def test_cause_when_an_event_leads_to_another_ties_them_together() -> None:
    first = event(created())
    assert first.cause("approval_service") == Cause("approval_service", CORRELATION_ID, first.id)


# --- facts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY_FACT)
def test_fact_when_registered_has_the_name_of_its_class(kind: type[Fact]) -> None:
    assert kind.type.replace("_", "") == kind.__name__.lower()
    assert FACTS[kind.source, kind.type, kind.dataversion] is kind


def test_fact_when_it_only_collects_fields_is_not_registered() -> None:
    names = {kind.__name__ for kind in EVERY_FACT}
    assert not {"Fact", "Outcome", "GrantFact", "AccessUsed", "AlertFact", "MemberFact"} & names


def test_fact_when_about_a_request_a_grant_or_a_member_has_its_id_as_subject() -> None:
    revoked = GrantRevoked(
        tenant="contoso", grant_id=GRANT_ID, request_id=REQUEST_ID, requester="erin@vendor.example", comment=""
    )
    assert created().subject == REQUEST_ID
    assert revoked.subject == GRANT_ID
    assert MemberAdded(tenant=None, email="erin@vendor.example", roles=("engineer",)).subject == "erin@vendor.example"


@pytest.mark.parametrize(("grant_id", "subject"), [(GRANT_ID, GRANT_ID), (None, EVENT_ID)])
def test_access_fact_when_there_was_no_grant_is_about_the_attempt(grant_id: str | None, subject: str) -> None:
    denied = AccessDenied(
        access_id=EVENT_ID,
        tenant="contoso",
        grant_id=grant_id,
        request_id=None,
        engineer=None,
        resource="mailbox/alice",
        action="read",
        reason="no_grant",
        enforcement_point="content-service@vendor.example",
        at=NOW,
    )
    assert denied.subject == subject


def test_changed_when_it_goes_on_adds_up_the_facts() -> None:
    changed = Changed(1, (created(),)).then(lambda state: Changed(state + 1, (EXPIRED,)))
    assert changed == Changed(2, (created(), EXPIRED))


# --- the document --------------------------------------------------------------------------------------------------


def test_payload_when_made_is_canonical_and_has_no_nulls() -> None:
    made = event(MemberAdded(tenant=None, email="erin@vendor.example", roles=("engineer",)))
    body = made.payload()
    assert body == canonical(json.loads(body))
    assert None not in json.loads(body).values()
    assert "tenant" not in json.loads(body)
    assert "causationid" not in json.loads(body)


@given(st.sampled_from(EVERY_FACT).flatmap(messages))
def test_event_when_published_and_read_gives_the_same_fact(fact: Fact) -> None:
    [made] = envelop([fact], "tests/1", 0, CAUSE, NOW)
    back = read_event(made.payload())
    assert back == made
    assert back.fact() == fact.latest()
    assert back.payload() == made.payload()


@given(st.dictionaries(WORDS, JSON, max_size=4))
def test_event_when_its_data_is_of_an_unknown_kind_keeps_the_bytes(data: dict[str, Any]) -> None:
    made = replace(event(created()), type="something_later", data=data)
    assert read_event(made.payload()).payload() == made.payload()


@pytest.mark.parametrize(
    "value", [{"__type__": "datetime", "__value__": "2026"}, [{"__type__": "x"}], {"__bytes__": "AA=="}]
)
def test_event_when_its_data_has_kombus_marks_leaves_them_alone(value: object) -> None:
    made = replace(event(created()), data={"note": value, "__type__": "uuid", "__value__": "x"})
    back = read_event(made.payload())
    assert back.data == {"note": value, "__type__": "uuid", "__value__": "x"}
    assert back.payload() == made.payload()


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe\x00", b"<xml/>", b"[" * 100_000, b'{"a":' * 100_000, b"\x00", b"{'a': 1}"], ids=repr
)
def test_read_event_when_it_is_not_json_says_so(body: bytes) -> None:
    assert code_of(body) == "not_json"


@pytest.mark.parametrize("body", [b"null", b"[]", b"7", b'"text"', b"true", b'[{"id": 1}]'])
def test_read_event_when_it_is_not_an_object_says_so(body: bytes) -> None:
    assert code_of(body) == "invalid_body"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_read_event_when_not_in_utf_8_refuses_it(encoding: str) -> None:
    assert code_of(json.dumps(document()).encode(encoding)) == "not_json"


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_read_event_when_it_has_what_only_python_calls_json_refuses_it(constant: str) -> None:
    body = event(created()).payload().replace(b'"Alice cannot open her mailbox."', constant.encode())
    assert constant.encode() in body
    assert code_of(body) == "not_json"


@pytest.mark.parametrize(
    "name", ["id", "source", "type", "time", "subject", "actor", "sequence", "dataversion", "correlationid"]
)
def test_read_event_when_an_attribute_is_missing_names_it(name: str) -> None:
    assert code_of(json.dumps(without(name)).encode()) == f"invalid_{name}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "1"),
        ("id", None),
        ("time", "yesterday"),
        ("time", "2026-01-31T09:30:00"),
        ("data", "text"),
        ("data", [1]),
        ("tenant", "Contoso"),
        ("sequence", "first"),
        ("dataversion", {}),
        ("actor", 7),
    ],
)
def test_read_event_when_an_attribute_is_wrong_names_it(name: str, value: object) -> None:
    assert code_of(json.dumps(document(**{name: value})).encode()) == f"invalid_{name}"


def test_read_event_when_it_has_more_attributes_leaves_them_out() -> None:
    body = json.dumps(document(dataschema="https://x.example", traceparent="00-1", data_base64="AA==")).encode()
    assert read_event(body) == event(created())


def test_read_event_when_the_time_has_an_offset_is_in_utc() -> None:
    read = read_event(json.dumps(document(time="2026-01-31T10:30:00.123456+01:00")).encode())
    assert read.time == NOW
    assert read.time.tzinfo is UTC


ODD = [
    {"actor": "\ud800"},
    {"data": {"a": "\ud800"}},
    {"data": {"a": 1.5}},
    {"data": {"a": float("nan")}},
    {"data": None},
    {"sequence": 1.0},
    {"sequence": True},
    {"sequence": 2**70},
    {"sequence": -1},
    {"sequence": "1"},
    {"dataversion": 2**53},
    {"time": "2026-01-31T09:30:00Z"},
    {"time": "2026-01-31 09:30:00Z"},
    {"time": "2026-01-31t09:30:00z"},
    {"time": 1},
    {"time": "2026-01-31T09:30:00.123456789Z"},
    {"time": "2026-01-31T09:30:00+02:00"},
    {"time": "2026-01-31T24:00:00Z"},
    {"tenant": None},
    {"tenant": "X"},
    {"causationid": 7},
    {"causationid": None},
    {"id": EVENT_ID.upper()},
    {"extra": 1},
    {"specversion": None},
    {"datacontenttype": "text/xml"},
]


@pytest.mark.parametrize("changes", ODD)
def test_read_event_when_read_quickly_means_what_the_schema_says(changes: dict[str, Any]) -> None:
    body = json.dumps(document(**changes)).encode()
    quick = _well_formed(body)
    assert quick is None or quick == _checked(body)


@given(messages(Event))
def test_read_event_when_published_by_ourselves_is_read_quickly(made: Event) -> None:
    assert _well_formed(made.payload()) == _checked(made.payload())


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "request_teleported"},
        {"dataversion": 99},
        {"dataversion": 0},
        {"source": "approval_service"},
        {"source": "https://elsewhere.example"},
    ],
)
def test_fact_when_type_source_or_version_is_unknown_says_so(changes: dict[str, Any]) -> None:
    read = read_event(json.dumps(document(**changes)).encode())
    with pytest.raises(Invalid) as refused:
        read.fact()
    assert refused.value.code == "unknown_event"


def test_fact_when_its_data_has_more_fields_leaves_them_out() -> None:
    read = read_event(json.dumps(document(data={**wire.encode(created()), "colour": "red"})).encode())
    assert read.fact() == created()


def test_fact_when_its_data_is_wrong_names_the_field() -> None:
    read = read_event(json.dumps(document(data={**wire.encode(created()), "duration": "4h"})).encode())
    with pytest.raises(Invalid) as refused:
        read.fact()
    assert refused.value.code == "invalid_duration"


def test_fact_when_read_is_of_the_class_that_its_type_names() -> None:
    assert isinstance(event(created()).fact(), RequestCreated)
    assert FACTS["approval_service", "stage_opened", 1] is StageOpened


def test_event_when_its_tenant_is_the_vendor_alone_has_none() -> None:
    made: Event = event(MemberAdded(tenant=None, email="erin@vendor.example", roles=("engineer",)))
    assert made.tenant is None
    assert read_event(made.payload()).tenant is None


# --- the quick reader beside the schema ------------------------------------------------------------------------------

ODD = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1.0, 1.5, 2**63, 10**400, "", " ", "1", "0x1", "null", [], {}, [1], {"a": None}),
        *("contoso", "Contoso", "contoso\n", "-a", "a" * 64, "\ud800", "\u0660", REQUEST_ID, REQUEST_ID.upper()),
        *(f"{REQUEST_ID}\n", "2026-01-31T09:30:00Z", "2026-01-31T09:30:00+02:00", "2026-01-31T09:30:00"),
        *(
            "0001-01-01T00:00:00+23:59",
            "2026-01-31 09:30:00Z",
            "2026-01-31T09:30:00.123456789Z",
            "2026-13-01T00:00:00Z",
        ),
    ]
)
MISSING = object()
FIELDS = st.sampled_from([*document(), "tenant", "causationid", "unknown"])
CHANGES = st.dictionaries(FIELDS, ODD | JSON | st.floats() | st.just(MISSING), max_size=3)
DAMAGE = st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), max_size=3)


def by_schema(body: bytes) -> Event:
    """What a body says by the schema alone."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    try:
        told = json.loads(body.decode(), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Invalid("not_json", f"the body is not JSON: {error}") from error
    return wire.decode(Event, told, tolerant=True)


def outcome(read: Callable[[bytes], Event], body: bytes) -> str:
    """The event or the refusal, in full and with the types of all values."""
    try:
        return repr(read(body))
    except Invalid as refusal:
        return repr((refusal.code, refusal.message, refusal.faults))


def test_read_event_when_a_name_is_not_utf8_says_what_the_schema_says() -> None:
    body = json.dumps(document(extra=1)).encode().replace(b'"extra"', b'"ex\x98ra"')
    assert outcome(read_event, body) == outcome(by_schema, body)


@settings(max_examples=500)
@given(CHANGES)
def test_read_event_when_any_field_is_anything_says_what_the_schema_says(changes: dict[str, Any]) -> None:
    told = {name: value for name, value in document(**changes).items() if value is not MISSING}
    body = json.dumps(told).encode()
    assert outcome(read_event, body) == outcome(by_schema, body)


@given(st.sampled_from(EVERY_FACT).flatmap(messages), DAMAGE)
def test_read_event_when_bytes_are_damaged_says_what_the_schema_says(fact: Fact, damage: list[tuple[int, int]]) -> None:
    body = bytearray(event(fact).payload())
    for place, byte in damage:
        body[place % len(body)] = byte
    assert outcome(read_event, bytes(body)) == outcome(by_schema, bytes(body))


@pytest.mark.parametrize(
    "body", [b"", b"\xef\xbb\xbf{}", b"[" * 50_000, b"[]", b'"text"', b"1", b"null", b"NaN", b'{"a":1}x']
)
def test_read_event_when_it_is_no_object_says_what_the_schema_says(body: bytes) -> None:
    assert outcome(read_event, body) == outcome(by_schema, body)
