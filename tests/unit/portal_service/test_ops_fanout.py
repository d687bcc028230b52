from collections.abc import Iterable
from typing import Any

import pytest
from tests.unit.builders import CORRELATION_ID, NOW

from lockbox.contracts.calls import Call
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.listeners import SOURCES
from lockbox.contracts.ops import (
    CheckTopology,
    GetOutbox,
    ListParked,
    OutboxView,
    ParkedCount,
    ParkedList,
    ParkedMessage,
    TopologyItem,
    TopologyView,
)
from lockbox.errors import Conflict, Forbidden, LockboxError, NotFound, Unavailable
from portal_service.ops_fanout import ask, ask_all, outbox_overview, owner_of, parked_overview, topology_overview

OPERATOR = Caller("otto@vendor.example", "vendor", frozenset({Role.OPERATOR}), NOW, CORRELATION_ID)
NOBODY = [
    Caller("erin@vendor.example", "vendor", frozenset({Role.ENGINEER, Role.VENDOR_AUDITOR}), NOW, CORRELATION_ID),
    Caller("carol@contoso.example", "contoso", frozenset({Role.CUSTOMER_ADMIN}), NOW, CORRELATION_ID),
    Caller("mallory@contoso.example", "contoso", frozenset({Role.OPERATOR}), NOW, CORRELATION_ID),
]
DOWN = Unavailable("service_timeout", "notify_service did not answer in time")


def message(number: int) -> ParkedMessage:
    return ParkedMessage(
        queue="audit_service.on_event.v1",
        parked_id=f"00000000-0000-4000-8000-{number:012}",
        parked_at=NOW,
        reason="Invalid: not_json",
        attempt=1,
        origin="approval_service.events",
        event_id=None,
        event_type=None,
        size=1,
        sha256="9f86",
    )


class Everybody:
    """All services: some answer, some don't."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def call(self, caller: Caller, message: Call[Any], service: str | None = None) -> Any:
        self.asked.append(str(service))
        answer = self.answers[str(service)]
        if isinstance(answer, LockboxError):
            raise answer
        return answer

    def call_each(self, caller: Caller, message: Call[Any], services: Iterable[str]) -> dict[str, Any]:
        self.asked += services
        return {service: self.answers[service] for service in services}

    def answer(self, caller: Caller, message: Call[Any]) -> Any:
        """The portal's own side."""
        answer = self.answers["portal_service"]
        if isinstance(answer, LockboxError):
            raise answer
        return answer


def outboxes(**changes: Any) -> Everybody:
    return Everybody(
        **{source: OutboxView(waiting=0, oldest_seconds=None, published=7) for source in SOURCES} | changes
    )


@pytest.mark.parametrize("caller", NOBODY)
def test_ask_when_no_operator_does_asks_nobody(caller: Caller) -> None:
    everybody = outboxes()
    for asking in (
        lambda: ask(everybody, everybody, caller, GetOutbox(), "audit_service"),
        lambda: ask(everybody, everybody, caller, GetOutbox(), "portal_service"),
        lambda: ask_all(everybody, everybody, caller, GetOutbox()),
    ):
        with pytest.raises(Forbidden):
            asking()
    assert everybody.asked == []


def test_ask_when_it_is_for_the_portal_itself_sends_nothing() -> None:
    everybody = outboxes()
    assert ask(everybody, everybody, OPERATOR, GetOutbox(), "portal_service").published == 7
    assert everybody.asked == []
    assert ask(everybody, everybody, OPERATOR, GetOutbox(), "audit_service").published == 7
    assert everybody.asked == ["audit_service"]


@pytest.mark.parametrize("silent", SOURCES)
@pytest.mark.parametrize("error", [DOWN, Conflict("parked_queue_busy", "somebody else is at it")])
def test_ask_all_when_one_does_not_answer_has_the_others(silent: str, error: LockboxError) -> None:
    everybody = outboxes(**{silent: error})
    overview = outbox_overview(ask_all(everybody, everybody, OPERATOR, GetOutbox()))
    assert {item.service for item in overview.items} == set(SOURCES) - {silent}
    assert [(one.service, one.code, one.detail) for one in overview.silent] == [(silent, error.code, error.message)]
    assert "portal_service" not in everybody.asked


def test_parked_when_many_answer_is_one_list_no_longer_than_asked_for() -> None:
    everybody = Everybody(
        **{
            source: ParkedList(queues=(ParkedCount(queue=f"{source}.x.v1", parked=2),), items=(message(1), message(2)))
            for source in SOURCES
        }
    )
    overview = parked_overview(ask_all(everybody, everybody, OPERATOR, ListParked(limit=3)), 3)
    assert [count.queue for count in overview.queues] == sorted(f"{source}.x.v1" for source in SOURCES)
    assert len(overview.items) == 3
    assert overview.silent == ()


def test_topology_when_many_answer_names_the_service_of_each_item() -> None:
    view = TopologyView(items=(TopologyItem(kind="queue", name="x", fault="missing"),))
    everybody = Everybody(**dict.fromkeys(SOURCES, view))
    overview = topology_overview(ask_all(everybody, everybody, OPERATOR, CheckTopology()))
    assert [(item.service, item.fault) for item in overview.items] == [(each, "missing") for each in sorted(SOURCES)]


@pytest.mark.parametrize("source", SOURCES)
def test_owner_when_a_queue_is_named_after_a_service_is_that_service(source: str) -> None:
    assert owner_of(f"{source}.on_event.v1") == source


@pytest.mark.parametrize("queue", ["", "audit_service_.x", "nobody.on_event.v1", "rpc-audit_service", "."])
def test_owner_when_there_is_none_is_not_found(queue: str) -> None:
    with pytest.raises(NotFound):
        owner_of(queue)
