"""Metrics of a service; `/metrics` shows them in the format of Prometheus.

See https://prometheus.io/docs/instrumenting/exposition_formats/. No label ever holds a name, an address or an id.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

HANDLED = Histogram(
    "lockbox_entrypoint_seconds",
    "How long entrypoints took: commands, event handlers, timers and web requests.",
    ("kind", "method", "outcome"),
    buckets=SECONDS,
)
CALLED = Histogram(
    "lockbox_call_seconds", "How long other services took to answer.", ("service", "method", "outcome"), buckets=SECONDS
)
CALLS_REFUSED = Counter(
    "lockbox_calls_refused_total", "Calls refused before their method: wrong token, role or message.", ("code",)
)
RETRIED = Counter("lockbox_retries_total", "Messages put into a retry tier.", ("queue",))
PARKED = Counter("lockbox_parked_total", "Messages parked by this process.", ("queue",))
HELD = Gauge("lockbox_messages_held", "Messages that wait for MongoDB in this process, without an attempt.", ("queue",))
BROKER_BLOCKED = Gauge("lockbox_broker_blocked", "1 while the broker is in an alarm and takes no message, else 0.")
PUBLISHED = Counter("lockbox_events_published_total", "Events that the broker confirmed.")
REPUBLISHED = Counter("lockbox_events_republished_total", "Events published again: not on record, or a new broker.")
CONTRADICTED = Counter("lockbox_events_contradicted_total", "Own events found on record with another digest.")
IN_QUEUE = Gauge("lockbox_queue_messages", "Messages ready in the service's queues.", ("queue",))
OUTBOX_WAITING = Gauge("lockbox_outbox_documents", "Documents with events that the broker does not have yet.")
OUTBOX_AGE = Gauge("lockbox_outbox_age_seconds", "Age of the oldest event that the broker does not have yet.")
AUDIT_GAP = Gauge("lockbox_audit_gap_events", "Events published a while ago and not known to be on record.")
AWAITED = Gauge("lockbox_awaited_events", "Events published a while ago without a receipt of this queue.", ("queue",))
REMOVED = Counter("lockbox_bindings_removed_total", "Bindings and queues of the service found removed.", ("queue",))
WATCHED = Gauge("lockbox_bindings_watched", "1 while the broker reports each binding that is removed, else 0.")
DOCUMENT_SIZE = Histogram(
    "lockbox_document_bytes",
    "Size of documents as they were changed. MongoDB takes 16 MB; more than 1 MB is an alarm.",
    ("collection",),
    buckets=(16_384, 65_536, 262_144, 1_048_576, 4_194_304, 8_388_608),
)
LAG = Gauge("lockbox_event_loop_lag_seconds", "How late the event loop is.")
CONNECTIONS = Gauge("lockbox_connections", "Open connections of clients.", ("listener", "phase"))
CONNECTIONS_CLOSED = Counter(
    "lockbox_connections_closed_total",
    "Connections refused, too slow, or closed to make room for others.",
    ("listener", "reason"),
)
ACCEPT_PAUSES = Counter(
    "lockbox_accept_pauses_total", "Times that no connection could be accepted for want of open files.", ("listener",)
)
LANE_BUSY = Gauge("lockbox_lane_requests", "Web requests at work, by lane.", ("lane",))
LANE_WORKERS = Gauge("lockbox_lane_workers", "Workers of a lane: the most requests at work.", ("lane",))
LANE_REFUSED = Counter("lockbox_lane_refused_total", "Web requests refused because their lane was full.", ("lane",))
LANE_BLOCKED = Gauge(
    "lockbox_lane_blocked", "1 while requests of a lane have been failing or waiting for seconds, else 0.", ("lane",)
)


@contextmanager
def measured(histogram: Histogram, *labels: str) -> Iterator[None]:
    """Measure how long a block takes, and whether it raises."""
    began = time.perf_counter()
    outcome = "failed"
    try:
        yield
        outcome = "answered"
    finally:
        histogram.labels(*labels, outcome).observe(time.perf_counter() - began)
