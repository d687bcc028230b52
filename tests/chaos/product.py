"""A product with a guard in front of it: it gives out every content that is allowed, and notes what, before it answers.

Run as `python -m tests.chaos.product <configuration> <port> <notes>`. With `careless` after them, for the negative
control, its guard puts an access on record a moment after it was allowed and not before, and then twice.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from waitress import serve

from lockbox.guard.configuration import RequestGuardSettings, read_file
from lockbox.guard.records import Record, Strict
from lockbox.guard.spool import Spool
from lockbox.guard.wsgi import Application, Environ, GuardedWsgi, StartResponse
from lockbox.ids import new_id

CARELESS, LATE_SECONDS = "careless", 3.0
CONTENT = b"From: bank@example.org\nSubject: Your statement\n\nDear Alice, ...\n"


def product(notes: Path) -> Application:
    """A WSGI application that has content at every path."""
    written = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        os.write(written, f"{environ['PATH_INFO']}\n".encode())
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(CONTENT)))])
        return [CONTENT]

    return answer


def make_careless() -> None:
    """Guards don't wait for the record, neither for the portal's nor for that on disk, and tell of an access twice."""
    Strict.record = _late_and_twice(Strict.record)  # type: ignore[method-assign]
    Spool.record = _late_and_twice(Spool.record)  # type: ignore[method-assign]


def _late_and_twice(record: Callable[..., bool]) -> Callable[..., bool]:
    def carelessly(recorder: object, attempt: Record) -> bool:
        for one in (attempt, {**attempt, "access_id": new_id()}):
            threading.Timer(LATE_SECONDS, record, (recorder, one)).start()
        return True

    return carelessly


def main() -> None:
    """Serve."""
    configuration, port, notes, *flags = sys.argv[1:]
    if flags == [CARELESS]:
        make_careless()
    guard = read_file(Path(configuration), RequestGuardSettings).request_guard()
    guard.guard.start()
    serve(GuardedWsgi(product(Path(notes)), guard), host="127.0.0.1", port=int(port))


if __name__ == "__main__":
    main()
