"""The container that every service runs in; `SERVICE_CONTAINER_CLS` in config.yml names it."""

import os
import signal

from nameko.containers import ServiceContainer

STOP_WITHIN_SECONDS = 45


class Container(ServiceContainer):
    """A container that has stopped in time, whatever hangs, and shows from the first moment that it is to stop."""

    up = False
    stopping = False

    def start(self) -> None:
        """Start, however long it takes until MongoDB and RabbitMQ are there."""
        super().start()
        self.up = True

    def stop(self) -> None:
        """Drain and stop; if that takes too long, the kernel ends the process (SIGALRM) and the broker redelivers."""
        self.stopping = True
        signal.alarm(STOP_WITHIN_SECONDS)
        if not self.up:
            os._exit(0)  # it waits for a server: nothing is in hand, and nothing would wake it
        super().stop()
