import time

import eventlet
import pytest
from eventlet.event import Event

from lockbox.runtime.process.checks import Check

LATE = "late"


class Part:
    """A part of the system that answers, hangs or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.hangs: Event | None = None
        self.error: Exception | None = None

    def ask(self) -> str:
        self.asked += 1
        if self.hangs is not None:
            self.hangs.wait()
        if self.error is not None:
            raise self.error
        return f"answer {self.asked}"


@pytest.fixture
def part() -> Part:
    return Part()


def test_check_when_the_part_answers_gives_its_answer_and_keeps_it(part: Part) -> None:
    check = Check(part.ask, LATE, kept=60)
    assert [check.within(1), check.within(1)] == ["answer 1", "answer 1"]


def test_check_when_the_answer_is_old_asks_again(part: Part) -> None:
    check = Check(part.ask, LATE, kept=0)
    assert [check.within(1), check.within(1)] == ["answer 1", "answer 2"]


def test_check_when_the_part_hangs_is_late_in_time_and_asks_once(part: Part) -> None:
    check, part.hangs = Check(part.ask, LATE), Event()
    began = time.monotonic()
    assert [check.within(0.02), check.within(0.02)] == [LATE, LATE]
    assert (part.asked, time.monotonic() - began < 1) == (1, True)
    part.hangs.send(None)
    assert check.within(1) == "answer 1"


def test_check_when_the_part_hangs_after_an_answer_is_lenient_for_a_while(part: Part) -> None:
    check = Check(part.ask, LATE, kept=0, lenient=0.05)
    assert check.within(1) == "answer 1"
    part.hangs = Event()
    assert [check.within(0.01), check.within(0.1)] == ["answer 1", LATE]


def test_check_when_the_part_fails_is_late(part: Part) -> None:
    part.error = RuntimeError("broken")
    check = Check(part.ask, LATE)
    assert check.within(1) == LATE


def test_checks_when_begun_run_side_by_side() -> None:
    checks = [Check(lambda: eventlet.sleep(0.1) or True, False) for _ in range(5)]
    began = time.monotonic()
    for check in checks:
        check.begin()
    assert all(check.within(1) for check in checks)
    assert time.monotonic() - began < 0.4
