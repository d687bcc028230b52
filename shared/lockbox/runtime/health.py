"""Health over HTTP, on a port and in a green thread of its own, so that it answers when all workers are busy.

`/healthz`: the process runs. `/readyz`: 200 when its queues are read and MongoDB answers, else 503 with what lacks.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import eventlet
import structlog
from eventlet import wsgi
from nameko.extensions import DependencyProvider
from nameko.web.server import parse_address
from pymongo.errors import PyMongoError

from lockbox.runtime.consumer import RawQueueConsumer
from lockbox.runtime.logs import configure_logs
from lockbox.runtime.mongo import Mongo

log = structlog.get_logger(__name__)


class Health(DependencyProvider):
    """Says whether a service is alive and ready."""

    mongo = Mongo()
    queue_consumer = RawQueueConsumer()

    def setup(self) -> None:
        """Listen from the first moment, so that waiting for MongoDB shows."""
        configure_logs(self.container.service_name)
        address = parse_address(self.container.config["HEALTH_ADDRESS"])
        self._socket = eventlet.listen(address)
        self._thread = eventlet.spawn(wsgi.server, self._socket, self._answer, log_output=False, debug=False)

    def stop(self) -> None:
        """Answer no more."""
        self._thread.kill()
        self._socket.close()

    def get_dependency(self, worker_ctx: object) -> "Health":
        """The health itself, for a service that shows it elsewhere too."""
        return self

    def missing(self) -> list[str]:
        """What keeps the service from its work; empty when it is ready."""
        lacking = ["stopping"] if self.container.stopping else []
        if not self.queue_consumer.attached:
            lacking.append("consumers")
        try:
            self.mongo.ping()
        except PyMongoError:
            lacking.append("mongodb")
        return lacking

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        lacking = self.missing() if environ["PATH_INFO"] == "/readyz" else []
        known = environ["PATH_INFO"] in {"/healthz", "/readyz"}
        status = "404 Not Found" if not known else "503 Service Unavailable" if lacking else "200 OK"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps({"missing": lacking}).encode()]
