"""The entrypoints of mongodb_guard."""

from werkzeug.wrappers import Request, Response

from examples.mongodb_guard import login, usecases
from examples.mongodb_guard.access import access
from examples.mongodb_guard.domain import LISTENS_TO
from examples.mongodb_guard.settings import settings
from examples.mongodb_guard.store import GrantStore
from examples.mongodb_guard.usecases import Credentials, Guarded
from lockbox.contracts.events import Event, Fact
from lockbox.runtime.events.subscription import subscribe
from lockbox.runtime.host.clock import ServiceClock
from lockbox.runtime.host.health import HealthServer
from lockbox.runtime.host.settings import Provided
from lockbox.runtime.host.stores import Store
from lockbox.runtime.host.timer import every
from lockbox.runtime.host.web import web_request


class MongodbGuard:
    """A service that creates a MongoDB user for a grant, and removes it when the grant ends."""

    name = "mongodb_guard"

    grants = Store(GrantStore)
    access = Provided(access)
    request_guard = Provided(login.request_guard)
    settings = Provided(settings)
    clock = ServiceClock()
    health = HealthServer()

    @subscribe(*LISTENS_TO)
    def on_grant(self, event: Event, fact: Fact) -> None:
        """Record an event of a grant, and remove its user at its end."""
        usecases.learn(self._guarded, fact.subject, fact, self.clock.now())

    @every(interval=0.5)
    def close_ended(self) -> None:
        """Remove the users that no live grant allows."""
        usecases.close_ended(self._guarded, self.clock.now())

    @web_request("/<path:path>")
    def log_in(self, request: Request, path: str) -> Response:
        """Create the user for the grant that is shown."""
        return login.answer(lambda: self._log_in(request))

    def _log_in(self, request: Request) -> Credentials:
        decision = login.decide(request, self.request_guard, self.settings.databases)
        return usecases.log_in(self._guarded, decision, self.clock.now())

    @property
    def _guarded(self) -> Guarded:
        return Guarded(self.grants, self.access, self.settings.databases)
