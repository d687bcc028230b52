"""The one place that reads the clock."""

from datetime import UTC, datetime

from nameko.extensions import DependencyProvider


def now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)


class Clock(DependencyProvider):
    """Gives a service the time: `self.clock.now()`."""

    now = staticmethod(now)

    def get_dependency(self, worker_ctx: object) -> "Clock":
        """The clock itself."""
        return self
