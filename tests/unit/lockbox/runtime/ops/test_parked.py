from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from tests.unit.builders import REQUEST_ID

from lockbox.contracts.ops import ParkedMessage
from lockbox.crypto.canonical import canonical
from lockbox.runtime.broker.topology import SubscriptionTopology
from lockbox.runtime.ops.parked import describe, is_uuid, origin

TOPOLOGY = SubscriptionTopology("notify_service", "on_news", (("approval_service", "stage_opened"),))
PARKED_ID = str(uuid4())
OURS = {
    "x-lockbox-attempt": 5,
    "x-lockbox-reason": "Invalid: not_json",
    "x-lockbox-parked-at": "2026-01-31T09:30:00.123456Z",
    "x-lockbox-parked-id": PARKED_ID,
    "x-lockbox-origin": "approval_service.events",
}
DEATH = {
    "reason": "delivery_limit",
    "queue": TOPOLOGY.name,
    "exchange": "approval_service.events",
    "time": datetime(2026, 1, 31, 9, 30),  # noqa: DTZ001 - so does amqp
    "count": 1,
}


def described(body: bytes | str = b"x", message_id: Any = "m", **headers: Any) -> ParkedMessage:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    properties = {"application_headers": named, "message_id": message_id}
    return describe(SimpleNamespace(properties=properties, body=body), TOPOLOGY)


def ours(body: bytes = b"x", **changes: Any) -> ParkedMessage:
    return described(body, **{name.replace("-", "_"): value for name, value in (OURS | changes).items()})


def test_message_when_the_service_parked_it_says_what_the_service_noted() -> None:
    found = ours()
    assert (found.parked_id, found.attempt, found.reason) == (PARKED_ID, 5, "Invalid: not_json")
    assert found.parked_at == datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
    assert (found.queue, found.origin) == (TOPOLOGY.name, "approval_service.events")


def test_message_when_the_broker_parked_it_says_what_the_broker_noted_and_nothing_else() -> None:
    found = ours(**{"x-death": [DEATH], "x-lockbox-origin": "approval_service.forged"})
    assert found.parked_id != PARKED_ID
    assert (found.attempt, found.reason) == (1, "parked by the broker: delivery_limit")
    assert found.parked_at == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    assert found.origin == "approval_service.events"


def test_id_when_the_broker_parked_it_is_the_same_at_every_look_and_another_for_another_message() -> None:
    first = described(x_death=[DEATH])
    assert described(x_death=[DEATH], x_delivery_count=3) == first
    others = [
        described(b"y", x_death=[DEATH]),
        described(message_id="n", x_death=[DEATH]),
        described(x_death=[DEATH | {"count": 2}]),
        described(x_death=[DEATH], x_lockbox_replayed=PARKED_ID),
    ]
    assert len({first.parked_id, *(each.parked_id for each in others)}) == 5


def test_event_when_the_body_is_one_is_named() -> None:
    found = ours(canonical({"id": REQUEST_ID, "type": "stage_opened"}))
    assert (found.event_id, found.event_type) == (REQUEST_ID, "stage_opened")


@pytest.mark.parametrize(
    "body",
    [
        b"not JSON",
        b"[]",
        b"[" * 50_000,
        b'{"id": 7, "type": 7}',
        b'{"id": "\\ud800", "type": "\\ud800"}',
        b'{"id": "x", "type": "Not A Type"}',
        b'{"id": "566924BD-D58B-45EB-A91F-E689A1D37C43"}',
        b"\xff",
    ],
)
def test_event_when_the_body_is_none_has_no_name(body: bytes) -> None:
    assert (ours(body).event_id, ours(body).event_type) == (None, None)


@pytest.mark.parametrize("nonsense", [None, 7, "x", b"\xff", [], {}, "\ud800", [7], datetime(2026, 1, 31)])  # noqa: DTZ001
@pytest.mark.parametrize("name", [*OURS, "x-death"])
def test_header_when_it_is_of_another_form_does_no_harm(name: str, nonsense: Any) -> None:
    found = ours(**{name: nonsense})
    assert is_uuid(found.parked_id)
    assert found.reason.encode()
    assert found.origin.encode()


def test_message_when_it_has_no_headers_at_all_is_described() -> None:
    found = described(message_id=None)
    assert is_uuid(found.parked_id)
    assert (found.reason, found.parked_at, found.origin) == ("not said", None, "None")


def test_origin_when_the_broker_parked_what_came_by_again_is_what_the_service_noted_then() -> None:
    headers = {"x-lockbox-origin": "notify_service.events"}
    again = DEATH | {"exchange": "notify_service.redeliver"}
    assert origin(headers | {"x-death": [again]}, "notify_service") == "notify_service.events"
    assert origin(headers | {"x-death": [DEATH]}, "notify_service") == "approval_service.events"
