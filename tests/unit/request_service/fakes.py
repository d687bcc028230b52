"""Stores of request_service in memory."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.unit.fakes import FakeAggregates

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Changed, Event, envelop
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.contracts.request.operations import ListRequests
from lockbox.contracts.request.terms import AccessTerms, RequestState
from lockbox.contracts.request.views import HistoryEntry, RequestPage, RequestView, TenantList, TenantView
from lockbox.errors import NotFound
from request_service.domain.pace import AskingLimit
from request_service.domain.request import AccessRequest
from request_service.domain.state import Standing


class FakeRequests(FakeAggregates[AccessRequest]):
    """Requests, and what events told of them."""

    noun = "request"

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, dict[str, tuple[int, HistoryEntry]]] = defaultdict(dict)
        self.standings: dict[str, Standing] = {}
        self.asked: list[tuple[Caller, ListRequests]] = []

    def view(self, key: str, state: AccessRequest) -> RequestView:
        standing = self._standing(key)
        entries = sorted(self.history[key].values(), key=lambda told: (told[1].time, told[0]))
        return RequestView(
            **AccessTerms.of(state).within(),
            id=state.request_id,
            requester=state.requester,
            state=standing.state,
            created_at=state.created_at,
            expires_at=standing.expires_at or state.expires_at,
            history=tuple(entry for _, entry in entries),
        )

    def read(self, request_id: str) -> RequestView:
        if request_id not in self.states:
            raise NotFound("request_not_found", "there is no such request")
        return self.view(request_id, self.states[request_id])

    def list(self, caller: Caller, query: ListRequests) -> RequestPage:
        self.asked.append((caller, query))
        views = [self.read(key) for key in self.states]
        found = [one for one in views if caller.sees(one.tenant, one.requester) and _fits(one, query)]
        found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        return RequestPage(items=tuple(map(_without_history, found[: query.limit])), next_cursor=None)

    def _write(self, key: str, changed: Changed[AccessRequest], act: Act) -> Any:
        if key not in self.states:
            for event in envelop(changed.facts, f"requests/{key}", 0, act.cause, act.now):
                self.history[key][event.id] = event.sequence, entry_of(event)
        return super()._write(key, changed, act)

    def remember(self, request_id: str, entry: HistoryEntry, sequence: int) -> None:
        if request_id in self.states:
            self.history[request_id].setdefault(entry.id, (sequence, entry))

    def update_state(self, request_id: str, standing: Standing) -> None:
        before = self._standing(request_id)
        if request_id in self.states and before.sequence < standing.sequence:
            self.standings[request_id] = replace(standing, expires_at=standing.expires_at or before.expires_at)

    def _standing(self, request_id: str) -> Standing:
        return self.standings.get(request_id, Standing(RequestState.PENDING_VENDOR, 0))


def entry_of(event: Event) -> HistoryEntry:
    return HistoryEntry(id=event.id, type=event.type, time=event.time, actor=event.actor, data=event.data)


def _fits(view: RequestView, query: ListRequests) -> bool:
    asked_for = ((query.tenant, view.tenant), (query.state, view.state), (query.requester, view.requester))
    return all(wanted in (None, there) for wanted, there in asked_for)


def _without_history(view: RequestView) -> RequestView:
    return replace(view, history=())


class FakePaces:
    """Paces by key, each with the commands that were counted."""

    def __init__(self) -> None:
        self.until: dict[str, datetime] = {}
        self.keys: dict[str, set[str]] = defaultdict(set)

    def count_together(self, limits: Sequence[AskingLimit], key: str, now: datetime) -> int:
        for number, limit in enumerate(limits):
            if key in self.keys[limit.key] or self.until.get(limit.key, now) > limit.latest(now):
                return number
            self.count(limit, key, now)
        return len(limits)

    def count(self, limit: AskingLimit, key: str, now: datetime) -> None:
        if key in self.keys[limit.key]:
            return
        until = self.until.get(limit.key, now)
        if until > limit.latest(now):
            raise limit.refusal(until, now)
        self.until[limit.key] = max(until, now) + limit.returns_after
        self.keys[limit.key].add(key)

    def take_back(self, limit: AskingLimit, key: str) -> None:
        if key in self.keys[limit.key]:
            self.keys[limit.key].remove(key)
            self.until[limit.key] -= limit.returns_after


class FakeTenants:
    """Tenants by name, each with the version of its policy."""

    def __init__(self, *known: TenantView) -> None:
        self.known = {tenant.tenant: (0, tenant) for tenant in known}

    def find(self, tenant: str) -> TenantView | None:
        return self.known.get(tenant, (0, None))[1]

    def all(self) -> TenantList:
        return TenantList(items=tuple(view for _, (_, view) in sorted(self.known.items())))

    def learn(self, policy: PolicyChanged) -> None:
        if policy.version > self.known.get(policy.tenant, (-1, None))[0]:
            view = TenantView(
                tenant=policy.tenant,
                maximum_duration=policy.maximum_duration,
                request_lifetime=policy.request_lifetime,
                default_duration=policy.default_duration,
                service_request_pattern=policy.service_request_pattern,
            )
            self.known[policy.tenant] = (policy.version, view)
