"""The entrypoints of portal_service."""

from werkzeug.wrappers import Request, Response

from lockbox.contracts.access import RevocationList
from lockbox.ids import new_id
from lockbox.runtime.host.clock import ServiceClock
from lockbox.runtime.host.health import HealthServer
from lockbox.runtime.host.settings import Provided
from lockbox.runtime.host.start import on_start
from lockbox.runtime.host.stores import Store
from lockbox.runtime.host.web import WebEdge, respond, web_request
from lockbox.runtime.ops.operator import OperatorCommands
from lockbox.runtime.rpc.broadcast import Broadcast
from lockbox.runtime.rpc.client import RpcClient
from portal_service import revocation_stream, usecases
from portal_service.edge import PortalEdge
from portal_service.lanes import edge_rules
from portal_service.settings import seed
from portal_service.store import AccountStore, ApiTokenStore, FailedAttemptStore, SessionStore
from portal_service.usecases import Known


class PortalService:
    """Serves pages and the REST API, signs people and machines in, and calls the other services for them."""

    name = "portal_service"

    accounts = Store(AccountStore)
    sessions = Store(SessionStore)
    api_tokens = Store(ApiTokenStore)
    failed_attempts = Store(FailedAttemptStore)
    services = RpcClient()
    operations = OperatorCommands()
    web = WebEdge(edge_rules)
    seed = Provided(seed)
    clock = ServiceClock()
    health = HealthServer()
    revocations: Broadcast[RevocationList] = Broadcast(revocation_stream.PAUSE_SECONDS)

    @on_start()
    def plant_seed(self) -> None:
        """Add the first members."""
        usecases.create_members(self._known, self.seed, new_id(), self.clock.now())

    @web_request("/")
    @web_request("/<path:path>")
    def serve(self, request: Request, path: str = "") -> Response:
        """Answer a web request."""
        edge = PortalEdge(
            self._known, self.services, self.operations, self.clock, self.health, self.revocations, self.web
        )
        return respond(self.web.rules.application, request, edge=edge)

    @property
    def _known(self) -> Known:
        return Known(self.accounts, self.sessions, self.api_tokens, self.failed_attempts)
