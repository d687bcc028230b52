"""Use cases of request_service, a function for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Changed, Event
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.contracts.request.operations import CreateRequest, GetRequest, ListRequests, ProvideInfo
from lockbox.contracts.request.views import HistoryEntry, RequestPage, RequestView, TenantList, TenantView
from lockbox.errors import Forbidden, TooMany
from request_service.domain.pace import AskingLimit, AskingLimits
from request_service.domain.request import AccessRequest, ask
from request_service.domain.state import Progress, Standing, standing_after


class Requests(Protocol):
    """The store of requests, each with its state and history by events."""

    def answered(self, act: Act) -> RequestView | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[AccessRequest], act: Act) -> RequestView: ...  # noqa: D102
    def change(  # noqa: D102
        self, key: str, act: Act, step: Callable[[AccessRequest], Changed[AccessRequest]]
    ) -> RequestView: ...
    def read(self, request_id: str) -> RequestView: ...  # noqa: D102
    def list(self, caller: Caller, query: ListRequests) -> RequestPage: ...  # noqa: D102
    def remember(self, request_id: str, entry: HistoryEntry, sequence: int) -> None: ...  # noqa: D102
    def update_state(self, request_id: str, standing: Standing) -> None: ...  # noqa: D102


class Tenants(Protocol):
    """The store of the tenants' limits."""

    def find(self, tenant: str) -> TenantView | None: ...  # noqa: D102
    def all(self) -> TenantList: ...  # noqa: D102
    def learn(self, policy: PolicyChanged) -> None: ...  # noqa: D102


class Paces(Protocol):
    """The store of paces: of each engineer, and of each customer that is asked."""

    def count_together(self, limits: Sequence[AskingLimit], key: str, now: datetime) -> int:
        """Count a request in each of these, up to the first that needs `count`; return their number."""

    def count(self, limit: AskingLimit, key: str, now: datetime) -> None:
        """Count a request, once by its key; raises `TooMany` if it comes too early."""

    def take_back(self, limit: AskingLimit, key: str) -> None:
        """Uncount a request that another limit refused."""


@dataclass(frozen=True)
class Intake:
    """The stores that take requests in, and the limits of asking."""

    requests: Requests
    tenants: Tenants
    paces: Paces
    limits: AskingLimits


@dataclass(frozen=True)
class NewRequest:
    """The id and the time of a request that is to be created."""

    request_id: str
    at: datetime


def create_request(intake: Intake, caller: Caller, command: CreateRequest, new: NewRequest) -> RequestView:
    """Create a request, within the limits of asking; the same command again gets its answer."""
    act = Act.of(caller.cause(), command, new.at)
    tenant = intake.tenants.find(command.terms.tenant)
    asked = ask(new.request_id, command.terms, caller.email, tenant, new.at)
    try:
        _count(intake, asked.state, act)
    except TooMany:
        answer = intake.requests.answered(act)
        if answer is None:
            raise
        return answer
    return intake.requests.create(new.request_id, asked, act)


def _count(intake: Intake, asked: AccessRequest, act: Act) -> None:
    """Count a request in all its allowances, or in none; raises `TooMany`."""
    limits, key = tuple(intake.limits.of(asked.requester, asked.tenant)), str(act.key)
    counted = intake.paces.count_together(limits, key, act.now)
    for number in range(counted, len(limits)):
        try:
            intake.paces.count(limits[number], key, act.now)
        except TooMany:
            for earlier in limits[:number]:
                intake.paces.take_back(earlier, key)
            raise


def get_request(requests: Requests, caller: Caller, query: GetRequest) -> RequestView:
    """Read one request with its history."""
    request = requests.read(query.request_id)
    caller.require_sight("request", request.tenant, request.requester)
    return request


def provide_info(requests: Requests, caller: Caller, command: ProvideInfo, now: datetime) -> RequestView:
    """Answer the approvers' question about an own request."""
    request = requests.read(command.request_id)
    caller.require_sight("request", request.tenant, request.requester)
    if caller.email != request.requester:
        raise Forbidden("not_requester", "only the requester answers")
    return requests.change(
        command.request_id,
        Act.of(caller.cause(), command, now),
        lambda asked: asked.answer(command.text, request.state),
    )


def list_requests(requests: Requests, caller: Caller, query: ListRequests) -> RequestPage:
    """List the requests that the caller may see."""
    return requests.list(caller, query)


def list_tenants(tenants: Tenants, caller: Caller) -> TenantList:
    """List the tenants that the caller has to do with."""
    known = tenants.all()
    return (
        known
        if caller.is_vendor
        else TenantList(items=tuple(tenant for tenant in known.items if tenant.tenant == caller.organisation))
    )


def follow(requests: Requests, event: Event, fact: Progress) -> None:
    """Update state and history of a request by an event. Events may come twice and in any order."""
    if fact.request_id is None:
        return  # an alert about something else
    entry = HistoryEntry(id=event.id, type=event.type, time=event.time, actor=event.actor, data=event.data)
    requests.remember(fact.request_id, entry, event.sequence)
    standing = standing_after(fact, event.sequence)
    if standing is not None:
        requests.update_state(fact.request_id, standing)


def learn_policy(tenants: Tenants, policy: PolicyChanged) -> None:
    """Store the limits that a tenant's policy sets to requests."""
    tenants.learn(policy)
