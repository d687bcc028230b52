"""Work that outlives the call that starts it, and that the end of the service waits for."""

from collections.abc import Callable

import eventlet
import structlog
from nameko.extensions import DependencyProvider

AT_ONCE = 100
DRAIN_SECONDS = 42.0

log = structlog.get_logger(__name__)


class Background(DependencyProvider):
    """Green threads beside the entrypoints: `self.background.run(work)`."""

    def setup(self) -> None:
        """Start without work."""
        self._pool = eventlet.GreenPool(AT_ONCE)

    def stop(self) -> None:
        """Return when all work is done, or the time for it is over."""
        with eventlet.Timeout(DRAIN_SECONDS, exception=False):
            self._pool.waitall()

    def get_dependency(self, worker_ctx: object) -> "Background":
        """Return the background itself."""
        return self

    def run(self, work: Callable[[], object]) -> None:
        """Run a function in a green thread; a failure is logged."""
        self._pool.spawn_n(_attempt, work)


def _attempt(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("background_work_failed")
