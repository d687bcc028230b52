"""Health over HTTP, on a port and in a green thread of its own, so that it answers when all workers are busy.

`/healthz`: 200 when the event loop keeps up, else 503. `/readyz`: 200 when the queues are read, the topology is there
and MongoDB takes a write, else 503 with what lacks. `/metrics`: what is counted, for Prometheus.
"""

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import eventlet
from nameko.extensions import DependencyProvider
from nameko.web.server import parse_address
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pymongo.errors import PyMongoError

from lockbox.runtime.events.listeners import ListenerReceipts
from lockbox.runtime.events.reconciliation import Reconciler
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.host.readiness import ANSWER_SECONDS, Readiness
from lockbox.runtime.process.checks import Check
from lockbox.runtime.process.logs import configure_logs
from lockbox.runtime.process.metrics import AUDIT_GAP, IN_QUEUE, LAG
from lockbox.runtime.web.listener import WebListener
from lockbox.runtime.web.protocol import HttpServer, Reception

TICK_SECONDS = 0.5
REMEMBERED_SECONDS = 10.0
LAG_LIMIT_SECONDS = 5.0
MOST_CONNECTIONS = 64
Answer = tuple[str, str, bytes]


class Pulse:
    """The lag of the event loop: now, or at its worst in the last seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = self._forget_at = clock()
        self._worst = 0.0

    def beat(self) -> None:
        """Record a tick; the next one is due `TICK_SECONDS` later."""
        now = self._clock()
        late = now - self._due
        if late >= self._worst or now >= self._forget_at:
            self._worst, self._forget_at = late, now + REMEMBERED_SECONDS
        self._due = now + TICK_SECONDS

    @property
    def lag(self) -> float:
        """Seconds that the event loop is, or was, late."""
        return max(self._worst, self._clock() - self._due, 0.0)

    def run(self) -> None:
        """Record ticks for ever."""
        while True:
            self.beat()
            eventlet.sleep(TICK_SECONDS)


class HealthServer(DependencyProvider):
    """The HTTP server of a service's health, readiness and metrics."""

    readiness = Readiness()
    relay = Relay()
    reconciler = Reconciler()
    listeners = ListenerReceipts()

    def setup(self) -> None:
        """Listen from the first moment, so that waiting for MongoDB shows."""
        configure_logs(self.container.service_name)
        self.pulse = Pulse()
        self._database = Check(self._measure_database, late=None, kept=0.0)
        address = parse_address(self.container.config["HEALTH_ADDRESS"])
        self._listener = WebListener("health", address, lambda: MOST_CONNECTIONS)
        server = HttpServer(Reception(self._listener), self._serve)
        self._threads = [eventlet.spawn(self._listener.run, server.serve), eventlet.spawn(self.pulse.run)]
        self._pages = {"/healthz": self._alive, "/readyz": self._ready, "/metrics": self._metrics}

    def stop(self) -> None:
        """Stop the server."""
        for thread in self._threads:
            thread.kill()
        self._listener.close()

    def get_dependency(self, worker_ctx: object) -> "HealthServer":
        """Return the health itself, for a service that shows it elsewhere too."""
        return self

    def alive(self) -> bool:
        """Return whether the event loop keeps up."""
        return self.pulse.lag < LAG_LIMIT_SECONDS

    def missing(self) -> list[str]:
        """Return the names of missing parts; empty when the service is ready."""
        return self.readiness.missing()

    def report(self, part: str, *, missing: bool) -> None:
        """Report that a part of this service's own is missing, or is there again."""
        (self.readiness.reported.add if missing else self.readiness.reported.discard)(part)

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        page = self._pages.get(environ["PATH_INFO"])
        status, kind, body = page() if page else ("404 Not Found", "text/plain", b"")
        start_response(status, [("Content-Type", kind)])
        return [body]

    def _alive(self) -> Answer:
        return _document(self.alive(), {"event_loop_lag_seconds": round(self.pulse.lag, 3)})

    def _ready(self) -> Answer:
        lacking = self.missing()
        return _document(not lacking, {"missing": lacking})

    def _metrics(self) -> Answer:
        LAG.set(self.pulse.lag)
        self._database.begin()
        for queue, messages in (self.readiness.queues() or {}).items():
            if not queue.startswith("rpc.reply-"):
                IN_QUEUE.labels(queue).set(messages)
        self._database.within(ANSWER_SECONDS)
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest()

    def _measure_database(self) -> None:
        self.relay.measure()
        with suppress(PyMongoError):
            AUDIT_GAP.set(self.reconciler.gap())
            self.listeners.measure()


def _document(good: bool, content: dict[str, Any]) -> Answer:
    status = "200 OK" if good else "503 Service Unavailable"
    return status, "application/json", json.dumps(content).encode()
