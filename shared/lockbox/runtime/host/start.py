"""Work to be done once, when a service starts, until it succeeds."""

from functools import partial
from typing import Any

import eventlet
from eventlet.event import Event as Signal
from nameko.extensions import Entrypoint

RETRY_SECONDS = 2.0


class OnStart(Entrypoint):
    """Calls the decorated method when the service has started; if it fails, again after a while."""

    def start(self) -> None:
        """Begin."""
        self.container.spawn_managed_thread(self._run, identifier=f"on_start.{self.method_name}")

    def _run(self) -> None:
        while True:
            done = Signal()
            self.container.spawn_worker(self, (), {}, handle_result=partial(self._report, done))
            if done.wait():
                return
            eventlet.sleep(RETRY_SECONDS)

    def _report(self, done: Any, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        done.send(exc_info is None)
        return result, exc_info


on_start = OnStart.decorator
