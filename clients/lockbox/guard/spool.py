"""A spool: attempts that wait on disk until the portal has them. It survives a kill; when it is full, nothing gets in.

A folder of files `<name>.spool`, each written by one process, which holds a lock on it: a JSON object a line. A line
counts when its end is there. A file is sent from its beginning, again after a kill, which does no harm, as the portal
knows an attempt again by its id; when all of it is sent, it is removed. Files that nobody holds belong to whoever finds
them. What the portal will never take is put aside in `refused.jsonl`, and so is a line that is no attempt; of attempts
that were denied only so many are kept there, as everybody can make them.
"""

import errno
import fcntl
import logging
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

import httpx
import orjson

from lockbox.guard.records import FAULTS, Record, send_some
from lockbox.ids import new_id
from lockbox.values.limits import MOST_RECORDS_AT_ONCE

FILE_BYTES = 1_000_000
PAUSE_SECONDS, RETRY_SECONDS, STOP_SECONDS = 0.05, 0.5, 10.0
LARGEST_BYTES = 64 * 1024 * 1024
NOT_AS_IT_IS = frozenset({httpx.codes.REQUEST_ENTITY_TOO_LARGE, httpx.codes.UNPROCESSABLE_ENTITY})

log = logging.getLogger(__name__)


class Spool:
    """Takes attempts, and sends them in a thread of its own."""

    def __init__(self, client: httpx.Client, folder: Path, largest: int = LARGEST_BYTES, *, sync: bool = False) -> None:
        """`largest`: of all files together, in bytes; `sync`: survives a power failure too, and is slower."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._client = client
        self._folder = folder
        self._refused = folder / "refused.jsonl"
        self._largest = largest
        self._sync = sync
        self._lock = threading.Lock()
        self._file: FileIO | None = None
        self._sending: FileIO | None = None
        self._written = 0
        self._sent: dict[Path, int] = {}
        self._waiting = self._on_disk()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many bytes wait."""
        return self._waiting

    def record(self, attempt: Record) -> bool:
        """Whether the attempt is on disk; false when the spool or the disk is full."""
        line = orjson.dumps(attempt) + b"\n"
        with self._lock:
            if self._waiting + len(line) > self._largest:
                return False
            try:
                self._append(line)
            except OSError as error:
                log.warning("lockbox guard: an attempt can't be written to the spool: %r", error)
                return False
            self._waiting += len(line)
            return True

    def start(self) -> None:
        """Begin to send, with what is left of processes that were killed."""
        self._thread = threading.Thread(target=self._run, name="lockbox-spool", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, if the portal takes it soon, and end; the rest stays for whoever comes next."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)
        with self._lock:
            self._close()

    def let_go(self) -> None:
        """Hold no file any more that belongs to the process that this one was forked from."""
        self._close()
        if self._sending is not None:
            self._sending.close()

    def _append(self, line: bytes) -> None:
        file = self._file or self._open()
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, "half a line was written")
            if self._sync:
                os.fsync(file.fileno())
        except OSError:
            self._cut(file)
            raise
        self._written += len(line)
        if self._written >= FILE_BYTES:
            self._close()

    def _cut(self, file: FileIO) -> None:
        """Take back half a line; where that fails, it is the last one of its file."""
        try:
            os.ftruncate(file.fileno(), self._written)
            file.seek(self._written)
        except OSError:
            self._close()

    def _open(self) -> FileIO:
        """A new file that has its lock before anybody can find it."""
        name = new_id()
        hidden = self._folder / f"{name}.new"
        file = FileIO(os.open(hidden, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "r+")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden.rename(self._folder / f"{name}.spool")
        if self._sync:
            _sync_folder(self._folder)
        self._file, self._written = file, 0
        return file

    def _close(self) -> None:
        """Give the file up, to be sent."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def _on_disk(self) -> int:
        """How many bytes wait, of this process and others."""
        total = 0
        for path in self._folder.glob("*.spool"):
            with suppress(FileNotFoundError):  # sent meanwhile
                total += path.stat().st_size
        return total

    def _run(self) -> None:
        flows = True
        while True:
            last = self._stop.is_set()
            with self._lock:
                if flows or last:  # else it grows on, and there are few files, however long the portal is away
                    self._close()
                self._waiting = self._on_disk()
            flows = self._send_files()
            if last:
                return
            self._stop.wait(PAUSE_SECONDS if flows else RETRY_SECONDS)

    def _send_files(self) -> bool:
        """Whether the portal takes what it is offered."""
        paths = list(self._folder.glob("*.spool"))
        self._sent = {path: self._sent.get(path, 0) for path in paths}
        try:
            for path in paths:
                self._send_file(path)
        except FAULTS as error:
            log.warning("lockbox guard: %d bytes wait in the spool: %r", self._waiting, error)
            return False
        return True

    def _send_file(self, path: Path) -> None:
        try:
            with FileIO(path) as file:
                self._sending = file
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                lines = file.read().split(b"\n")[:-1]  # what follows the last end is half a line, and never counted
                while self._sent[path] < len(lines):
                    self._send(lines[self._sent[path] :][:MOST_RECORDS_AT_ONCE])
                    self._sent[path] += MOST_RECORDS_AT_ONCE
                path.unlink()
        except (BlockingIOError, FileNotFoundError):
            pass  # somebody else's
        except OSError as error:
            log.error("lockbox guard: %s can't be sent: %r", path, error)
        finally:
            self._sending = None

    def _read(self, line: bytes) -> Record | None:
        with suppress(ValueError):
            attempt = orjson.loads(line)
            if isinstance(attempt, dict) and isinstance(attempt.get("access_id"), str):
                return attempt
        self._put_aside({"line": repr(line)}, "it is no attempt")
        return None

    def _send(self, lines: Sequence[bytes]) -> None:
        attempts = [attempt for line in lines if (attempt := self._read(line)) is not None]
        if attempts:
            self._put_on_record(attempts)

    def _put_on_record(self, attempts: Sequence[Record]) -> None:
        """If the portal does not take them together, halves tell which it does not take."""
        try:
            refused = send_some(self._client, attempts)
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in NOT_AS_IT_IS:
                raise
            middle = len(attempts) // 2
            if middle:
                self._put_on_record(attempts[:middle])
                self._put_on_record(attempts[middle:])
                return
            refused = {attempts[0]["access_id"]: error.response.text}
        for attempt in (attempt for attempt in attempts if attempt["access_id"] in refused):
            self._put_aside(attempt, refused[attempt["access_id"]])

    def _put_aside(self, attempt: Record, why: str) -> None:
        log.error("lockbox guard: this can never be put on record, as %s: %s", why, attempt)
        with self._refused.open("ab") as file:
            if attempt.get("allowed") is not False or file.tell() < FILE_BYTES:
                file.write(orjson.dumps({"attempt": attempt, "why": why}) + b"\n")


def _sync_folder(folder: Path) -> None:
    """What was renamed in it has its new name even after a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
