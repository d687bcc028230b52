"""People who ask and decide all the time, and a ledger of what was promised to them."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.people import TERMS, People, Person, new_key
from tests.waiting import eventually

CREATE, VENDOR, BIND, LAPSE = "create", "vendor", "bind", "lapse"
VERDICTS = ("approve", "deny")
EVENTS = {
    CREATE: Counter(request_created=1, request_evaluated=1, stage_opened=1),
    VENDOR: Counter(decision_recorded=1, stage_opened=1),
    "approve": Counter(decision_recorded=1, request_approved=1, access_granted=1, grant_activated=1),
    "deny": Counter(decision_recorded=1, request_denied=1),
    BIND: Counter(grant_bound=1),
    LAPSE: Counter(grant_expired=1),
}
"""What each command must lead to, directly or through another service's event, and what time can lead to."""


UNLIMITED = {
    "LOCKBOX_REQUESTS_PER_ENGINEER": "1000000",
    "LOCKBOX_REQUESTS_PER_TENANT": "1000000",
    "LOCKBOX_EMAILS_AT_ONCE": "1000000",
}
"""Settings under which load meets no limit of asking, and each alert is an email of its own."""


class Unanswered(AssertionError):
    """A command got no answer in time: whether it was carried out is not known."""


@dataclass
class Story:
    """One request, from asking to the customer's verdict; its marker is in what was asked, answered or not."""

    marker: str = field(default_factory=lambda: f"marker {uuid4()}")
    request_id: str | None = None
    acknowledged: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    @property
    def expected(self) -> Counter[str]:
        """The events that must be on record."""
        return sum((EVENTS[step] for step in self.acknowledged), Counter[str]())

    @property
    def possible(self) -> Counter[str]:
        """The events that may be on record."""
        return sum((EVENTS[step] for step in self.sent), Counter[str]())


class Ledger:
    """Every story that was begun, and what went wrong at once."""

    def __init__(self) -> None:
        self.stories: list[Story] = []
        self.wrong: list[str] = []
        self.repeated = 0

    def begin(self) -> Story:
        """A new story."""
        story = Story()
        self.stories.append(story)
        return story

    @property
    def acknowledged(self) -> int:
        """How many commands were."""
        return sum(len(story.acknowledged) for story in list(self.stories))

    def time_passes(self) -> None:
        """As much of it that the grants so far may have ended by themselves."""
        for story in list(self.stories):
            if "approve" in story.sent and LAPSE not in story.sent:
                story.sent.append(LAPSE)


class Teller:
    """Tells stories: sends commands as a good client does, again with the same key until there is an answer."""

    def __init__(self, people: People, ledger: Ledger, patience: float = 60.0, pause: float = 0.1) -> None:
        self._cast = (people.engineer, people.vendor_approver, people.contoso_approver)
        self.ledger = ledger
        self._patience = patience
        self._pause = pause

    def tell(self, verdict: str, timeout: float = 30.0) -> Story:
        """A whole story; raises `Unanswered`."""
        story = self.ledger.begin()
        engineer, vendor, customer = self._cast
        self.step(story, CREATE, engineer, "/requests", TERMS | {"justification": story.marker}, timeout)
        self.decide(story, VENDOR, vendor, "approve", timeout)
        self.decide(story, verdict, customer, verdict, timeout)
        return story

    def decide(self, story: Story, step: str, person: Person, verdict: str, timeout: float = 30.0) -> None:
        """Decide on what is shown."""
        body = {"decision": verdict, "request_digest": self._shown(person, f"/requests/{story.request_id}", timeout)}
        self.step(story, step, person, f"/requests/{story.request_id}/decisions", body, timeout)

    def step(
        self, story: Story, step: str, person: Person, path: str, body: dict[str, Any], timeout: float = 30.0
    ) -> None:
        """One command, until it is acknowledged."""
        story.sent.append(step)
        answer = self._send(person, path, body, timeout)
        if step == CREATE:
            story.request_id = str(answer["id"])
        story.acknowledged.append(step)

    def _shown(self, person: Person, path: str, timeout: float) -> str:
        """The digest of what is to be decided, as soon as it can be read."""
        deadline = time.monotonic() + self._patience
        while True:
            with suppress(httpx.TransportError):
                answer = person.http.get(path, timeout=timeout)
                assert answer.status_code in (200, 500, 502, 503), f"{path}: {answer.status_code} {answer.text}"
                if answer.status_code == 200 and answer.json()["request_digest"]:
                    return str(answer.json()["request_digest"])
            if time.monotonic() > deadline:
                raise Unanswered(f"{path} was not shown within {self._patience} s")
            time.sleep(self._pause)

    def _send(self, person: Person, path: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
        key, deadline = new_key(), time.monotonic() + self._patience
        while True:
            try:
                answer = person.http.post(path, json=body, headers={"Idempotency-Key": key}, timeout=timeout)
            except httpx.TransportError as error:
                complaint = repr(error)
            else:
                if answer.status_code < 500:
                    assert answer.status_code == 201, f"{path}: {answer.status_code} {answer.text}"
                    created: dict[str, Any] = answer.json()
                    return created
                complaint = answer.text
            if time.monotonic() > deadline:
                raise Unanswered(f"{path} was not answered within {self._patience} s: {complaint}")
            self.ledger.repeated += 1
            time.sleep(self._pause)


class Load:
    """Stories without end, told by a few at once; every other one ends with the customer's approval."""

    def __init__(self, people: People, workers: int = 2, patience: float = 60.0, pause: float = 0.1) -> None:
        self.ledger = Ledger()
        self.teller = Teller(people, self.ledger, patience)
        self._verdicts = itertools.cycle(VERDICTS)
        self._pause = pause
        self._stopped = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._telling = Counter[int]()
        self._count = workers
        self._pool = ThreadPoolExecutor(workers)

    def __enter__(self) -> "Load":
        self._workers = [self._pool.submit(self._work, number) for number in range(self._count)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._go.set()
        self._pool.shutdown()

    def proceed(self, more: int, within: float = 90.0) -> None:
        """Return when so many more commands were acknowledged; raises what was wrong."""
        enough = self.ledger.acknowledged + more
        eventually(lambda: self.ledger.acknowledged >= enough or self.ledger.wrong, within)
        assert not self.ledger.wrong, self.ledger.wrong

    @contextmanager
    def paused(self, within: float = 120.0) -> Iterator[None]:
        """Nobody begins a story meanwhile, and those that were begun are over."""
        self._go.clear()
        try:
            eventually(lambda: not +self._telling, within)
            yield
        finally:
            self._go.set()

    def _work(self, number: int) -> None:
        while not self._stopped.wait(self._pause):
            self._telling[number] = 1
            try:
                if self._go.is_set():
                    self.teller.tell(next(self._verdicts))
            except Exception as error:  # noqa: BLE001 - whatever it is, the run has to know
                self.ledger.wrong.append(f"{type(error).__name__}: {error}"[:500])
            finally:
                self._telling[number] = 0
            self._go.wait()
