"""People who ask and decide all the time, and what must then stand in the audit trail."""

import itertools
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.people import TERMS, People, Person, new_key
from tests.waiting import eventually

WORKERS = 2
ANSWERED_WITHIN = 60.0
PAUSE = 0.1
BEFORE_THE_OUTCOME = Counter(request_created=1, stage_opened=2, decision_recorded=2)
OUTCOMES = {
    "approve": Counter(request_approved=1, access_granted=1, grant_activated=1),
    "deny": Counter(request_denied=1),
}


@dataclass
class Load:
    """Requests, each created, approved by the vendor, and approved or denied by the customer.

    `acknowledged` has the customer's verdict for each request whose three commands were all acknowledged. A command
    that fails for want of a service is sent again with its idempotency key until it is answered, as a client should.
    """

    people: People
    since: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    acknowledged: dict[str, str] = field(default_factory=dict)
    repeated: int = 0

    def __post_init__(self) -> None:
        self._cast = (self.people.engineer, self.people.vendor_approver, self.people.contoso_approver)
        self._auditor = self.people.contoso_auditor
        self._verdicts = itertools.cycle(OUTCOMES)
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS)

    def __enter__(self) -> "Load":
        self._workers = [self._pool.submit(self._work) for _ in range(WORKERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown()

    def proceed(self, more: int) -> None:
        """Return when so many more requests are through."""
        enough = len(self.acknowledged) + more
        eventually(lambda: len(self.acknowledged) >= enough or any(worker.done() for worker in self._workers), 90)
        for worker in self._workers:
            if worker.done():
                worker.result()  # raises what ended it

    def check(self) -> None:
        """Every acknowledged command is in the audit trail once, nothing is there twice, and nothing else is there."""
        with suppress(AssertionError):
            eventually(lambda: not self._differences(), within=60)
        differences = self._differences()
        assert not differences, differences
        once = Counter((record["subject"], record["sequence"], record["type"]) for record in self._records())
        assert max(once.values()) == 1, [name for name, count in once.items() if count > 1]

    def _differences(self) -> dict[str, Any]:
        """What is on record and what should be, for each request where these are not the same."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for record in self._records():
            found[record["data"]["request_id"]][record["type"]] += 1
        expected = {request_id: BEFORE_THE_OUTCOME + OUTCOMES[end] for request_id, end in self.acknowledged.items()}
        both = found.keys() | expected.keys()
        return {key: (found[key], expected.get(key)) for key in both if found[key] != expected.get(key)}

    def _records(self) -> list[dict[str, Any]]:
        """What was recorded of requests in this time, but for how people were told."""
        trail = self._auditor.trail("contoso", **{"from": self.since})
        return [record for record in trail if "request_id" in record["data"] and record["source"] != "notify_service"]

    def _work(self) -> None:
        engineer, vendor_approver, customer_approver = self._cast
        while not self._stopped.wait(PAUSE):
            verdict = next(self._verdicts)
            request_id = self._send(engineer, "/requests", TERMS)["id"]
            decisions = f"/requests/{request_id}/decisions"
            self._send(vendor_approver, decisions, {"decision": "approve"})
            self._send(customer_approver, decisions, {"decision": verdict})
            self.acknowledged[request_id] = verdict

    def _send(self, person: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
        key, deadline = new_key(), time.monotonic() + ANSWERED_WITHIN
        while True:
            try:
                answer = person.post(path, body, key)
            except httpx.TransportError as error:
                complaint = repr(error)
            else:
                if answer.status_code < 500:
                    assert answer.status_code == 201, f"{path}: {answer.status_code} {answer.text}"
                    created: dict[str, Any] = answer.json()
                    return created
                complaint = answer.text
            assert time.monotonic() < deadline, f"{path} was not answered within {ANSWERED_WITHIN} s: {complaint}"
            self.repeated += 1
            time.sleep(PAUSE)
