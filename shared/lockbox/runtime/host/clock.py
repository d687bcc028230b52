"""Gives a service the time."""

from nameko.extensions import DependencyProvider

from lockbox.clock import now


class ServiceClock(DependencyProvider):
    """The time, as `self.clock.now()`."""

    now = staticmethod(now)

    def get_dependency(self, worker_ctx: object) -> "ServiceClock":
        """The clock itself."""
        return self
