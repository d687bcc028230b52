"""The events of the measurements: those of approved requests, one request after the other."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from itertools import chain, islice, repeat

from lockbox import clock
from lockbox.contracts.approval.facts import DecisionRecorded, StageOpened
from lockbox.contracts.events import Cause, Event, Fact, envelop
from lockbox.contracts.grant.facts import AccessGranted
from lockbox.contracts.policy.document import Side
from lockbox.contracts.request.facts import RequestCreated
from lockbox.contracts.request.terms import AccessTerms, ReasonCode
from lockbox.ids import new_id
from lockbox.runtime.broker.publisher import Message, event_message

SOURCE = "approval_service"
EXCHANGE = f"{SOURCE}.events"
CAUSE = Cause("alice@contoso.example", new_id())
TERMS = AccessTerms(
    tenant="contoso",
    service_request="SR-359423",
    reason_code=ReasonCode.CUSTOMER_INITIATED_SUPPORT,
    justification="Alice cannot open her mailbox.",
    resources=("mailbox/alice",),
    actions=("read",),
    duration=timedelta(hours=4),
)


def messages(count: int) -> Iterator[Message]:
    """Yield `count` events of approved requests, as the relay publishes them."""
    for event in islice(chain.from_iterable(_approved_request() for _ in repeat(None)), count):
        yield event_message(SOURCE, event.id, event.type, event.payload().decode())


def requests(count: int) -> Iterator[Message]:
    """Yield `count` events `request_created`, as request_service publishes them."""
    for _ in range(count):
        request_id = new_id()
        asked = RequestCreated(
            **TERMS.within(request_id=request_id, requester="erin@vendor.example", created_at=clock.now())
        )
        [event] = envelop([asked], f"requests/{request_id}", 0, CAUSE, clock.now())
        yield event_message(event.source, event.id, event.type, event.payload().decode())


def _approved_request() -> list[Event]:
    return envelop(_facts(new_id(), new_id()), f"approvals/{new_id()}", 0, CAUSE, clock.now())


def _facts(request_id: str, grant_id: str) -> Iterator[Fact]:
    now = clock.now()
    asked = {"request_id": request_id, "requester": "erin@vendor.example"}
    opened = {"created_at": now, "expires_at": now + timedelta(hours=12), "quorum": 1, "policy_version": 1}
    yield StageOpened(**TERMS.within(**asked, **opened, stage=Side.CUSTOMER))
    yield DecisionRecorded(
        tenant="contoso",
        request_id=request_id,
        stage=Side.CUSTOMER,
        approver="alice@contoso.example",
        decision="approve",
        comment="Fine.",
    )
    granted = {"grant_id": grant_id, "starts_at": now, "ends_at": now + TERMS.duration}
    granted |= {"approval_required": True, "opened_by": "approval"}
    wanted = TERMS.within(**asked, **granted)
    yield AccessGranted(**{field.name: wanted[field.name] for field in fields(AccessGranted)})
