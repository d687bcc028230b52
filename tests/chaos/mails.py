"""Faults of the mail server: away, or hanging for one domain. Each email goes out once."""

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.arena import Arena
from tests.chaos.report import Row
from tests.waiting import eventually

MAILBOX = "mailbox"
HANGING = "contoso.example"
OTHERS_WITHIN = 5.0
SENT_WITHIN = 60.0
MESSAGE_ID = re.compile(rb"^Message-ID: <([0-9a-f-]+)@", re.MULTILINE)


def hanging(arena: Arena, row: Row, seconds: float) -> None:
    """The mail server hangs at RCPT for one domain: emails to others go out meanwhile, and all of them in the end."""
    before = _sent(arena)
    with _instead_of_the_mailbox(arena):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = len(_sent(arena))
            arena.load.proceed(3)
            eventually(lambda began=began: len(_sent(arena)) > began, within=OTHERS_WITHIN)  # type: ignore[misc]
    _all_sent_once(arena, row, before)


@contextmanager
def without_mailbox(arena: Arena, row: Row) -> Iterator[None]:
    """The mail server is away for a while: nothing is given up, and each email goes out in the end."""
    before = _sent(arena)
    arena.control("stop", MAILBOX)
    try:
        yield
    finally:
        arena.control("start", MAILBOX)
    _all_sent_once(arena, row, before)


@contextmanager
def _instead_of_the_mailbox(arena: Arena) -> Iterator[None]:
    arena.control("stop", MAILBOX)
    port, folder = str(arena.stack.ports["smtp"]), str(arena.stack.mail_folder)
    bad = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "tests.mail_server", port, folder, HANGING])
    try:
        yield
    finally:
        bad.kill()
        bad.wait()
        arena.control("start", MAILBOX)


def _all_sent_once(arena: Arena, row: Row, before: Counter[str]) -> None:
    """Require that all emails go out, and those that were not sent before once; a SIGKILL before may double others."""
    started = time.monotonic()
    deliveries = arena.mongo["lockbox_notify"]["deliveries"]
    with arena.load.paused(within=240):
        eventually(lambda: not deliveries.count_documents({"state.state": "PENDING"}), within=SENT_WITHIN)
    row.recoveries.append(time.monotonic() - started)
    assert deliveries.count_documents({"state.state": "FAILED"}) == 0, "an email was given up"
    twice = [message_id for message_id, count in _sent(arena).items() if count > 1 and message_id not in before]
    assert not twice, f"these emails were sent more than once: {twice}"


def _sent(arena: Arena) -> Counter[str]:
    """How often each email was taken."""
    found = (MESSAGE_ID.search(path.read_bytes()) for path in arena.stack.mail_folder.glob("*.eml"))
    return Counter(match[1].decode() for match in found if match)
