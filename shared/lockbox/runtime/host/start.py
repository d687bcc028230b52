"""Entrypoints that run once at the start of a service, until they succeed."""

from functools import partial
from typing import Any

import eventlet
from eventlet.event import Event as Signal
from nameko.extensions import Entrypoint

RETRY_SECONDS = 2.0


class OnStart(Entrypoint):
    """An entrypoint that runs once when the service has started; after a failure it runs again."""

    def start(self) -> None:
        """Start the thread."""
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
