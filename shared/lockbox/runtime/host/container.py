"""The container that every service runs in; `SERVICE_CONTAINER_CLS` in config.yml names it."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import eventlet
from nameko.containers import ServiceContainer

from lockbox import open_files
from lockbox.runtime.process.metrics import HANDLED

STOP_WITHIN_SECONDS = 45
LOOK_FOR_GARBAGE_AT = 10_000


class HandlerTimeout(Exception):
    """The error for an `eventlet.Timeout` that a method let through."""


class Container(ServiceContainer):
    """A container that stops within its deadline, and shows from the first moment that it is to stop."""

    up = False
    stopping = False

    def start(self) -> None:
        """Start, however long it takes until MongoDB and RabbitMQ are there."""
        open_files.raise_limit()
        super().start()
        gc.freeze()  # what is there by now stays, and need not be looked through for garbage again
        gc.set_threshold(LOOK_FOR_GARBAGE_AT)
        self.up = True

    def stop(self) -> None:
        """Drain and stop; if that takes too long, the kernel ends the process (SIGALRM) and the broker redelivers."""
        self.stopping = True
        signal.alarm(STOP_WITHIN_SECONDS)
        if not self.up:
            os._exit(0)  # it waits for a server: nothing is in hand, and nothing would wake it
        super().stop()

    def _run_worker(self, worker_ctx: Any, handle_result: Callable[..., Any] | None) -> None:
        """Run a method (a hook of Nameko); an `eventlet.Timeout` counts as an error and finishes the message."""
        handle_once = ResultHandler(handle_result)
        try:
            super()._run_worker(worker_ctx, handle_once)
        except eventlet.Timeout as timeout:
            if handle_once.done:
                raise
            error = HandlerTimeout(f"{worker_ctx.entrypoint.method_name} let a timeout through: {timeout}")
            handle_once(worker_ctx, None, (HandlerTimeout, error, sys.exc_info()[2]))


class ResultHandler:
    """The handler of a method's result: it runs once, and measures the duration of the method."""

    def __init__(self, handle_result: Callable[..., Any] | None) -> None:
        self._handle_result = handle_result
        self._began = time.perf_counter()
        self.done = False

    def __call__(self, worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        """Handle the result once (Nameko's `handle_result`)."""
        self.done = True
        outcome = "answered" if exc_info is None else "failed"
        entrypoint = worker_ctx.entrypoint
        labels = (type(entrypoint).__name__.lower(), entrypoint.method_name, outcome)
        HANDLED.labels(*labels).observe(time.perf_counter() - self._began)
        if self._handle_result is None:
            return result, exc_info
        return self._handle_result(worker_ctx, result, exc_info)
