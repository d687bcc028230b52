"""The spool: access records that wait on disk until the portal has them. It survives a kill; full, it takes no more.

A folder of files `<name>.spool` with one JSON object a line, each written by one process, which holds a lock on it. A
line counts when its line feed is there. A file is sent from its beginning, again after a kill: the portal recognises a
record by its id, so that it counts once. A file that is sent whole is removed. A file without a lock is sent by the
process that finds it. Records that the portal will never take go to `refused.jsonl`, and so do lines that are not
records; of denied attempts only so many are kept there, as anyone can cause them.
"""

import errno
import fcntl
import logging
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from io import FileIO
from pathlib import Path

import orjson

from lockbox.clock import SystemClock
from lockbox.guard.portal import FAULTS, PortalClient, PortalRefusal
from lockbox.guard.records import Record, send_some
from lockbox.ids import new_id
from lockbox.values.limits import MOST_RECORDS_AT_ONCE

FILE_BYTES = 1_000_000
PAUSE_SECONDS, RETRY_SECONDS, STOP_SECONDS = 0.05, 0.5, 10.0
LARGEST_BYTES = 64 * 1024 * 1024
REFUSED_AS_A_WHOLE = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})

log = logging.getLogger(__name__)


class Spool:
    """A recorder that keeps records on disk, and sends them in a thread of its own."""

    def __init__(
        self,
        client: PortalClient,
        folder: Path,
        clock: SystemClock,
        largest: int = LARGEST_BYTES,
        *,
        sync: bool = False,
    ) -> None:
        """`largest`: bytes of all files together; `sync`: survive a power failure too, which is slower."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._client = client
        self._folder = folder
        self._clock = clock
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
        """The number of bytes that wait."""
        return self._waiting

    def record(self, attempt: Record) -> bool:
        """Return whether the attempt is on disk; false when the spool or the disk is full."""
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
        """Start to send, including the files of processes that were killed."""
        self._thread = threading.Thread(target=self._run, name="lockbox-spool", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send the records that wait, if the portal takes them soon, and stop; the rest stays for the next process."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)
        with self._lock:
            self._close()

    def release(self) -> None:
        """Close the files that a forked process has inherited from its parent."""
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
        """Remove half a line; where that fails, give the file up."""
        try:
            os.ftruncate(file.fileno(), self._written)
            file.seek(self._written)
        except OSError:
            self._close()

    def _open(self) -> FileIO:
        """Open a new file; it has its lock before another process can find it."""
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
        """Close the file, so that it can be sent."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def _on_disk(self) -> int:
        """Count the bytes that wait, of this process and others."""
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
                if flows or last:  # else the file grows on, and few files collect while the portal is away
                    self._close()
                self._waiting = self._on_disk()
            flows = self._send_files()
            if last:
                return
            self._clock.wait(self._stop, PAUSE_SECONDS if flows else RETRY_SECONDS)

    def _send_files(self) -> bool:
        """Send every file, and return whether the portal took them."""
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
                lines = file.read().split(b"\n")[:-1]  # the rest is half a line, which does not count
                while self._sent[path] < len(lines):
                    self._send(lines[self._sent[path] :][:MOST_RECORDS_AT_ONCE])
                    self._sent[path] += MOST_RECORDS_AT_ONCE
                path.unlink()
        except (BlockingIOError, FileNotFoundError):
            pass  # another process sends it
        except OSError as error:
            log.error("lockbox guard: %s can't be sent: %r", path, error)
        finally:
            self._sending = None

    def _read(self, line: bytes) -> Record | None:
        with suppress(ValueError):
            attempt = orjson.loads(line)
            if isinstance(attempt, dict) and isinstance(attempt.get("access_id"), str):
                return attempt
        self._put_aside({"line": repr(line)}, "it is not a record")
        return None

    def _send(self, lines: Sequence[bytes]) -> None:
        attempts = [attempt for line in lines if (attempt := self._read(line)) is not None]
        if attempts:
            self._put_on_record(attempts)

    def _put_on_record(self, attempts: Sequence[Record]) -> None:
        """Send records; where the portal refuses them as a whole, send each half, down to the one that it refuses."""
        try:
            refused = send_some(self._client, attempts)
        except PortalRefusal as error:
            if error.status not in REFUSED_AS_A_WHOLE:
                raise
            middle = len(attempts) // 2
            if middle:
                self._put_on_record(attempts[:middle])
                self._put_on_record(attempts[middle:])
                return
            refused = {attempts[0]["access_id"]: error.text}
        for attempt in (attempt for attempt in attempts if attempt["access_id"] in refused):
            self._put_aside(attempt, refused[attempt["access_id"]])

    def _put_aside(self, attempt: Record, why: str) -> None:
        log.error("lockbox guard: this can never be put on record, as %s: %s", why, attempt)
        with self._refused.open("ab") as file:
            if attempt.get("allowed") is not False or file.tell() < FILE_BYTES:
                file.write(orjson.dumps({"attempt": attempt, "why": why}) + b"\n")


def _sync_folder(folder: Path) -> None:
    """Make the folder's file names survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
