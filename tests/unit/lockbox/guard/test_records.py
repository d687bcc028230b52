from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.builders import REQUEST_ID
from tests.unit.lockbox.guard.grants import ATTEMPT, GRANT, SOON, decide
from tests.unit.lockbox.guard.stand_in import RECORD, Behaviour, StandIn, answers, hang, portal_of

from lockbox.contracts import wire
from lockbox.contracts.access import RecordAccess
from lockbox.guard import Attempt, Decision
from lockbox.guard.portal import PortalClient
from lockbox.guard.records import Strict, is_recordable, record_of
from lockbox.values.timestamps import format_timestamp


@pytest.fixture
def portal() -> Iterator[StandIn]:
    with portal_of() as portal:
        yield portal


@pytest.fixture
def strict(portal: StandIn) -> Iterator[Strict]:
    client = PortalClient(portal.url, timeout=0.1)
    yield Strict(client)
    client.close()


def denied(**attempt: Any) -> Decision:
    whole = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read"} | attempt
    return Decision(allowed=False, reason="no_grant", attempt=Attempt(**whole))


def test_record_of_when_allowed_says_who_did_what() -> None:
    record = dict(record_of(decide(), SOON))
    assert UUID(record.pop("access_id")).version == 4
    assert record.pop("at") == format_timestamp(SOON)
    assert record == {
        "allowed": True,
        "reason": "granted",
        "tenant": ATTEMPT.tenant,
        "resource": ATTEMPT.resource,
        "action": ATTEMPT.action,
        "grant_id": GRANT.id,
        "request_id": REQUEST_ID,
        "engineer": "erin@vendor.example",
    }


@given(resource=st.text() | st.none() | st.lists(st.integers()), action=st.text() | st.none())
def test_record_of_when_anything_was_tried_speaks_the_contracts_language(resource: Any, action: Any) -> None:
    made = record_of(denied(resource=resource, action=action), SOON)
    attempt = wire.decode(RecordAccess, dict(made))
    assert (attempt.reason, attempt.allowed) == ("no_grant", False)


@pytest.mark.parametrize("text", ["a\udcffb", "\ud800", "x" * 100_000, "\U0001f512" * 1_000, "a\x00b", "\u2028\n"])
def test_record_of_when_a_text_cannot_be_kept_as_it_is_keeps_its_beginning(text: str) -> None:
    attempt = wire.decode(RecordAccess, dict(record_of(denied(resource=text, action=text), SOON)))
    assert attempt.resource == text[:512].encode(errors="replace").decode()
    assert attempt.action == text[:64].encode(errors="replace").decode()


@pytest.mark.parametrize(
    "tenant", ["Contoso", "", "a b", "-a", "a-", "x" * 64, "c\u043entoso", "contoso\n", "../x", "a\udcff", None, 7]
)
def test_is_recordable_when_it_is_the_name_of_no_tenant_says_no(tenant: Any) -> None:
    assert not is_recordable(denied(tenant=tenant))
    assert is_recordable(denied(tenant="x" * 63))


def test_strict_when_the_portal_takes_it_says_so(strict: Strict, portal: StandIn) -> None:
    record = record_of(decide(), SOON)
    assert strict.record(record)
    assert portal.records == [record]


NOT_TAKEN: dict[str, Behaviour] = {
    "hangs": hang,
    "503": answers(503),
    "401": answers(401, b'{"code": "token_unknown"}'),
    "422": answers(422, b'{"code": "invalid_resource"}'),
    "moved": answers(302, Location="https://evil.example/"),
    "html": answers(200, b"<h1>Welcome to the hotel's WiFi</h1>"),
    "empty": answers(200),
    "null": answers(200, b"null"),
    "another": answers(201, b'{"access_id": "566924bd-d58b-45eb-a91f-e689a1d37c43"}'),
    "not text": answers(200, b"\xff\xfe"),
    "cut": answers(201, b'{"access_id"', **{"Content-Length": "100"}),
}


@pytest.mark.parametrize("behaviour", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_strict_when_the_portal_does_not_say_that_it_took_it_says_no(
    strict: Strict, portal: StandIn, behaviour: Behaviour
) -> None:
    portal.behaviours[RECORD] = behaviour
    assert not strict.record(record_of(decide(), SOON))


def test_strict_when_the_portal_is_gone_says_no(strict: Strict, portal: StandIn) -> None:
    portal.down()
    assert not strict.record(record_of(decide(), SOON))
    portal.up()
    assert strict.record(record_of(decide(), SOON))


def test_strict_when_the_guard_has_stopped_says_no(portal: StandIn) -> None:
    client = PortalClient(portal.url)
    client.close()
    assert not Strict(client).record(record_of(decide(), SOON))
    assert portal.requests == []
