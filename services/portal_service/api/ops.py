"""Routes for operators: the service that owns a queue answers, or all services together."""

from collections.abc import Mapping
from typing import Any

from lockbox.contracts.calls import Call
from lockbox.contracts.keys import ListKeys
from lockbox.contracts.ops import CheckTopology, DropParked, GetOutbox, ListParked, ReadParked, ReplayParked
from lockbox.contracts.registry import Operation
from portal_service import ops_fanout
from portal_service.api.special import NEVER_KEPT, Special, send_uncached
from portal_service.edge import edge
from portal_service.ops_fanout import OutboxOverview, ParkedOverview, TopologyOverview, owner_of


def list_parked(message: ListParked) -> tuple[ParkedOverview, dict[str, str]]:
    """List the parked messages of one queue, or of all services."""
    if message.queue is None:
        answers = edge().operate_all(message)
    else:
        service = owner_of(message.queue)
        answers = {service: edge().operate(service, message)}
    return ops_fanout.parked_overview(answers, message.limit), NEVER_KEPT


def read_parked(message: ReadParked) -> tuple[Any, dict[str, str]]:
    """Read one parked message from the service that owns its queue."""
    return change_parked(message), NEVER_KEPT


def change_parked(message: Any) -> Any:
    """Send the operation to the service that owns the queue."""
    return edge().operate(owner_of(message.queue), message)


def get_outbox(message: Call[Any]) -> tuple[OutboxOverview, dict[str, str]]:
    """Read the outboxes of all services."""
    return ops_fanout.outbox_overview(edge().operate_all(message)), NEVER_KEPT


def check_topology(message: Call[Any]) -> tuple[TopologyOverview, dict[str, str]]:
    """Check the broker for all services."""
    return ops_fanout.topology_overview(edge().operate_all(message)), NEVER_KEPT


SPECIAL: Mapping[Operation, Special] = {
    ListParked: Special(respond=list_parked, answer=ParkedOverview),
    ReadParked: Special(respond=read_parked),
    ReplayParked: Special(respond=change_parked),
    DropParked: Special(respond=change_parked),
    GetOutbox: Special(respond=get_outbox, answer=OutboxOverview),
    CheckTopology: Special(respond=check_topology, answer=TopologyOverview),
    ListKeys: Special(respond=send_uncached),
}
