"""An engineer who uses a grant all the time, through every guarded program at once, and what was let in."""

import itertools
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from lockbox.crypto.possession import Target, prove, prove_session
from lockbox.guard.refusals import REASON
from tests.chaos.guarded import DOCUMENTS, ORIGIN, Guarded
from tests.people import Person, new_key
from tests.waiting import eventually

FOLDER = "mailbox/alice"
AT_ONCE = 3
AHEAD = 60
PAUSE_SECONDS, REFUSED_PAUSE_SECONDS, PATIENCE_SECONDS = 0.02, 0.2, 30.0
BACK_WITHIN = 120.0
UNANSWERED = "unanswered"
WHEN_SOMEBODY_IS_AWAY = frozenset({UNANSWERED, "not_recorded", "revocations_stale"})


class Visitors:
    """Each access is of an item of its own, so that it is known again on record; none is tried twice."""

    def __init__(self, guarded: Guarded, engineer: Person, grant: str) -> None:
        self.served: dict[str, list[str]] = {program: [] for program in guarded.programs}
        self.refused = {program: Counter[str]() for program in guarded.programs}
        self.wrong: list[str] = []
        self._guarded = guarded
        self._engineer = engineer
        self._grant = grant
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE * len(guarded.programs))

    def __enter__(self) -> "Visitors":
        for program, number in itertools.product(self._guarded.programs, range(AT_ONCE)):
            self._pool.submit(self._work, program, number)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown()

    def proceed(self, more: int, within: float = BACK_WITHIN) -> None:
        """Return when so many more were let in through each program; raises what was wrong."""
        enough = {program: len(served) + more for program, served in self.served.items()}
        eventually(lambda: self.wrong or all(len(self.served[name]) >= enough[name] for name in enough), within)
        assert not self.wrong, self.wrong

    def _work(self, program: str, number: int) -> None:
        with httpx.Client(timeout=PATIENCE_SECONDS) as http:
            for turn in itertools.count():
                if self._stopped.wait(PAUSE_SECONDS):
                    return
                if self._is_ahead(program):
                    continue
                try:
                    self._visit(http, program, f"{FOLDER}/{program}-{number}-{turn}", in_browser=turn % 2 == 1)
                except Exception as error:  # noqa: BLE001 - whatever it is, the run has to know
                    self.wrong.append(f"{program}: {type(error).__name__}: {error}"[:500])
                    return

    def _is_ahead(self, program: str) -> bool:
        """Whether others have to catch up first, as what is buffered would be much faster."""
        return len(self.served[program]) > min(map(len, self.served.values())) + AHEAD

    def _visit(self, http: httpx.Client, program: str, resource: str, *, in_browser: bool) -> None:
        """One access; raises AssertionError where it is refused though nothing is wrong with it."""
        path = DOCUMENTS + resource
        url, headers = self._guarded.asked(program, path)
        shown = self._cookies() if in_browser else self._proof(path)
        try:
            answer = http.get(url, headers=headers | shown)
        except httpx.TransportError:
            self._note_refusal(program, UNANSWERED)
            return
        if answer.is_success:
            self.served[program].append(resource)
            return
        reason = answer.headers.get(REASON, f"{answer.status_code} {answer.text}")
        assert reason in WHEN_SOMEBODY_IS_AWAY, f"{resource} was refused: {reason}"
        self._note_refusal(program, reason)

    def _note_refusal(self, program: str, reason: str) -> None:
        self.refused[program][reason] += 1
        self._stopped.wait(REFUSED_PAUSE_SECONDS)

    def _proof(self, path: str) -> dict[str, str]:
        proof = prove(self._engineer.key, Target("GET", ORIGIN + path), time.time(), new_key(), self._grant)
        return {"Authorization": f"DPoP {self._grant}", "DPoP": proof}

    def _cookies(self) -> dict[str, str]:
        proof = prove_session(self._engineer.key, ORIGIN, time.time(), new_key(), self._grant)
        return {"Cookie": f"lockbox_grant={self._grant}; lockbox_proof={proof}"}
