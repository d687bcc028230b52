"""The entrypoints of request_service."""

from typing import get_args

from lockbox.contracts.events import Event
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.contracts.request.operations import CreateRequest, GetRequest, ListRequests, ListTenants, ProvideInfo
from lockbox.contracts.request.views import RequestPage, RequestView, TenantList
from lockbox.ids import new_id
from lockbox.runtime.events.subscription import subscribe
from lockbox.runtime.host.clock import ServiceClock
from lockbox.runtime.host.health import HealthServer
from lockbox.runtime.host.settings import settings
from lockbox.runtime.host.stores import Store
from lockbox.runtime.ops import operator
from lockbox.runtime.rpc.server import command
from request_service import usecases
from request_service.domain.state import Progress
from request_service.settings import RequestSettings
from request_service.store import PaceStore, RequestStore, TenantStore


class RequestService(operator.OperatedService):
    """Accepts requests and keeps their state for every list."""

    name = "request_service"

    requests = Store(RequestStore)
    tenants = Store(TenantStore)
    paces = Store(PaceStore)
    settings = settings(RequestSettings)
    clock = ServiceClock()
    health = HealthServer()

    @command(CreateRequest)
    def create_request(self, caller: Caller, message: CreateRequest) -> RequestView:
        """Create a request."""
        intake = usecases.Intake(self.requests, self.tenants, self.paces, self.settings.limits())
        return usecases.create_request(intake, caller, message, usecases.NewRequest(new_id(), self.clock.now()))

    @command(ProvideInfo)
    def provide_info(self, caller: Caller, message: ProvideInfo) -> RequestView:
        """Answer a question of the approvers."""
        return usecases.provide_info(self.requests, caller, message, self.clock.now())

    @command(GetRequest)
    def get_request(self, caller: Caller, message: GetRequest) -> RequestView:
        """Read one request with its history."""
        return usecases.get_request(self.requests, caller, message)

    @command(ListRequests)
    def list_requests(self, caller: Caller, message: ListRequests) -> RequestPage:
        """List the requests that the caller may see."""
        return usecases.list_requests(self.requests, caller, message)

    @command(ListTenants)
    def list_tenants(self, caller: Caller, message: ListTenants) -> TenantList:
        """List the tenants of the caller."""
        return usecases.list_tenants(self.tenants, caller)

    @subscribe(PolicyChanged)
    def on_policy_changed(self, event: Event, policy: PolicyChanged) -> None:
        """Record the limits that a tenant's policy sets for requests."""
        usecases.learn_policy(self.tenants, policy)

    @subscribe(*get_args(Progress))
    def on_progress(self, event: Event, fact: Progress) -> None:
        """Record the progress of a request."""
        usecases.follow(self.requests, event, fact)
