"""The delay from a decision to its event on record, with all five services, over REST.

The reference is a stock Nameko service whose event another stock service inserts. It publishes before it answers, so a
crash in between loses the event or publishes one without a state. Lockbox answers when its one write is safe.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from queue import Queue as Arrivals
from threading import Event, Thread
from typing import Any

import httpx
from nameko.standalone.rpc import ClusterRpcProxy
from pymongo.collection import Collection

from bench.events import TERMS
from bench.programs import await_consumers, broker_uri, database, eventually, lockbox_service, stock_service
from bench.queues import declare, listeners, purge
from lockbox.contracts.wire import encode
from lockbox.embedded.stack import Stack
from lockbox.ids import new_id
from lockbox.provision.secrets import SERVICES

REQUESTS = 150
Moments = tuple[float, float]


def measure(stack: Stack) -> list[tuple[str, list[float], list[float]]]:
    """Return the milliseconds of each decision of Lockbox and of each request of the stock services, in two rows."""
    uri = broker_uri(stack)
    declare(uri, *listeners())
    purge(uri, [topology.name for topology in listeners()])
    with _everything(stack), database(stack, "lockbox_audit") as audit, Watcher(audit["records"]) as watcher:
        lockbox = list(_decisions(stack, watcher))
    with stock_service(stack, "bench.stock_follower"), stock_service(stack, "bench.stock_service"):
        await_consumers(uri, "rpc-stock_service")
        await_consumers(uri, "evt-stock_service-request_created--stock_follower.on_event")
        with database(stack, "bench") as bench, Watcher(bench["followed"]) as watcher:
            stock = list(_stock_requests(uri, watcher))
    names = ("from sending the command", "from its answer")
    return [(name, [pair[i] for pair in lockbox], [pair[i] for pair in stock]) for i, name in enumerate(names)]


@contextmanager
def _everything(stack: Stack) -> Iterator[None]:
    with ExitStack() as running:
        for service in SERVICES:
            running.enter_context(lockbox_service(stack, service))
        yield


class Watcher:
    """A change stream that gives the moment at which a document is visible to the majority."""

    def __init__(self, collection: Collection[dict[str, Any]]) -> None:
        self._arrivals: Arrivals[tuple[float, dict[str, Any]]] = Arrivals()
        self._done = Event()
        self._stream = collection.watch([{"$match": {"operationType": "insert"}}], max_await_time_ms=200)
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> "Watcher":
        """Start the thread that reads the stream."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the thread and close the stream."""
        self._done.set()
        self._thread.join()
        self._stream.close()

    def arrival(self, **fields: str) -> float:
        """Return the moment of the next document with these fields."""
        while True:
            moment, document = self._arrivals.get(timeout=60)
            if fields.items() <= {name: document.get(name) for name in fields}.items():
                return moment

    def _watch(self) -> None:
        while not self._done.is_set():
            change = self._stream.try_next()
            if change is not None:
                self._arrivals.put((time.perf_counter(), change["fullDocument"]))


def _decisions(stack: Stack, watcher: Watcher) -> Iterator[Moments]:
    engineer, *approvers = people(stack)
    for _ in range(REQUESTS):
        request_id = ask(engineer)
        for approver in approvers:
            sent, answered = decide(approver, request_id)
            recorded = watcher.arrival(type="decision_recorded", subject=request_id)
            yield _milliseconds(sent, answered, recorded)


def people(stack: Stack) -> list[httpx.Client]:
    """Return an engineer and two approvers, signed in, when the tenant is known."""
    accounts = json.loads(stack.accounts_file.read_text())["accounts"]
    names = ("engineer", "vendor_approver", "contoso_approver")
    engineer, *approvers = [_signed_in(stack, accounts[name]) for name in names]
    eventually(lambda: engineer.post("/requests", json=encode(TERMS)).status_code == httpx.codes.CREATED, "no tenant")
    return [engineer, *approvers]


def ask(engineer: httpx.Client) -> str:
    """Ask for access; return the id of the request."""
    return str(engineer.post("/requests", json=encode(TERMS)).raise_for_status().json()["id"])


def _signed_in(stack: Stack, account: dict[str, str]) -> httpx.Client:
    client = httpx.Client(base_url=f"{stack.portal_url}/api/v1", timeout=30)
    answers: list[httpx.Response] = []

    def signed_in() -> bool:
        try:
            answers.append(client.post("/session", json=account))
        except httpx.TransportError:
            return False
        return answers[-1].is_success

    eventually(signed_in, "nobody can sign in")
    client.headers["Authorization"] = f"Bearer {answers[-1].json()['token']}"
    return client


def decide(approver: httpx.Client, request_id: str) -> Moments:
    """Approve when the approval exists; return the moments of sending and of the answer."""
    moments: list[Moments] = []

    def decided() -> bool:
        digest = approver.get(f"/requests/{request_id}").raise_for_status().json()["request_digest"]
        body = {"decision": "approve", "request_digest": digest or "not open yet"}
        sent = time.perf_counter()
        answer = approver.post(f"/requests/{request_id}/decisions", json=body)
        moments.append((sent, time.perf_counter()))
        return answer.status_code == httpx.codes.CREATED

    eventually(decided, "nothing to decide")
    return moments[-1]


def _stock_requests(uri: str, watcher: Watcher) -> Iterator[Moments]:
    with ClusterRpcProxy({"AMQP_URI": uri}) as services:
        for _ in range(2 * REQUESTS):
            sent = time.perf_counter()
            request_id = services.stock_service.create_request({"terms": encode(TERMS), "key": new_id()})["id"]
            answered = time.perf_counter()
            recorded = watcher.arrival(_id=request_id)
            yield _milliseconds(sent, answered, recorded)


def _milliseconds(sent: float, answered: float, recorded: float) -> Moments:
    """Return both delays; an event may be on record before the answer arrives."""
    return (recorded - sent) * 1000, max(0.0, recorded - answered) * 1000
