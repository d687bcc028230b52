"""Timers that do not depend on the wall clock."""

import eventlet
from nameko.timer import Timer


class Every(Timer):
    """A timer that calls the decorated method each `interval` seconds, one call at a time.

    Nameko's own counts by the wall clock: set back an hour, it would rest for an hour.
    """

    def _run(self) -> None:
        while True:
            with eventlet.Timeout(self.interval, exception=False):
                self.should_stop.wait()
                return
            self.handle_timer_tick()
            self.worker_complete.wait()
            self.worker_complete.reset()


every = Every.decorator
