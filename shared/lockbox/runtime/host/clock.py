"""The clock as a dependency of a service."""

from nameko.extensions import DependencyProvider

from lockbox.clock import now


class ServiceClock(DependencyProvider):
    """The clock of a service: `self.clock.now()`."""

    now = staticmethod(now)

    def get_dependency(self, worker_ctx: object) -> "ServiceClock":
        """Return the clock itself."""
        return self
