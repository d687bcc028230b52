"""The clock as a dependency of a service."""

import time

from nameko.extensions import DependencyProvider

from lockbox.clock import now


class ServiceClock(DependencyProvider):
    """The clock of a service: `self.clock.now()`, and `self.clock.monotonic()`, which no correction moves."""

    now = staticmethod(now)
    monotonic = staticmethod(time.monotonic)

    def get_dependency(self, worker_ctx: object) -> "ServiceClock":
        """Return the clock itself."""
        return self
